package admit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// decode fails on any key that the envelope does not have.
func decode(t *testing.T, body []byte) (code core.Code, message string, details map[string]any) {
	t.Helper()
	var m struct {
		Error struct {
			Code    core.Code      `json:"code"`
			Message string         `json:"message"`
			Details map[string]any `json:"details"`
		} `json:"error"`
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return m.Error.Code, m.Error.Message, m.Error.Details
}

func TestResponseOfEveryCode(t *testing.T) {
	for code, want := range core.Codes() {
		err := core.Errorf(code, "internal: table tenants").With("k", "v").Wrap(errors.New("hunter2"))
		status, header, body := admit.Response(fmt.Errorf("outer: %w", err))
		got, message, details := decode(t, body)
		if status != want || got != code {
			t.Errorf("%s: %d %s, want %d", code, status, got, want)
		}
		if strings.Contains(string(body), "hunter2") || strings.Contains(string(body), "outer") {
			t.Errorf("%s: the cause is shown: %s", code, body)
		}
		if want >= 500 && (message != code.Sentinel().Message || details != nil) {
			t.Errorf("%s: a failure on our side tells too much: %s", code, body)
		}
		if want < 500 && (message != "internal: table tenants" || details["k"] != "v") {
			t.Errorf("%s: the sentence or the details are lost: %s", code, body)
		}
		if header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: headers %v", code, header)
		}
		if wantRetry := map[bool]string{true: "1"}[want == 503]; header.Get("Retry-After") != wantRetry {
			t.Errorf("%s: Retry-After %q", code, header.Get("Retry-After"))
		}
	}
}

func TestResponseOfForeignErrors(t *testing.T) {
	var slip *core.Error
	for name, err := range map[string]error{
		"plain":        errors.New("pq: password authentication failed"),
		"nil":          nil,
		"nil pointer":  slip,
		"unknown code": &core.Error{Code: "MADE_UP", Message: "pq: secret"},
		"zero":         &core.Error{},
	} {
		status, _, body := admit.Response(err)
		want := `{"error":{"code":"INTERNAL_SERVER_ERROR","message":"something went wrong on our side"}}`
		if status != 500 || string(body) != want {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestResponseRetryAfter(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0: "1", -time.Second: "1", time.Millisecond: "1", time.Second: "1", 1100 * time.Millisecond: "2", time.Hour: "3600",
	} {
		_, header, _ := admit.Response(&core.Error{Code: core.ResolverDown, RetryAfter: wait})
		if got := header.Get("Retry-After"); got != want {
			t.Errorf("after %v: %q, want %q", wait, got, want)
		}
	}
}

func TestResponseDetails(t *testing.T) {
	_, _, body := admit.Response(core.ErrTenantSuspended)
	if want := `{"error":{"code":"TENANT_SUSPENDED","message":"the tenant is suspended"}}`; string(body) != want {
		t.Errorf("%s", body)
	}
	status, _, body := admit.Response(core.ErrValidation.With("broken", make(chan int)))
	if code, _, details := decode(t, body); status != 400 || code != core.Validation || details != nil {
		t.Errorf("a detail without a JSON form: %d %s", status, body)
	}
	_, _, body = admit.Response(core.Errorf(core.Validation, "%s", "<script>\"\n"))
	if strings.Contains(string(body), "<script>") {
		t.Errorf("markup gets through: %s", body)
	}
}
