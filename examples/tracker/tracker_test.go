package tracker

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg"
)

// TestRun starts and ends a program around a service that does nothing.
func TestRun(t *testing.T) {
	if _, err := embedpg.Find(); errors.Is(err, embedpg.ErrNotInstalled) && os.Getenv("STRATUM_TEST_REQUIRED") != "1" {
		t.Skip(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out strings.Builder
	over := make(chan struct{})
	err := run(ctx, func(context.Context, Env) (*Service, error) {
		return &Service{
			Serve:    func(net.Listener) error { stop(); <-over; return nil },
			Shutdown: func(context.Context) error { close(over); return nil },
		}, nil
	}, "127.0.0.1:0", &out)
	if err != nil || !strings.Contains(out.String(), "X-Tenant-ID: acme") {
		t.Errorf("%v, %s", err, out.String())
	}
	failed := errors.New("no schema")
	err = run(t.Context(), func(context.Context, Env) (*Service, error) { return nil, failed }, "127.0.0.1:0", io.Discard)
	if !errors.Is(err, failed) {
		t.Error(err)
	}
}
