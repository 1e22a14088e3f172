package quickstart_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/jackc/pgx/v5"

	stratumpgx "github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	stratumhttp "github.com/stratum-hq/stratum-go/middleware/nethttp"
)

func Example() {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the README's middleware has no Authorize, and says so
	ctx := context.Background()
	server, err := embedpg.Start(ctx, embedpg.Config{Database: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Stop()
	acme := &core.Tenant{ID: core.MustParseID("0190a6b0-0000-7000-8000-00000000000a"), Slug: "acme", Status: core.Active}
	globex := &core.Tenant{ID: core.MustParseID("0190a6b0-0000-7000-8000-00000000000b"), Slug: "globex", Status: core.Active}
	ownerConn, err := pgx.Connect(ctx, server.URL(embedpg.Owner, "shop"))
	if err != nil {
		log.Fatal(err)
	}
	defer ownerConn.Close(ctx)
	if _, err := ownerConn.Exec(ctx, "create table invoice (id int generated always as identity primary key, total numeric)"); err != nil {
		log.Fatal(err)
	}
	dsn := server.URL(embedpg.App, "shop")

	handler, db := readme(ctx, ownerConn, dsn, acme, globex)
	defer db.Close()
	if _, err := db.Exec(core.NewContext(ctx, acme), "insert into invoice (total) values (10), (20)"); err != nil {
		log.Fatal(err)
	}

	for _, slug := range []string{"acme", "globex", ""} {
		r := httptest.NewRequest("GET", "/invoices", nil)
		if slug != "" {
			r.Header.Set("X-Tenant-ID", slug)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 2 invoices
	// 200 0 invoices
	// 400 {"error":{"code":"MISSING_TENANT","message":"the request names no tenant"}}
}

// readme holds the lines that README.md shows, between the two markers.
func readme(ctx context.Context, ownerConn *pgx.Conn, dsn string, acme, globex *core.Tenant) (http.Handler, *stratumpgx.DB) {
	// README
	// Once, on the owner's connection: the table goes under row-level security.
	err := rls.Protect(ctx, ownerConn, rls.Table{Name: "invoice"})
	if err != nil {
		log.Fatal(err)
	}
	// At start, as the application: Open refuses a login that could see everybody's rows.
	db, err := stratumpgx.Open(ctx, dsn, stratumpgx.Config{})
	if err != nil {
		log.Fatal(err)
	}
	// In front of the handlers: the tenant comes from the header X-Tenant-ID.
	tenants := stratumhttp.Middleware(core.Static(acme, globex), stratumhttp.Config{})
	// From then on every query is the tenant's, here and below any ORM on db.SQL().
	invoices := tenants(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		err := db.QueryRow(r.Context(), "select count(*) from invoice").Scan(&n)
		if err != nil {
			stratumhttp.WriteError(w, r, err)
			return
		}
		fmt.Fprint(w, n, " invoices")
	}))
	// README
	return invoices, db
}
