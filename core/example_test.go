package core_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/stratum-hq/stratum-go/core"
)

func Example() {
	resolver := core.Static(&core.Tenant{
		ID:     core.MustParseID("0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"),
		Slug:   "acme",
		Status: core.Active,
	})
	tenant, err := resolver.Resolve(context.Background(), core.BySlug("acme"))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := core.NewContext(context.Background(), tenant)

	// Anywhere below:
	if t, err := core.FromContext(ctx); err == nil {
		fmt.Println(t.Slug, t.ID)
	}
	_, err = core.FromContext(context.Background())
	fmt.Println(errors.Is(err, core.ErrNoTenant))
	// Output:
	// acme 0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b
	// true
}

func ExampleSystem() {
	ctx := core.System(context.Background(), "nightly usage report")
	scope, err := core.ScopeFrom(ctx)
	fmt.Println(scope.Mode, scope.Reason, err)

	_, err = core.ScopeFrom(core.System(context.Background(), ""))
	fmt.Println(err)
	// Output:
	// system nightly usage report <nil>
	// core.System needs a reason that is not empty (SYSTEM_REASON)
}

func ExampleLogHandler() {
	text := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{} // for a stable output
			}
			return a
		},
	})
	log := slog.New(core.LogHandler(text))
	ctx := core.NewContext(context.Background(), &core.Tenant{ID: core.MustParseID("0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")})
	log.InfoContext(ctx, "invoice sent", "number", 17)
	// Output:
	// level=INFO msg="invoice sent" number=17 tenant_id=0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b scope=tenant
}
