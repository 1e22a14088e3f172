package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	stratumhttp "github.com/stratum-hq/stratum-go/middleware/nethttp"
)

// shop is what the handlers share. It knows of no tenant.
type shop struct {
	db  *stratumpgx.DB
	log *slog.Logger
}

// failure is an answer that is none: {"error":{"code","message","details"}}.
type failure struct {
	status  int
	Code    string            `json:"code"`
	Message string            `json:"message"`
	Details map[string]string `json:"details,omitempty"`
}

func (f failure) Error() string { return f.Message }

// invalid is the failure of a field of the request.
func invalid(field, message string) failure {
	return failure{http.StatusBadRequest, string(core.Validation), message, map[string]string{"field": field}}
}

func nothingHere() failure {
	return failure{status: http.StatusNotFound, Code: "NOT_FOUND", Message: "there is nothing here"}
}

func notFound(http.ResponseWriter, *http.Request) error { return nothingHere() }

func methodNotAllowed(allow string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", allow)
		return failure{status: http.StatusMethodNotAllowed, Code: "METHOD_NOT_ALLOWED", Message: "this path knows " + allow}
	}
}

// answer turns the errors of a handler into answers.
func (s *shop) answer(handle func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := handle(w, r)
		if err == nil {
			return
		}
		var f failure
		if errors.As(err, &f) {
			write(w, f)
			return
		}
		if r.Context().Err() == nil { // otherwise the caller has gone away
			s.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		stratumhttp.WriteError(w, r, err)
	}
}

func write(w http.ResponseWriter, f failure) {
	reply(w, f.status, map[string]failure{"error": f})
}

// reply writes v as JSON. It is encoded before the status is sent.
func reply(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		stratumhttp.WriteError(w, nil, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the caller may have gone away
}
