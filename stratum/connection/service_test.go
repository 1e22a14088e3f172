package connection_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/connection"
)

func TestSetAndDelete(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	s := service(t, d, newKey(t, "k"))
	fails(t, s, "acme", core.ErrScopeUnsupported)
	set(t, s, "acme", acme, acme2)
	finds(t, s, "acme", acme, acme2)
	set(t, s, "acme", acme2, "")
	finds(t, s, "acme", acme2, "")
	if err := s.Delete(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	fails(t, s, "acme", core.ErrScopeUnsupported)
	if err := s.Delete(t.Context(), "acme"); !errors.Is(err, core.ErrScopeUnsupported) {
		t.Error("again:", err)
	}
	for sql, want := range map[string]int{
		`select count(*) from stratum.audit_log where action = 'connection.set' and actor = 'tests' and tenant_id is null and resource_type = 'connection' and resource_id = 'acme'
			and before is null and (after ->> 'version')::int = 1 and (after ->> 'replicated')::boolean`: 1,
		`select count(*) from stratum.audit_log where action = 'connection.set' and before ->> 'key' = 'acme'
			and (before ->> 'version')::int = 1 and (after ->> 'version')::int = 2 and not (after ->> 'replicated')::boolean`: 1,
		`select count(*) from stratum.audit_log where action = 'connection.deleted' and (before ->> 'version')::int = 2 and after is null`: 1,
		`select count(*) from stratum.audit_log`: 3,
		`select count(*) from stratum.events where type in ('connection.set', 'connection.deleted') and tenant_id is null and data ->> 'key' = 'acme'`: 3,
	} {
		if n := count(t, d, sql); n != want {
			t.Errorf("%d, want %d: %s", n, want, sql)
		}
	}
}

// Those who set the same connection at once take turns: each records what it replaced.
func TestSetAtOnce(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	s := service(t, d, newKey(t, "k"))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 5 {
				set(t, s, "acme", fmt.Sprintf("host=h%d", i), "")
				if _, err := s.ConnectionString(t.Context(), "acme"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := count(t, d, `select count(*) from stratum.audit_log where coalesce((before ->> 'version')::int, 0) + 1 = (after ->> 'version')::int`); n != 40 {
		t.Errorf("%d records follow each other", n)
	}
	if n := count(t, d, "select version from stratum.connections"); n != 40 {
		t.Errorf("version %d", n)
	}
}

func TestSetValidates(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	s := service(t, d, newKey(t, "k"))
	good, bad := core.NewSecret(acme), core.NewSecret("postgres://app:"+password+"@:::/%%%")
	for _, key := range []string{"", "/", "a/", "/a", "a/b/c", "a b", "a\n", "ä", `a"`, strings.Repeat("a", 64), "a/" + strings.Repeat("a", 64)} {
		if err := s.Set(t.Context(), key, connection.Connection{Primary: good}); !errors.Is(err, core.ErrValidation) || field(err) != "key" {
			t.Errorf("the key %q: %v", key, err)
		}
		fails(t, s, key, core.ErrScopeUnsupported)
	}
	for name, c := range map[string]struct {
		connection.Connection
		field string
	}{
		"no primary":       {connection.Connection{Replica: good}, "primary"},
		"bad primary":      {connection.Connection{Primary: bad}, "primary"},
		"bad replica":      {connection.Connection{Primary: good, Replica: bad}, "replica"},
		"a long primary":   {connection.Connection{Primary: core.NewSecret(acme + strings.Repeat(" ", connection.MaxLen))}, "primary"},
		"a missing file":   {connection.Connection{Primary: core.NewSecret(acme + "?sslmode=verify-full&sslrootcert=/nowhere/" + password)}, "primary"},
		"a bad parameter":  {connection.Connection{Primary: core.NewSecret(acme + "?pool_max_conns=" + password)}, "primary"},
		"an open quote":    {connection.Connection{Primary: core.NewSecret("host=h password='" + password)}, "primary"},
		"another protocol": {connection.Connection{Primary: good, Replica: core.NewSecret("mysql://" + password + "@h/d")}, "replica"},
	} {
		err := s.Set(t.Context(), "acme", c.Connection)
		if !errors.Is(err, core.ErrValidation) || field(err) != c.field || strings.Contains(err.Error(), password) || !strings.Contains(err.Error(), c.field) {
			t.Errorf("%s: %v", name, err)
		}
	}
	longest := strings.Repeat("a", 63) + "/" + strings.Repeat("A.-_9", 12) + "abc"
	set(t, s, longest, acme, "")
	finds(t, s, longest, acme, "")
	if n := count(t, d, "select count(*) from stratum.connections"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// Without keys nothing is kept in the clear, and nothing of what is there is told.
func TestWithoutKeys(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	set(t, service(t, d, newKey(t, "k")), "acme", acme, "")
	s := service(t, d)
	err := s.Set(t.Context(), "acme", connection.Connection{Primary: core.NewSecret(acme)})
	if !errors.Is(err, core.ErrScopeUnsupported) || !strings.Contains(err.Error(), "Config.Seal") {
		t.Error(err)
	}
	fails(t, s, "acme", core.ErrScopeUnsupported)
	if _, err := s.Rotate(t.Context()); !errors.Is(err, core.ErrScopeUnsupported) {
		t.Error(err)
	}
	for e, err := range s.List(t.Context(), "") {
		if err != nil || e.Key != "acme" || e.Problem != core.SealKeyUnknown || e.Primary != (connection.Address{}) {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if err := s.Delete(t.Context(), "acme"); err != nil {
		t.Error(err)
	}
}
