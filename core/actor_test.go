package core_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
)

func TestActor(t *testing.T) {
	t.Parallel()
	if a := core.ActorFrom(t.Context()); a != (core.Actor{}) {
		t.Errorf("%+v out of nothing", a)
	}
	who := core.Actor{Type: "user", ID: "ada", RequestID: "r1", SourceIP: netip.MustParseAddr("192.0.2.1")}
	ctx := core.WithActor(t.Context(), who)
	ctx = core.NewContext(ctx, &core.Tenant{ID: core.NewID()})
	if a := core.ActorFrom(ctx); a != who {
		t.Errorf("%+v", a)
	}
	// Work that outlives the request is still the work of whoever asked for it.
	if a := core.ActorFrom(core.Detach(ctx)); a != who {
		t.Errorf("%+v after Detach", a)
	}
	if a := core.ActorFrom(core.Detach(core.WithActor(t.Context(), who))); a != who {
		t.Errorf("%+v after Detach without a tenant", a)
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	if key := core.IdempotencyKey(t.Context()); key != "" {
		t.Errorf("%q out of nothing", key)
	}
	ctx := core.Idempotent(t.Context(), "k1")
	if key := core.IdempotencyKey(ctx); key != "k1" {
		t.Errorf("%q", key)
	}
	// It belongs to the one change, not to what goes on afterwards.
	if key := core.IdempotencyKey(core.Detach(ctx)); key != "" {
		t.Errorf("%q after Detach", key)
	}
}

func TestActorOfNilContext(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(ctx context.Context){
		"WithActor":  func(ctx context.Context) { core.WithActor(ctx, core.Actor{}) },
		"Idempotent": func(ctx context.Context) { core.Idempotent(ctx, "k") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s(nil) does not panic", name)
				}
			}()
			f(nil)
		}()
	}
}
