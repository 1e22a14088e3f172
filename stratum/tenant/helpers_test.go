package tenant_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/migrations"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// service returns the service on a database of its own.
func service(t testing.TB) (*tenant.Service, *pgtest.Database) {
	t.Helper()
	d := pgtest.NewWith(t, "stratum", func(ctx context.Context, super *pgx.Conn) error {
		for _, sql := range []string{"create schema stratum authorization stratum_lib", "set session authorization stratum_lib"} {
			if _, err := super.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
	if err := migrations.Up(t.Context(), d.URL(embedpg.Lib)); err != nil {
		t.Fatal(err)
	}
	s, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{Actor: "tests", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s.Tenants, d
}

func newService(t testing.TB, base *db.DB, cfg tenant.Config) *tenant.Service {
	t.Helper()
	s, err := tenant.NewService(base, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(t testing.TB, s *tenant.Service, slug string, parent core.ID) *core.Tenant {
	t.Helper()
	made, err := s.Create(t.Context(), tenant.New{Name: "The " + slug, Slug: slug, Parent: parent})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// detail is what an error says under a key.
func detail(err error, key string) string {
	var e *core.Error
	if !errors.As(err, &e) {
		return ""
	}
	return fmt.Sprint(e.Details[key])
}

func count(t testing.TB, d *pgtest.Database, sql string, args ...any) (n int) {
	t.Helper()
	if err := d.Conn(t, embedpg.Lib).QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
