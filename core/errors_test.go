package core_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
)

func TestCodeStatusSentinel(t *testing.T) {
	seen := map[*core.Error]core.Code{}
	for code, status := range core.Codes() {
		sentinel := code.Sentinel()
		if sentinel.Code != code {
			t.Errorf("the sentinel of %s has the code %s", code, sentinel.Code)
		}
		if code.Status() != status || status < 400 || status > 599 {
			t.Errorf("the status of %s is %d in one place and %d in another", code, code.Status(), status)
		}
		if other, dup := seen[sentinel]; dup {
			t.Errorf("%s and %s share a sentinel", code, other)
		}
		seen[sentinel] = code
		if sentinel.Message == "" {
			t.Errorf("the sentinel of %s says nothing", code)
		}
		made := core.Errorf(code, "made for the test")
		if !errors.Is(made, sentinel) || !errors.Is(fmt.Errorf("wrapped: %w", made), sentinel) {
			t.Errorf("an error of the code %s is not its sentinel", code)
		}
		for other := range core.Codes() {
			if other != code && errors.Is(made, other.Sentinel()) {
				t.Errorf("an error of the code %s is also %s", code, other)
			}
		}
	}
	codes, sentinels := declared(t)
	if len(seen) != codes || len(seen) != sentinels {
		t.Errorf("the table has %d rows; the package declares %d codes and %d sentinels", len(seen), codes, sentinels)
	}
}

// declared counts the codes and sentinels in the source, so that none is forgotten in the table.
func declared(t *testing.T) (codes, sentinels int) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			v, ok := spec.(*ast.ValueSpec)
			switch {
			case !ok:
			case g.Tok == token.CONST:
				codes += len(v.Names)
			case g.Tok == token.VAR && strings.HasPrefix(v.Names[0].Name, "Err"):
				sentinels += len(v.Names)
			}
		}
	}
	return codes, sentinels
}

func TestCodesIsACopy(t *testing.T) {
	core.Codes()[core.TenantNotFound] = 200
	if got := core.TenantNotFound.Status(); got != 404 {
		t.Errorf("changing the map that Codes returned made the status %d", got)
	}
}

func TestUnknownCode(t *testing.T) {
	code := core.Code("NEVER_HEARD_OF")
	if code.Status() != 500 || code.Sentinel() != core.ErrInternal {
		t.Errorf("an unknown code is %d, %v", code.Status(), code.Sentinel())
	}
}

func TestErrorf(t *testing.T) {
	one := core.Errorf(core.Internal, "reading: %w", io.EOF)
	if !errors.Is(one, io.EOF) {
		t.Error("one %w operand is no cause")
	}
	two := core.Errorf(core.Internal, "%w and %w", io.EOF, io.ErrNoProgress)
	if !errors.Is(two, io.EOF) || !errors.Is(two, io.ErrNoProgress) {
		t.Error("two %w operands are no causes")
	}
	if got, want := core.Errorf(core.TenantNotFound, "no %s", "x").Error(), "no x (TENANT_NOT_FOUND)"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestWithAndWrapCopy(t *testing.T) {
	detailed := core.ErrTenantSuspended.With("tenant_id", "a")
	again := detailed.With("tenant_id", "b").Wrap(io.EOF)
	if core.ErrTenantSuspended.Details != nil || core.ErrTenantSuspended.Err != nil {
		t.Error("a sentinel was modified")
	}
	if detailed.Details["tenant_id"] != "a" || again.Details["tenant_id"] != "b" || detailed.Err != nil {
		t.Error("a copy shares with its original")
	}
	if !errors.Is(again, io.EOF) || strings.Contains(again.Error(), "EOF") {
		t.Error("Wrap must keep the cause, and keep it out of the sentence")
	}
}

func TestNilError(t *testing.T) {
	var slip *core.Error
	var err error = slip
	if errors.Is(err, core.ErrNoTenant) || errors.Unwrap(err) != nil || err.Error() == "" {
		t.Error("a nil *Error must be no particular error")
	}
	if errors.Is(core.Errorf(core.NoTenant, "x"), slip) {
		t.Error("no error is a nil *Error")
	}
	if got := slip.LogValue().String(); got != "<nil>" {
		t.Errorf("LogValue of nil is %q", got)
	}
}

func TestErrorInLog(t *testing.T) {
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Error("x", "error", core.ErrResolverDown.Wrap(io.ErrUnexpectedEOF))
	for _, want := range []string{"error.code=RESOLVER_UNAVAILABLE", `error.cause="unexpected EOF"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log lacks %s: %s", want, out.String())
		}
	}
}
