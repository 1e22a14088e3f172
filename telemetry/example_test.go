package telemetry_test

import (
	"context"
	"fmt"
	"log/slog"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
	"github.com/stratum-hq/stratum-go/telemetry"
)

func Example() {
	spans := tracetest.NewInMemoryExporter() // a program exports to its collector
	tp := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	defer func() { _ = tp.Shutdown(context.Background()) }()

	tel, err := telemetry.New(telemetry.Config{TracerProvider: tp})
	if err != nil {
		fmt.Println(err)
		return
	}
	tenant := &core.Tenant{ID: core.MustParseID("0190a000-0000-7000-8000-000000000002"), Slug: "brazil", Status: core.Active}
	admission := admit.New(core.Static(tenant), admit.Config[struct{}]{Trace: tel.Trace, Logger: slog.New(slog.DiscardHandler)})

	for _, name := range []string{"brazil", "nobody"} {
		_, _ = admission.Admit(context.Background(), request(name))
	}
	for _, s := range spans.GetSpans() {
		fmt.Println(s.Name, text(s.Attributes))
	}
	// Output:
	// stratum.admit stratum.outcome=admitted stratum.tenant.id=0190a000-0000-7000-8000-000000000002
	// stratum.admit error.type=TENANT_NOT_FOUND stratum.outcome=refused
}
