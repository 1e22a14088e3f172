package admit

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/stratum-hq/stratum-go/core"
)

// DefaultRetryAfter is when callers should try again if the tenant cannot be
// looked up and the error does not say.
const DefaultRetryAfter = time.Second

type envelope struct {
	Error payload `json:"error"`
}

type payload struct {
	Code    core.Code      `json:"code"`
	Message string         `json:"message"`
	Details map[string]any `json:"details,omitempty"`
}

// Response says how to answer a request that ended in err: status, headers, and
// the JSON envelope {"error":{"code","message","details"}}. An error that is no
// [core.Error], or whose code is unknown, is INTERNAL_SERVER_ERROR. Of a failure on
// our side (a status of 500 or more) nothing is told but its code and the standard
// sentence for it; of any error, never the cause.
func Response(err error) (status int, header http.Header, body []byte) {
	status, header, p := public(err)
	return status, header, encode(p.Details, func(details map[string]any) any {
		p.Details = details
		return envelope{p}
	})
}

// public is what callers may know of an error.
func public(err error) (status int, header http.Header, p payload) {
	e := coreError(err)
	if e == nil || e.Code.Sentinel().Code != e.Code {
		e = core.ErrInternal
	}
	status = e.Code.Status()
	header = http.Header{
		"Content-Type":  {"application/json; charset=utf-8"},
		"Cache-Control": {"no-store"},
	}
	if status == http.StatusUnauthorized {
		header["Www-Authenticate"] = []string{"Bearer"} // RFC 9110, section 15.5.2, and RFC 6750, section 3
	}
	if wait := retryAfter(e, status); wait > 0 {
		seconds := (wait + time.Second - 1) / time.Second
		header["Retry-After"] = []string{strconv.FormatInt(int64(seconds), 10)}
	}
	p = payload{Code: e.Code, Message: e.Message, Details: e.Details}
	if status >= 500 {
		p.Message, p.Details = e.Code.Sentinel().Message, nil
	}
	return status, header, p
}

// encode makes JSON of what body makes of the details; without them, if one has no JSON form.
func encode(details map[string]any, body func(details map[string]any) any) []byte {
	b, err := json.Marshal(body(details))
	if err != nil {
		b, _ = json.Marshal(body(nil))
	}
	return b
}

func retryAfter(e *core.Error, status int) time.Duration {
	if e.RetryAfter <= 0 && status == http.StatusServiceUnavailable {
		return DefaultRetryAfter
	}
	return e.RetryAfter
}

// statusOf is the status that Response gives.
func statusOf(err error) int {
	if e := coreError(err); e != nil {
		return e.Code.Status()
	}
	return http.StatusInternalServerError
}
