package middlewaretest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// lifetimeCases are about requests beside and after each other.
var lifetimeCases = []testCase{
	{
		name: "copies", rule: "what a handler does to the tenant it is given changes nothing for anybody",
		check: func(e *env) {
			s := e.admitting(Config{}, func(x Exchange) error {
				first, err := x.Tenant()
				if err != nil {
					return err
				}
				second, err := core.FromContext(x.Context())
				if err != nil {
					return err
				}
				for _, t := range []*core.Tenant{first, second} {
					t.ID, t.Slug, t.Status, t.Placement.Schema = core.MustParseID(strangerID), "spoiled", core.Archived, "theirs"
					t.Ancestors[0], t.Domains[0] = core.MustParseID(strangerID), "evil.example"
				}
				again, err := x.Tenant()
				if err != nil {
					return err
				}
				return x.Send(200, []byte(running(x)+" "+again.ID.String()+" "+again.Ancestors[0].String()+" "+again.Domains[0]))
			})
			for range 3 {
				e.wantTenant(s.get("/", asBrazil), "brazil "+brazilID+" "+northStarID+" brazil.example.org")
			}
		},
	},
	{
		name: "keep_alive", rule: "a connection carries nothing of one request over to the next",
		check: func(e *env) {
			c := e.admitting(Config{Optional: true}, whoami).dial()
			defer c.Close()
			for range 3 {
				for _, name := range []string{"brazil", "", "stranger", "sleeper", "", "nobody", "rio", ""} {
					e.wantInTurn(c, name)
				}
			}
		},
	},
	{
		name: "pipelined", rule: "requests that come in one piece are each admitted as themselves, in order",
		check: func(e *env) {
			c := e.admitting(Config{Optional: true}, whoami).dial()
			defer c.Close()
			var all strings.Builder
			names := []string{"brazil", "stranger", "", "rio", "brazil"}
			for _, name := range names {
				all.WriteString(persistent(name))
			}
			c.send(all.String())
			for _, name := range names {
				if name == "" {
					name = "none"
				}
				e.wantTenant(c.read("GET"), name)
			}
		},
	},
	{
		name:  "concurrent_tenants",
		rule:  "each of many requests at once runs as its own tenant, from the start of its handler to the end and in its goroutines",
		check: concurrentTenants,
	},
	{
		name: "detached_goroutine", rule: "a goroutine that a handler leaves behind keeps its tenant with core.Detach while others are served",
		check: func(e *env) {
			keepsTenant(e, func(kept []*core.Tenant) string { return kept[1].Slug + " " + kept[1].ID.String() })
		},
	},
	{
		name: "kept_strings", rule: "a tenant that a handler keeps does not change when buffers are used for later requests",
		check: func(e *env) {
			keepsTenant(e, func(kept []*core.Tenant) string { return kept[0].Slug + " " + kept[0].ID.String() })
		},
	},
	{
		name: "deadline", rule: "a deadline that is set in front of admission holds in the resolver and in the handler",
		check: func(e *env) {
			at := time.Now().Add(time.Hour).Round(0)
			check := func(who string, ctx context.Context) {
				if d, ok := ctx.Deadline(); !ok || !d.Equal(at) {
					e.broken("%s has the deadline %v, %v", who, d, ok)
				}
			}
			resolver := core.ResolverFunc(func(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
				check("the resolver", ctx)
				return everybody().Resolve(ctx, ref)
			})
			cfg := Config{Trace: func(ctx context.Context) (context.Context, func(core.ID, error)) {
				ctx, cancel := context.WithDeadline(ctx, at)
				e.Cleanup(cancel)
				return ctx, nil
			}}
			s := e.start(Setup{Resolver: resolver, Root: Group{Use: []Middleware{admission(cfg)}}, Fallback: func(x Exchange) error {
				check("the handler", x.Context())
				return whoami(x)
			}})
			e.wantTenant(s.get("/", asBrazil), "brazil")
		},
	},
	{
		name: "cancellation", rule: "a client that goes away cancels the context of its handler, which keeps its tenant",
		needs: []Capability{Cancellation},
		check: func(e *env) {
			started, canceled := make(chan struct{}), make(chan struct{})
			c := e.admitting(Config{}, func(x Exchange) error {
				ctx := x.Context()
				close(started)
				if e.wait(ctx.Done(), "the cancellation of the handler's context") {
					if got := running(x); got != "brazil" {
						e.broken("the canceled handler runs as %s", got)
					}
				}
				close(canceled)
				return nil
			}).dial()
			c.send(persistent("brazil"))
			e.wait(started, "the start of the handler")
			_ = c.Close()
			e.wait(canceled, "the end of the handler")
		},
	},
}

// persistent spells a request that leaves the connection open, for a tenant or none.
func persistent(name string) string {
	header := ""
	if name != "" {
		header = "X-Tenant-ID: " + name + "\r\n"
	}
	return "GET / HTTP/1.1\r\nHost: " + base + "\r\n" + header + "\r\n"
}

