package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
	"github.com/stratum-hq/stratum-go/telemetry"
)

// admission is one that w watches; its resolver looks at the context it is given.
func admission(w *watched, seen func(context.Context), change func(*admit.Config[struct{}])) *admit.Admission {
	static := core.Static(tenantA, closed)
	cfg := admit.Config[struct{}]{Trace: w.Trace, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	return admit.New(core.ResolverFunc(func(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
		if seen != nil {
			seen(ctx)
		}
		if ref == core.BySlug("broken") {
			return nil, errors.New("connection refused: SECRET")
		}
		return static.Resolve(ctx, ref)
	}), cfg)
}

func request(tenant string) core.Request {
	r := httptest.NewRequest("GET", "/", nil)
	if tenant != "" {
		r.Header.Set("X-Tenant-ID", tenant)
	}
	return admit.HTTP(r)
}

func TestOutcomes(t *testing.T) {
	id := tenantA.ID.String()
	for _, c := range []struct {
		tenant string
		attrs  string
		status codes.Code
	}{
		{"a", "stratum.outcome=admitted stratum.tenant.id=" + id, codes.Unset},
		{"", "error.type=MISSING_TENANT stratum.outcome=refused", codes.Unset},
		{"nobody", "error.type=TENANT_NOT_FOUND stratum.outcome=refused", codes.Unset},
		{"closed", "error.type=TENANT_SUSPENDED stratum.outcome=refused", codes.Unset},
		{"a,b", "error.type=TENANT_REF_INVALID stratum.outcome=refused", codes.Unset},
		{"broken", "error.type=RESOLVER_UNAVAILABLE stratum.outcome=refused", codes.Error},
	} {
		t.Run(c.tenant, func(t *testing.T) {
			w := watch(t, telemetry.Config{})
			ctx, around := w.tracer.Start(t.Context(), "GET /")
			var inside trace.SpanContext
			got, err := admission(w, func(ctx context.Context) { inside = trace.SpanContextFromContext(ctx) }, nil).Admit(ctx, request(c.tenant))
			if err == nil {
				if after := trace.SpanFromContext(got); after.SpanContext().SpanID() != around.SpanContext().SpanID() {
					t.Error("the request goes on below the span of its admission")
				}
			}
			around.End()
			outer := w.spans.Ended()[1]
			span := w.span(t, "stratum.admit")
			if text(span.Attributes()) != c.attrs || span.Status().Code != c.status || strings.Contains(span.Status().Description, "SECRET") {
				t.Errorf("%s, %+v", text(span.Attributes()), span.Status())
			}
			if span.Parent().SpanID() != around.SpanContext().SpanID() {
				t.Error("the admission is no child of the request")
			}
			if inside.IsValid() && inside.SpanID() != span.SpanContext().SpanID() {
				t.Error("the resolver does not run below the admission")
			}
			want := ""
			if err == nil {
				want = "stratum.tenant.id=" + id
			}
			if outer.Name() != "GET /" || text(outer.Attributes()) != want {
				t.Errorf("the request's span %s has %q", outer.Name(), text(outer.Attributes()))
			}
			point := strings.TrimSuffix(c.attrs, " stratum.tenant.id="+id)
			if n := w.counts(t); len(n) != 1 || n[point] != 1 {
				t.Errorf("counted %v", n)
			}
		})
	}
}

func TestNoTenantNeeded(t *testing.T) {
	w := watch(t, telemetry.Config{})
	a := admission(w, nil, func(c *admit.Config[struct{}]) { c.Optional = true })
	if _, err := a.Admit(t.Context(), request("")); err != nil {
		t.Fatal(err)
	}
	if n := w.counts(t); n["stratum.outcome=none"] != 1 {
		t.Errorf("counted %v", n)
	}
	if s := w.span(t, "stratum.admit"); text(s.Attributes()) != "stratum.outcome=none" {
		t.Error(text(s.Attributes()))
	}
}

// However many codes the errors of hooks make up, the metric has one of them.
func TestCardinality(t *testing.T) {
	w := watch(t, telemetry.Config{})
	a := admission(w, nil, func(c *admit.Config[struct{}]) {
		c.Extract = func(r core.Request) (core.Selection, error) {
			name, _ := r.Header("X-Tenant-ID")
			switch name {
			case "a":
				return core.Selection{Ref: core.BySlug("a")}, nil
			case "plain":
				return core.Selection{}, errors.New(name)
			case "nil":
				return core.Selection{}, (*core.Error)(nil)
			}
			return core.Selection{}, core.Errorf(core.Code(name), "x")
		}
	})
	for i := range 50 {
		_, _ = a.Admit(t.Context(), request(fmt.Sprint("CODE_", i)))
	}
	for _, name := range []string{"plain", "nil", "a", "a"} {
		_, _ = a.Admit(t.Context(), request(name))
	}
	n := w.counts(t)
	if len(n) != 2 || n["error.type=_OTHER stratum.outcome=refused"] != 52 || n["stratum.outcome=admitted"] != 2 {
		t.Errorf("counted %v", n)
	}
}

func TestTenantMetrics(t *testing.T) {
	w := watch(t, telemetry.Config{TenantMetrics: true})
	a := admission(w, nil, nil)
	for _, name := range []string{"a", "a", "closed"} {
		_, _ = a.Admit(t.Context(), request(name))
	}
	n := w.counts(t)
	if n["stratum.outcome=admitted stratum.tenant.id="+tenantA.ID.String()] != 2 || n["error.type=TENANT_SUSPENDED stratum.outcome=refused"] != 1 {
		t.Errorf("counted %v", n)
	}
}

func TestBaggage(t *testing.T) {
	member := func(key, value string) baggage.Member {
		m, err := baggage.NewMemberRaw(key, value)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	bag, err := baggage.New(member("other", "kept"), member(string(telemetry.TenantKey), "forged"))
	if err != nil {
		t.Fatal(err)
	}
	outer := baggage.ContextWithBaggage(t.Context(), bag)
	for _, c := range []struct {
		on     bool
		tenant string
		want   string
	}{
		{true, "a", tenantA.ID.String()},
		{true, "", ""},
		{false, "a", "forged"}, // not ours to touch; nobody reads it
	} {
		for _, sampler := range []sdktrace.Sampler{sdktrace.AlwaysSample(), sdktrace.NeverSample()} {
			w := watch(t, telemetry.Config{Baggage: c.on}, sdktrace.WithSampler(sampler))
			ctx, err := admission(w, nil, func(c *admit.Config[struct{}]) { c.Optional = true }).Admit(outer, request(c.tenant))
			if err != nil {
				t.Fatal(err)
			}
			got := baggage.FromContext(ctx)
			if got.Member(string(telemetry.TenantKey)).Value() != c.want || got.Member("other").Value() != "kept" {
				t.Errorf("%+v: %s", c, got)
			}
			if id, err := core.TenantID(ctx); (err == nil) != (c.tenant != "") || c.tenant != "" && id != tenantA.ID {
				t.Errorf("%+v: runs as %s, %v", c, id, err)
			}
		}
	}
}

// A context that is derived during admission and afterwards is cancelled with its parent.
func TestContextStaysAContext(t *testing.T) {
	w := watch(t, telemetry.Config{Baggage: true})
	parent, cancel := context.WithCancel(context.WithValue(t.Context(), telemetry.TenantKey, "value"))
	ctx, done := w.Trace(parent)
	during, stop := context.WithCancel(ctx)
	defer stop()
	done(tenantA.ID, nil)
	after, stop := context.WithCancel(ctx)
	defer stop()
	cancel()
	<-during.Done()
	<-after.Done()
	if ctx.Value(telemetry.TenantKey) != "value" || ctx.Err() == nil {
		t.Error("values or cancellation of the parent are lost")
	}
}

func TestNothingRecorded(t *testing.T) {
	tel, err := telemetry.New(telemetry.Config{TracerProvider: noop.NewTracerProvider()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, done := tel.Trace(t.Context())
	if ctx != t.Context() {
		t.Error("a context was made for nothing")
	}
	done(tenantA.ID, nil)
	if n := testing.AllocsPerRun(100, func() {
		_, done := tel.Trace(ctx)
		done(tenantA.ID, nil)
	}); n > 3 {
		t.Errorf("%v allocations for nothing", n)
	}
}

func BenchmarkTrace(b *testing.B) {
	for name, cfg := range map[string]sdktrace.Sampler{"recorded": sdktrace.AlwaysSample(), "not sampled": sdktrace.NeverSample()} {
		b.Run(name, func(b *testing.B) {
			tp := sdktrace.NewTracerProvider(sdktrace.WithSampler(cfg))
			defer func() { _ = tp.Shutdown(context.Background()) }()
			tel, err := telemetry.New(telemetry.Config{TracerProvider: tp})
			if err != nil {
				b.Fatal(err)
			}
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				_, done := tel.Trace(ctx)
				done(tenantA.ID, nil)
			}
		})
	}
}
