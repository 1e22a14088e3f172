package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/examples/demo/musicshop"
)

// needPostgreSQL has the rules of package pgtest.
func needPostgreSQL(t *testing.T) {
	t.Helper()
	if _, err := embedpg.Find(); errors.Is(err, embedpg.ErrNotInstalled) && os.Getenv(pgtest.EnvRequired) != "1" {
		t.Skip(err)
	}
}

func TestDataThatIsUnusable(t *testing.T) {
	needPostgreSQL(t)
	shop := musicshop.SQL()
	for name, c := range map[string]struct{ sql, says string }{
		"syntax":     {shop + "SELEC;", "syntax error"},
		"two lines":  {"do $$ begin raise exception E'a\\nb'; end $$", "a b"},
		"no shop":    {"create table customer (customer_id int)", "not the database of a music shop"},
		"nobody":     {shop + "truncate customer cascade", "no customers"},
		"no country": {shop + "update customer set country = null where customer_id = 7", "has no country"},
		"no slug":    {shop + "update customer set country = 'Österreich' where customer_id = 7", `"Österreich" gives no slug`},
		"number":     {shop + "update customer set country = '7 Islands' where customer_id = 7", "gives no slug"},
		"empty":      {shop + "update customer set country = '' where customer_id = 7", "gives no slug"},
		"collision":  {shop + "update customer set country = 'south-korea' where customer_id = 7", `"South Korea" and "south-korea"`},
		"copy":       {"copy public.artist (name) from stdin;\nx\n\\.\n", "pg_dump --inserts"},
		"keys":       {shop + "alter table invoice alter invoice_id drop identity", "gets no number"},
		"no key":     {shop + "alter table invoice_line drop constraint invoice_line_invoice_id_fkey; alter table invoice drop constraint invoice_pkey", "invoice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "data.sql")
			if err := os.WriteFile(file, []byte(c.sql), 0o600); err != nil {
				t.Fatal(err)
			}
			env := map[string]string{"PORT": "0", "DEMO_SQL": file}
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), func(name string) string { return env[name] }, &stdout, &stderr)
			last := stderr.String()
			if i := strings.LastIndex(strings.TrimSpace(last), "\n"); i >= 0 && name == "no key" { // found late: the log comes first
				last = last[i+1:]
			}
			if code != 2 || stdout.Len() > 0 || !strings.Contains(last, c.says) || strings.Count(last, "\n") != 1 {
				t.Errorf("status %d, stdout %q, stderr %q, want status 2 and one line with %q", code, &stdout, &stderr, c.says)
			}
		})
	}
}

func TestInterruptedWhileStarting(t *testing.T) {
	needPostgreSQL(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupt"))
	var stdout, stderr bytes.Buffer
	code := run(ctx, func(name string) string { return map[string]string{"PORT": "0"}[name] }, &stdout, &stderr)
	if code != 0 || stdout.Len() > 0 || stderr.Len() > 0 {
		t.Errorf("status %d, stdout %q, stderr %q", code, &stdout, &stderr)
	}
}

func TestSlugOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Brazil": "brazil", "USA": "usa", "United Kingdom": "united_kingdom", "Côte d'Ivoire": "c_te_d_ivoire",
		"Guinea-Bissau": "guinea_bissau", "B2": "b2", "\u212aenya": "_enya", // the Kelvin sign is no k
	} {
		if got := slugOf(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
