package telemetry

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/stratum-hq/stratum-go/core"
)

const (
	admitted = "admitted"
	refused  = "refused"
	none     = "none" // no tenant is named, and none is needed

	otherCode core.Code = "_OTHER" // as the conventions name what has no name of its own
)

// outcome is how an admission ended. There is a fixed number of them.
type outcome struct {
	name string
	code core.Code // of a refusal
}

func outcomeOf(tenant core.ID, err error) outcome {
	switch {
	case err != nil:
		return outcome{refused, codeOf(err)}
	case tenant.IsZero():
		return outcome{name: none}
	}
	return outcome{name: admitted}
}

func (o outcome) attributes() []attribute.KeyValue {
	if o.code == "" {
		return []attribute.KeyValue{OutcomeKey.String(o.name)}
	}
	return []attribute.KeyValue{OutcomeKey.String(o.name), semconv.ErrorTypeKey.String(string(o.code))}
}

// codeOf is the code of an error if it is one of this project's: others may make up
// as many as they like.
func codeOf(err error) core.Code {
	var e *core.Error
	if errors.As(err, &e) && e != nil && e.Code.Sentinel().Code == e.Code {
		return e.Code
	}
	return otherCode
}

// Trace is for the field Trace of the configuration of all middlewares; see admit.Config.
func (t *Telemetry) Trace(ctx context.Context) (context.Context, func(core.ID, error)) {
	start, around := time.Now(), trace.SpanFromContext(ctx)
	during, span := t.tracer.Start(ctx, "stratum.admit")
	var switched *admission
	traced := ctx
	if span.IsRecording() || t.cfg.Baggage {
		switched = &admission{Context: ctx}
		switched.now.Store(&during)
		traced = switched
	}
	return traced, func(tenant core.ID, err error) {
		o := outcomeOf(tenant, err)
		t.measure(ctx, o, tenant, time.Since(start))
		if span.IsRecording() {
			span.SetAttributes(o.attributes()...)
		}
		if !tenant.IsZero() {
			for _, s := range []trace.Span{span, around} {
				if s.IsRecording() {
					s.SetAttributes(TenantKey.String(tenant.String()))
				}
			}
		}
		if err != nil && (o.code == otherCode || o.code.Status() >= 500) {
			span.SetStatus(codes.Error, string(o.code)) // a refusal of the caller is no failure of ours
		}
		span.End()
		if switched != nil {
			after := ctx
			if t.cfg.Baggage {
				after = withTenant(ctx, tenant)
			}
			switched.now.Store(&after)
		}
	}
}

// options are attributes in the form in which instruments take them without allocating.
type options struct {
	add    []metric.AddOption
	record []metric.RecordOption
}

func optionsFor(attrs ...attribute.KeyValue) options {
	set := metric.WithAttributeSet(attribute.NewSet(attrs...))
	return options{[]metric.AddOption{set}, []metric.RecordOption{set}}
}

// measure reports to the instruments.
func (t *Telemetry) measure(ctx context.Context, o outcome, tenant core.ID, took time.Duration) {
	opts := t.options[o]
	if t.cfg.TenantMetrics && !tenant.IsZero() {
		opts = optionsFor(append(o.attributes(), TenantKey.String(tenant.String()))...)
	}
	t.admissions.Add(ctx, 1, opts.add...)
	t.duration.Record(ctx, took.Seconds(), opts.record...)
}

// admission is the context of a request. During its admission it has the values of one
// context, the span stratum.admit among them, and afterwards those of another, with the
// request's own span: that of the admission has ended by then, and is nobody's parent.
type admission struct {
	context.Context
	now atomic.Pointer[context.Context]
}

// Value implements [context.Context].
func (a *admission) Value(key any) any { return (*a.now.Load()).Value(key) }

// withTenant puts the tenant into the baggage, in place of whatever was there.
func withTenant(ctx context.Context, tenant core.ID) context.Context {
	bag := baggage.FromContext(ctx).DeleteMember(string(TenantKey))
	if !tenant.IsZero() {
		m, err := baggage.NewMemberRaw(string(TenantKey), tenant.String())
		if err == nil {
			bag, err = bag.SetMember(m)
		}
		if err != nil { // there is no room; the request is not worse without it
			return baggage.ContextWithBaggage(ctx, baggage.FromContext(ctx).DeleteMember(string(TenantKey)))
		}
	}
	return baggage.ContextWithBaggage(ctx, bag)
}
