package trackertest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the owner's connection is nothing special

	stratumpgx "github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/examples/tracker"
	stratumtest "github.com/stratum-hq/stratum-go/testutil"
)

// Run starts the service on a database of its own and tests it.
func Run(t *testing.T, build tracker.Build) {
	database := pgtest.New(t)
	env := tracker.Env{
		Owner: database.URL(embedpg.Owner), App: database.URL(embedpg.App),
		Tenants: tracker.Tenants(), Log: slog.New(slog.DiscardHandler),
	}
	service, err := build(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	base := serve(t, service)
	t.Run("requests", func(t *testing.T) { requests(t, base) })
	t.Run("isolation", func(t *testing.T) {
		db, err := stratumpgx.Open(t.Context(), env.App, stratumpgx.Config{Logger: env.Log})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		owner, err := sql.Open("pgx", env.Owner)
		if err != nil {
			t.Fatal(err)
		}
		defer owner.Close()
		stratumtest.AssertIsolation(t, db.SQL(), stratumtest.Config{Owner: owner})
	})
}

func serve(t *testing.T, service *tracker.Service) (base string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- service.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := service.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return "http://" + l.Addr().String()
}

// project is what all four programs answer with.
type project struct {
	ID    int64
	Name  string
	Tasks []struct {
		ID    int64
		Title string
		Done  bool
	}
}

func requests(t *testing.T, base string) {
	acme, globex := caller{t, base, "acme"}, caller{t, base, "globex"}
	var made, seen project
	acme.call("POST", "/projects", `{"name":"Moon landing"}`, 201, &made)
	if made.ID == 0 || made.Name != "Moon landing" {
		t.Fatalf("created %+v", made)
	}
	path := fmt.Sprintf("/projects/%d", made.ID)
	acme.call("POST", path+"/tasks", `{"title":"Build a rocket"}`, 201, nil)
	acme.call("GET", path, "", 200, &seen)
	if seen.Name != made.Name || len(seen.Tasks) != 1 || seen.Tasks[0].Title != "Build a rocket" || seen.Tasks[0].Done {
		t.Errorf("read %+v", seen)
	}
	acme.call("POST", "/projects", `{}`, 400, nil)
	acme.call("POST", path+"/tasks", `{"title":""}`, 400, nil)

	// The other tenant: nothing of it is there.
	globex.call("GET", path, "", 404, nil)
	globex.call("POST", path+"/tasks", `{"title":"Steal the rocket"}`, 404, nil)
	for who, want := range map[caller]int{acme: 1, globex: 0} {
		var list []project
		who.call("GET", "/projects", "", 200, &list)
		if len(list) != want {
			t.Errorf("%s sees %+v", who.tenant, list)
		}
	}
	acme.call("GET", path, "", 200, &seen)
	if len(seen.Tasks) != 1 {
		t.Errorf("a task arrived from elsewhere: %+v", seen)
	}

	// A user of one tenant asks for another, and for none.
	for tenant, want := range map[string]int{"acme": 403, "nobody": 404, "": 400} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", base+"/projects", nil)
		r.Header.Set("X-User", "bob@globex")
		if tenant != "" {
			r.Header.Set("X-Tenant-ID", tenant)
		}
		if status, body := do(t, r); status != want {
			t.Errorf("tenant %q: %d %s", tenant, status, body)
		}
	}
}

// caller is a user of a tenant.
type caller struct {
	t            *testing.T
	base, tenant string
}

func (c caller) call(method, path, body string, status int, out any) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-User", "someone@"+c.tenant)
	r.Header.Set("X-Tenant-ID", c.tenant)
	got, answer := do(c.t, r)
	if got != status {
		c.t.Errorf("%s: %s %s: %d %s, want %d", c.tenant, method, path, got, answer, status)
		return
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			c.t.Errorf("%s %s: %v: %s", method, path, err, answer)
		}
	}
}

func do(t *testing.T, r *http.Request) (status int, body []byte) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}
