package connection_test

import (
	"errors"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/connection"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	s := service(t, pgtest.New(t), newKey(t, "k"))
	fails(t, s, "d_acme_1", core.ErrScopeUnsupported)
	fails(t, s, "eu/d_acme_1", core.ErrScopeUnsupported)
	set(t, s, "eu", eu, acme2)
	set(t, s, "eu/d_own_1", acme, "")
	set(t, s, connection.DefaultServer, local, "")
	set(t, s, "acme", acme, acme2)

	at := "postgres://app:" + password + "@eu.example/"
	finds(t, s, "eu/d_acme_1", at+"d_acme_1?sslmode=require", acme2+" dbname=d_acme_1")
	finds(t, s, "eu/d_own_1", acme, "") // it has no replica, although its server does
	finds(t, s, "eu", eu, acme2)
	finds(t, s, "d_acme_1", local+" dbname=d_acme_1", "")
	finds(t, s, "default/d_acme_1", local+" dbname=d_acme_1", "")
	finds(t, s, "acme", acme, acme2)
	// What provisioning did not make is on no server but by a connection of its own.
	for _, key := range []string{"eu/acme", "acm", "eu/d_A", "us/d_acme_1", "eu/d_a/d_b", "EU/d_acme_1", "d_x dbname=y", "eu/d_x?host=evil"} {
		fails(t, s, key, core.ErrScopeUnsupported)
	}
}

// A sealed string opens in its row and column, and nowhere else.
func TestMovedStringsDoNotOpen(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	key := newKey(t, "k")
	s := service(t, d, key)
	set(t, s, "acme", acme, acme2)
	set(t, s, "beta", acme, acme2)
	for name, c := range map[string]struct {
		sql  string
		want error
	}{
		"another row":    {"update stratum.connections set dsn = (select dsn from stratum.connections where key = 'beta') where key = 'acme'", core.ErrSealBroken},
		"swapped fields": {"update stratum.connections set dsn = replica, replica = dsn where key = 'acme'", core.ErrSealBroken},
		"renamed":        {"update stratum.connections set key = 'gamma' where key = 'acme'", core.ErrSealBroken},
		"a changed bit":  {"update stratum.connections set dsn = left(dsn, -1) || case when right(dsn, 1) = 'A' then 'Q' else 'A' end where key = 'acme'", nil},
		"in the clear":   {"update stratum.connections set dsn = 'postgres://app:hunter2@evil.example/x' where key = 'acme'", core.ErrSealMalformed},
		"emptied":        {"update stratum.connections set dsn = '' where key = 'acme'", core.ErrSealMalformed},
	} {
		set(t, s, "acme", acme, acme2)
		d.Exec(t, embedpg.Lib, c.sql)
		at := "acme"
		if name == "renamed" {
			at = "gamma"
		}
		got, err := s.ConnectionString(t.Context(), at)
		var e *core.Error
		if got != "" || !errors.As(err, &e) || e.Code.Status() != 500 || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	set(t, s, "acme", acme, acme2)
	fails(t, service(t, d, newKey(t, "other")), "acme", core.ErrSealKeyUnknown)
	impostor := newKey(t, "k")
	fails(t, service(t, d, impostor), "acme", core.ErrSealBroken)
	finds(t, service(t, d, newKey(t, "new"), key), "acme", acme, acme2)
}
