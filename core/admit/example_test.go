package admit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// A middleware hands over the request, and writes what Response says of a refusal.
func Example() {
	resolver := core.Static(&core.Tenant{ID: core.ID{2}, Slug: "brazil", Status: core.Active})
	admission := admit.New(resolver, admit.Config[struct{}]{
		Logger: slog.New(slog.DiscardHandler),
		Authorize: func(_ context.Context, req core.Request, t *core.Tenant) error {
			if user, _ := req.Header("X-User"); user != "" {
				return errors.New(user + " is not a member of " + t.Slug)
			}
			return nil
		},
	})

	ctx, err := admission.Admit(context.Background(), request("brazil"))
	id, _ := core.TenantID(ctx)
	fmt.Println(id, err)

	_, err = admission.Admit(context.Background(), request("nobody"))
	status, _, body := admit.Response(err)
	fmt.Println(status, string(body))
	// Output:
	// 02000000-0000-0000-0000-000000000000 <nil>
	// 404 {"error":{"code":"TENANT_NOT_FOUND","message":"there is no tenant with slug nobody"}}
}
