package stratum_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/cache"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// eventually repeats what must become true without anybody's help.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for tick := time.NewTicker(5 * time.Millisecond); !holds(); {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("it does not become true: ", what)
		}
	}
}

// stats needs the cache behind the resolver.
func stats(s *stratum.Stratum) cache.Stats { return s.Resolver().(*cache.Resolver).Stats() }

// Whoever changes a tenant, what others have cached of it, and of those below it, is gone
// at once, not after the TTL.
func TestChangesOfOthersAreHeard(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	long := cache.Config{TTL: time.Hour, NegativeTTL: time.Hour}
	open := func() *stratum.Stratum {
		s, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{AutoMigrate: true, Logger: quiet(), Cache: long})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	}
	mine, other := open(), open()
	parent, err := other.Tenants.Create(t.Context(), tenant.New{Name: "P", Slug: "parent"})
	if err != nil {
		t.Fatal(err)
	}
	child, err := other.Tenants.Create(t.Context(), tenant.New{Name: "C", Slug: "child", Parent: parent.ID})
	if err != nil {
		t.Fatal(err)
	}
	get := func(ref core.Ref) *core.Tenant {
		t.Helper()
		got, err := mine.Resolver().Resolve(t.Context(), ref)
		if err != nil && !errors.Is(err, core.ErrTenantNotFound) {
			t.Fatal(err)
		}
		return got
	}
	cached := func() {
		t.Helper()
		eventually(t, "answers are cached", func() bool {
			get(core.ByID(child.ID))
			before := stats(mine)
			get(core.ByID(child.ID))
			return stats(mine).Hits > before.Hits
		})
	}
	cached()
	if _, err := other.Tenants.Suspend(t.Context(), child.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is suspended here", func() bool { return get(core.ByID(child.ID)).Status == core.Suspended })
	if get(core.BySlug("later")) != nil {
		t.Fatal("it is not there yet")
	}
	if _, err := other.Tenants.Create(t.Context(), tenant.New{Name: "L", Slug: "later"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a new one is found", func() bool { return get(core.BySlug("later")) != nil })

	// With psql, while this process is deaf: nothing old is given.
	cached()
	d.Exec(t, embedpg.Superuser, "update stratum.tenants set name = 'renamed' where slug = 'child'")
	eventually(t, "it is renamed here", func() bool { return get(core.ByID(child.ID)).Name == "renamed" })
	cached()
	d.Exec(t, embedpg.Superuser, `with cut as (select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen stratum_changes' and datname = current_database())
		select count(*) from cut`)
	d.Exec(t, embedpg.Superuser, "update stratum.tenants set name = 'again' where slug = 'child'")
	eventually(t, "it is renamed again", func() bool { return get(core.ByID(child.ID)).Name == "again" })
	cached()
}

// Where changes cannot be heard, there is no cache, and everything works.
func TestDeafLibraryDoesNotCache(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	s, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{AutoMigrate: true, Logger: quiet(), Listen: "host=127.0.0.1 port=1 user=x connect_timeout=1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	made, err := s.Tenants.Create(t.Context(), tenant.New{Name: "A", Slug: "a"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b", "c"} {
		d.Exec(t, embedpg.Lib, "update stratum.tenants set name = $1", name)
		if got, err := s.Resolver().Resolve(t.Context(), core.ByID(made.ID)); err != nil || got.Name != name {
			t.Error(got, err)
		}
	}
	if st := stats(s); st.Hits != 0 {
		t.Errorf("%+v", st)
	}
	if _, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{Logger: quiet(), Listen: "postgres://x:hunter2@%zz"}); !errors.Is(err, core.ErrValidation) {
		t.Error(err)
	}
}
