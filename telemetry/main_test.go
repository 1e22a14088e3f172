package telemetry_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/telemetry"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

var (
	tenantA = &core.Tenant{ID: core.MustParseID("aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"), Slug: "a", Status: core.Active}
	closed  = &core.Tenant{ID: core.MustParseID("cccccccc-cccc-7ccc-8ccc-cccccccccccc"), Slug: "closed", Status: core.Suspended}
)

// watched is a Telemetry and what it reports.
type watched struct {
	*telemetry.Telemetry
	spans   *tracetest.SpanRecorder
	metrics *sdkmetric.ManualReader
	tracer  trace.Tracer // of the program
	url     string       // of the database, if there is one
}

func watch(t testing.TB, cfg telemetry.Config, opts ...sdktrace.TracerProviderOption) *watched {
	t.Helper()
	w := &watched{spans: tracetest.NewSpanRecorder(), metrics: sdkmetric.NewManualReader()}
	tp := sdktrace.NewTracerProvider(append(opts, sdktrace.WithSpanProcessor(w.spans))...)
	mp := sdkmetric.NewMeterProvider(sdkmetric.WithReader(w.metrics))
	t.Cleanup(func() {
		_, _ = tp.Shutdown(context.Background()), mp.Shutdown(context.Background())
	})
	cfg.TracerProvider, cfg.MeterProvider = tp, mp
	var err error
	if w.Telemetry, err = telemetry.New(cfg); err != nil {
		t.Fatal(err)
	}
	w.tracer = tp.Tracer("program")
	return w
}

// span returns the only ended span of a name, and forgets all.
func (w *watched) span(t testing.TB, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	var found []sdktrace.ReadOnlySpan
	var names []string
	for _, s := range w.spans.Ended() {
		names = append(names, s.Name())
		if s.Name() == name {
			found = append(found, s)
		}
	}
	w.spans.Reset()
	if len(found) != 1 {
		t.Fatalf("there are %d spans %q among %q", len(found), name, names)
	}
	return found[0]
}

// text is the attributes in one line, sorted.
func text(attrs []attribute.KeyValue) string {
	list := make([]string, 0, len(attrs))
	for _, a := range attrs {
		list = append(list, fmt.Sprintf("%s=%s", a.Key, a.Value.String()))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// counts returns how often admissions came, by their attributes.
func (w *watched) counts(t testing.TB) map[string]int64 {
	t.Helper()
	var rm metricdata.ResourceMetrics
	if err := w.metrics.Collect(context.Background(), &rm); err != nil {
		t.Fatal(err)
	}
	counted, measured := map[string]int64{}, map[string]int64{}
	for _, scope := range rm.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				if m.Name != "stratum.admissions" || !d.IsMonotonic {
					t.Errorf("the instrument %s", m.Name)
				}
				for _, p := range d.DataPoints {
					counted[text(p.Attributes.ToSlice())] += p.Value
				}
			case metricdata.Histogram[float64]:
				if m.Name != "stratum.admission.duration" || m.Unit != "s" {
					t.Errorf("the instrument %s in %s", m.Name, m.Unit)
				}
				for _, p := range d.DataPoints {
					measured[text(p.Attributes.ToSlice())] += int64(p.Count)
					if p.Sum < 0 || p.Sum > 60 {
						t.Errorf("an admission took %f s", p.Sum)
					}
				}
			}
		}
	}
	if fmt.Sprint(counted) != fmt.Sprint(measured) {
		t.Errorf("counted %v, measured %v", counted, measured)
	}
	return counted
}
