package propagate_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/propagate"
)

// A tenant goes to a worker with a message of a queue.
func Example() {
	tenant := &core.Tenant{ID: core.MustParseID("0190a000-0000-7000-8000-000000000002"), Slug: "brazil", Status: core.Active}
	resolver := core.Static(tenant)
	p, err := propagate.New(propagate.Config{
		Keys:     []propagate.Key{{ID: "k1", Secret: core.NewSecret(bytes.Repeat([]byte("x"), 32))}}, // 32 random bytes, kept in a safe place
		Audience: "jobs.invoices",
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	headers := propagate.Map{}
	if err := p.Inject(core.NewContext(context.Background(), tenant), headers); err != nil {
		fmt.Println(err)
		return
	}

	ctx, err := p.Receive(context.Background(), headers, resolver)
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := core.FromContext(ctx)
	fmt.Println(t.Slug, err)

	headers[propagate.DefaultName] = "plain." + tenant.ID.String() + ".-"
	_, err = p.Receive(context.Background(), headers, resolver)
	fmt.Println(err)
	// Output:
	// brazil <nil>
	// the tenant that came with the message has no seal (UNAUTHORIZED)
}
