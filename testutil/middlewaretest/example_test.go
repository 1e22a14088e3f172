package middlewaretest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
	"github.com/stratum-hq/stratum-go/testutil/middlewaretest"
)

// admission is a middleware to be tested.
func admission(resolver core.Resolver, cfg middlewaretest.HTTPConfig) middlewaretest.HTTPMiddleware {
	a := admit.New(resolver, cfg)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, err := a.Admit(r.Context(), admit.HTTP(r))
			if err != nil {
				status, _, body := admit.Response(err)
				w.WriteHeader(status)
				_, _ = w.Write(body)
				return
			}
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// A framework is plugged in by a function that builds services. Here it builds one as
// the suite would, and a client asks it something.
func Example() {
	plug := middlewaretest.HTTP{
		Middleware: admission,
		Tenant:     func(r *http.Request) (*core.Tenant, error) { return core.FromContext(r.Context()) },
	}
	framework := middlewaretest.Framework{
		New:   plug.Mux,
		Lacks: map[middlewaretest.Capability]string{middlewaretest.CentralErrors: "handlers of net/http return no error"},
	} // in a test: middlewaretest.Run(t, framework)

	server := framework.New(middlewaretest.Setup{
		Resolver: core.Static(&core.Tenant{ID: core.ID{1}, Slug: "brazil", Status: core.Active}),
		Root: middlewaretest.Group{Use: []middlewaretest.Middleware{
			{Admit: &middlewaretest.Config{Authorize: func(context.Context, core.Request, *core.Tenant) error { return nil }}},
		}},
		Fallback: func(x middlewaretest.Exchange) error {
			t, err := x.Tenant()
			if err != nil {
				return err
			}
			return x.Send(http.StatusOK, []byte("hello from "+t.Slug))
		},
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() { _ = server.Serve(ln) }()
	defer server.Close()

	for _, name := range []string{"brazil", "nobody"} {
		fmt.Println(ask(ln.Addr().String(), name))
	}
	// Output:
	// 200 hello from brazil
	// 404 {"error":{"code":"TENANT_NOT_FOUND","message":"there is no tenant with slug nobody"}}
}

func ask(addr, name string) string {
	req, err := http.NewRequest(http.MethodGet, "http://"+addr, nil)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("X-Tenant-ID", name)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(resp.StatusCode, " ", string(body))
}
