package cache_test

import (
	"context"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/cache"
)

func brazil() *core.Tenant {
	return &core.Tenant{
		ID:      core.MustParseID("0190a000-0000-7000-8000-000000000001"),
		Slug:    "brazil",
		Status:  core.Active,
		Domains: []string{"brazil.example.com"},
	}
}

// hits are the references under which a hit must be free.
func hits() map[string]core.Ref {
	return map[string]core.Ref{
		"id":     core.ByID(brazil().ID),
		"slug":   core.BySlug("brazil"),
		"domain": core.ByDomain("brazil.example.com"),
		"key":    core.ByKey("sk_live_0123456789abcdef0123456789abcdef"),
	}
}

func anyRef(context.Context, core.Ref) (*core.Tenant, error) { return brazil(), nil }

func TestHitAllocatesNothing(t *testing.T) {
	for name, ref := range hits() {
		t.Run(name, func(t *testing.T) {
			r := cache.New(core.ResolverFunc(anyRef), cache.Config{TTL: time.Hour})
			ctx := t.Context()
			allocs := testing.AllocsPerRun(200, func() {
				if _, err := r.ResolveShared(ctx, ref); err != nil {
					t.Fatal(err)
				}
			})
			if allocs != 0 {
				t.Errorf("a hit allocates %v times", allocs)
			}
		})
	}
}

func BenchmarkHit(b *testing.B) {
	for name, ref := range hits() {
		b.Run(name, func(b *testing.B) {
			r := cache.New(core.ResolverFunc(anyRef), cache.Config{TTL: time.Hour})
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.ResolveShared(ctx, ref); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHitParallel(b *testing.B) {
	r := cache.New(core.ResolverFunc(anyRef), cache.Config{TTL: time.Hour})
	ref := core.BySlug("brazil")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := r.ResolveShared(context.Background(), ref); err != nil {
				b.Fatal(err)
			}
		}
	})
}
