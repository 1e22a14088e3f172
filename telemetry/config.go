package telemetry

import (
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/stratum-hq/stratum-go/core"
)

// The attributes of this package.
const (
	TenantKey  = attribute.Key("stratum.tenant.id")     // the id of the tenant
	OutcomeKey = attribute.Key("stratum.outcome")       // of an admission: admitted, refused or none
	ScopeKey   = attribute.Key("stratum.scope.mode")    // of a query: tenant, subtree, system or none
	ReasonKey  = attribute.Key("stratum.system.reason") // of a query under core.System: why
)

// DefaultSlowAcquire is from when on waiting for a connection is worth a span.
const DefaultSlowAcquire = time.Millisecond

const scopeName = "github.com/stratum-hq/stratum-go/telemetry"

// Config says where to report to, and what. The zero value reports to the global
// providers.
type Config struct {
	// TracerProvider makes spans. Nil: otel.GetTracerProvider().
	TracerProvider trace.TracerProvider

	// MeterProvider makes instruments. Nil: otel.GetMeterProvider().
	MeterProvider metric.MeterProvider

	// TenantMetrics adds the tenant's id to the metrics of admissions. It is for
	// installations with few tenants.
	TenantMetrics bool

	// Baggage puts the tenant's id into the baggage of admitted requests, and takes out one
	// that came from outside.
	Baggage bool

	// QueryText reports the text of statements as db.query.text, without parameters.
	QueryText bool

	// SlowAcquire is how long it takes to get a connection from the pool before that is a
	// span of its own; a failure always is. 0: [DefaultSlowAcquire]; negative: each time.
	SlowAcquire time.Duration
}

// Telemetry reports. It is safe for concurrent use.
type Telemetry struct {
	cfg    Config
	tracer trace.Tracer

	admissions metric.Int64Counter
	duration   metric.Float64Histogram
	options    map[outcome]options // made once for all outcomes there are
}

// New makes the instruments. It fails if the provider does.
func New(cfg Config) (*Telemetry, error) {
	if cfg.TracerProvider == nil {
		cfg.TracerProvider = otel.GetTracerProvider()
	}
	if cfg.MeterProvider == nil {
		cfg.MeterProvider = otel.GetMeterProvider()
	}
	if cfg.SlowAcquire == 0 {
		cfg.SlowAcquire = DefaultSlowAcquire
	}
	t := &Telemetry{cfg: cfg, tracer: cfg.TracerProvider.Tracer(scopeName), options: map[outcome]options{}}
	meter := cfg.MeterProvider.Meter(scopeName)
	var err error
	if t.admissions, err = meter.Int64Counter("stratum.admissions", metric.WithUnit("{request}"),
		metric.WithDescription("Requests that were admitted or refused.")); err != nil {
		return nil, err
	}
	if t.duration, err = meter.Float64Histogram("stratum.admission.duration", metric.WithUnit("s"),
		metric.WithDescription("Time to admit or refuse a request."),
		metric.WithExplicitBucketBoundaries(1e-6, 1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1, 5)); err != nil {
		return nil, err
	}
	list := []outcome{{name: admitted}, {name: none}, {name: refused, code: otherCode}}
	for code := range core.Codes() {
		list = append(list, outcome{name: refused, code: code})
	}
	for _, o := range list {
		t.options[o] = optionsFor(o.attributes()...)
	}
	return t, nil
}
