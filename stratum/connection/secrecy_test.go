package connection_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/connection"
)

// hidden looks for a password, and for what was sealed, in all that a value can be shown as.
func hidden(t testing.TB, v any) {
	t.Helper()
	var text, js strings.Builder
	slog.New(slog.NewTextHandler(&text, nil)).Info("shown", "v", v)
	slog.New(slog.NewJSONHandler(&js, nil)).Info("shown", "v", v)
	marshalled, err := json.Marshal(v)
	if err != nil {
		marshalled = []byte(err.Error())
	}
	shown := []string{text.String(), js.String(), string(marshalled), fmt.Sprintf("%v %+v %#v %s %d", v, v, v, v, v)}
	if err, ok := v.(error); ok {
		for ; err != nil; err = errors.Unwrap(err) {
			shown = append(shown, fmt.Sprintf("%+v %#v", err, err))
		}
	}
	for _, s := range shown {
		if strings.Contains(s, password) || strings.Contains(s, "v2:k:") {
			t.Errorf("%T is shown as %s", v, s)
		}
	}
}

// Nothing shows a connection string: not the values of this package, not its errors, and no
// row of the database.
func TestNothingShowsAString(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	s := service(t, d, newKey(t, "k"))
	c := connection.Connection{Primary: core.NewSecret(acme), Replica: core.NewSecret(acme2)}
	hidden(t, c)
	hidden(t, &c)
	hidden(t, map[string]any{"c": []connection.Connection{c}})
	for range 2 {
		if err := s.Set(t.Context(), "acme", c); err != nil {
			t.Fatal(err)
		}
	}
	set(t, s, "beta", acme, acme2)
	hidden(t, s)
	hidden(t, *s)
	for e, err := range s.List(t.Context(), "") {
		if err != nil || e.Primary.Host != "acme.example" {
			t.Error(e, err)
		}
		hidden(t, e)
	}

	failing := func(key string) {
		t.Helper()
		for _, find := range []func() (string, error){
			func() (string, error) { return s.ConnectionString(t.Context(), key) },
			func() (string, error) { return s.ReplicaConnectionString(t.Context(), key) },
			func() (string, error) { return "", s.Set(t.Context(), key, connection.Connection{Primary: c.Primary}) },
		} {
			text, err := find()
			if err == nil {
				t.Errorf("%s is %q", key, text)
				continue
			}
			hidden(t, err)
		}
	}
	failing("a/b/c")
	d.Exec(t, embedpg.Lib, "update stratum.connections set dsn = replica, replica = dsn where key = 'acme'")
	for _, find := range []func() error{
		func() error { _, err := s.ConnectionString(t.Context(), "acme"); return err },
		func() error { _, err := s.ReplicaConnectionString(t.Context(), "acme"); return err },
	} {
		err := find()
		if !errors.Is(err, core.ErrSealBroken) {
			t.Error(err)
		}
		hidden(t, err)
	}
	// What the table itself refuses is told with the row, which must not be passed on.
	d.Exec(t, embedpg.Lib, "alter table stratum.connections add constraint never check (version < 3)")
	err := s.Set(t.Context(), "acme", c)
	if err == nil {
		t.Error("the constraint lets it pass")
	}
	hidden(t, err)

	if err := s.Delete(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"stratum.audit_log", "stratum.events"} {
		if n := count(t, d, "select count(*) from "+table+" r where r::text ~ 'hunter2|v2:|example'"); n != 0 {
			t.Errorf("%d rows of %s have a string", n, table)
		}
		if n := count(t, d, "select count(*) from "+table); n != 4 {
			t.Errorf("%d rows in %s", n, table)
		}
	}
	if n := count(t, d, "select count(*) from stratum.connections r where r::text ~ 'hunter2|example'"); n != 0 {
		t.Errorf("%d rows are in the clear", n)
	}
}