// wantInTurn sends a request on an open connection of a service that is optional.
func (e *env) wantInTurn(c *conn, name string) {
	e.Helper()
	c.send(persistent(name))
	r := c.read("GET")
	switch name {
	case "":
		e.wantTenant(r, "none")
	case "sleeper":
		e.wantRefusal(r, core.ErrTenantSuspended)
	case "nobody":
		e.wantRefusal(r, core.ErrTenantNotFound)
	default:
		e.wantTenant(r, name)
	}
}

// concurrentTenants runs handlers of different tenants in pairs, over connections that
// serve one tenant after the other.
func concurrentTenants(e *env) {
	const tenants, workers, rounds = 20, 12, 30
	all := make([]*core.Tenant, tenants)
	for i := range all {
		all[i] = &core.Tenant{ID: core.NewID(), Slug: fmt.Sprintf("tenant_%d", i), Status: core.Active}
	}
	meet := make(chan struct{})
	s := e.start(Setup{
		Resolver: core.Static(all...),
		Root:     Group{Use: []Middleware{admission(Config{Extract: extract.First(extract.Subdomain(base), extract.Header("X-Tenant-ID"))})}},
		Fallback: func(x Exchange) error {
			first := strings.Clone(running(x))
			select { // with another handler in between, if one comes
			case meet <- struct{}{}:
			case <-meet:
			case <-time.After(5 * time.Millisecond):
			}
			ctx, seen := x.Context(), make(chan string, 2)
			for range cap(seen) {
				go func() { seen <- slugOf(ctx) }()
			}
			return x.Send(200, []byte(strings.Join([]string{first, <-seen, <-seen, running(x)}, " ")))
		},
	})
	var wg sync.WaitGroup
	for worker := range workers {
		c := s.dial()
		wg.Go(func() {
			defer c.Close()
			for i := range rounds {
				slug := all[(worker*7+i)%tenants].Slug
				host, header := slug+"."+base, ""
				if i%2 == 0 {
					host, header = base, "X-Tenant-ID: "+slug+"\r\n"
				}
				c.send("GET /who HTTP/1.1\r\nHost: " + host + "\r\n" + header + "\r\n")
				e.wantTenant(c.read("GET"), strings.Join([]string{slug, slug, slug, slug}, " "))
			}
		})
	}
	wg.Wait()
}

func slugOf(ctx context.Context) string {
	t, err := core.FromContext(ctx)
	if err != nil {
		return "none"
	}
	return t.Slug
}

// keepsTenant lets a handler leave a goroutine behind that keeps the tenant itself and
// a detached context, serves others on the same connection and elsewhere, and then
// looks at what the goroutine has: the kept tenant, and that of the context.
func keepsTenant(e *env, describe func(kept []*core.Tenant) string) {
	others, kept := make(chan struct{}), make(chan []*core.Tenant, 1)
	s := e.start(Setup{
		Resolver: fromText(),
		Root:     Group{Use: []Middleware{admission(Config{Extract: extract.First(extract.Query("tenant"), extract.Header("X-Tenant-ID"))})}},
		Fallback: func(x Exchange) error {
			if x.RequestHeader("X-Keep") == "" {
				return whoami(x)
			}
			tenant, err := x.Tenant()
			if err != nil {
				return err
			}
			ctx := core.Detach(x.Context())
			go func() {
				<-others
				later, err := core.FromContext(ctx)
				if err != nil {
					later = &core.Tenant{Slug: err.Error()}
				}
				kept <- []*core.Tenant{tenant, later}
			}()
			return whoami(x)
		},
	})
	c := s.dial()
	defer c.Close()
	c.send("GET / HTTP/1.1\r\nHost: " + base + "\r\nX-Keep: yes\r\nX-Tenant-ID: brazil_is_kept\r\n\r\n")
	e.wantTenant(c.read("GET"), "brazil_is_kept")
	for i := range 20 {
		name := fmt.Sprintf("other_number_%02d", i)
		c.send("GET /?tenant=" + name + " HTTP/1.1\r\nHost: " + base + "\r\n\r\n")
		e.wantTenant(c.read("GET"), name)
		e.wantTenant(s.get("/", "X-Tenant-ID: "+name), name)
	}
	close(others)
	want := "brazil_is_kept " + idOf("brazil_is_kept").String()
	select {
	case tenants := <-kept:
		if got := describe(tenants); got != want {
			e.broken("it became %q, was %q", got, want)
		}
	case <-time.After(e.framework.patience):
		e.broken("the goroutine was never started")
	}
}

// fromText resolves any slug. It clones what it keeps of a reference, as resolvers must.
func fromText() core.Resolver {
	return core.ResolverFunc(func(_ context.Context, ref core.Ref) (*core.Tenant, error) {
		slug := strings.Clone(ref.Text())
		return &core.Tenant{ID: idOf(slug), Slug: slug, Status: core.Active}, nil
	})
}

// idOf makes an id of the end of a slug.
func idOf(slug string) (id core.ID) {
	id[0] = 1
	copy(id[2:], slug[max(0, len(slug)-14):])
	return id
}
