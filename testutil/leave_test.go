package stratumtest_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/testutil"
)

// solve makes a text of 23 letters with the beginning, whose hash begins with a.
func solve(begin string) string {
	for i := 0; ; i++ {
		s := fmt.Sprintf("%s%0*d", begin, 23-len(begin), i)
		if sum := md5.Sum([]byte(s)); hex.EncodeToString(sum[:])[0] == 'a' {
			return s
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	d := open(t, faults{}, protectedShop())
	one := stratumtest.Tenants(t, 1)
	for words, cfg := range map[string]stratumtest.Config{
		"Config.Owner is nil":         {},
		`no table has a column "org"`: {Owner: d.owner, Column: "org"},
		"1 tenants instead of two":    {Owner: d.owner, Tenants: one},
		"with different ids":          {Owner: d.owner, Tenants: []*core.Tenant{one[0], one[0]}},
	} {
		_, err := stratumtest.Attack(t.Context(), d.app, cfg)
		if !errors.Is(err, &core.Error{Code: core.Validation}) && !isValidation(err) || !strings.Contains(err.Error(), words) {
			t.Errorf("%v does not say %q", err, words)
		}
		if errs := on(t.Context(), func(t testing.TB) { stratumtest.AssertIsolation(t, d.app, cfg) }); saying(errs, words) != 1 {
			t.Error(errs)
		}
	}
}

func isValidation(err error) bool {
	var e *core.Error
	return errors.As(err, &e) && e.Code == core.Validation
}

// Tenants that have rows keep them.
func TestTenantsWithRowsKeepThem(t *testing.T) {
	t.Parallel()
	d := open(t, faults{}, protectedShop())
	tenants := stratumtest.Tenants(t, 2)
	for _, tenant := range tenants {
		d.Exec(t, embedpg.Superuser, "insert into note (tenant_id, body) select $1, 'mine' from generate_series(1, 10)", tenant.ID)
		d.Exec(t, embedpg.Superuser, "insert into customer (tenant_id, name, mail) values ($1, 'x', 'a@b.de')", tenant.ID)
	}
	before := contents(t, d)
	report := attack(t, d, stratumtest.Config{Tenants: tenants})
	if !report.OK() {
		t.Error(report)
	}
	same(t, before, contents(t, d))
}

// A trigger that changes rows which are not ours cannot be undone: nothing is written.
func TestSideEffectsAreRefused(t *testing.T) {
	t.Parallel()
	d := open(t, faults{}, protectedShop(), asOwner+`create table counter (n bigint not null); insert into counter values (7);
		create function tick() returns trigger language plpgsql security definer as $$ begin update counter set n = n + 1; return null; end $$;
		create trigger tick after insert on note for each row execute function tick()`)
	before := contents(t, d)
	_, err := stratumtest.Attack(t.Context(), d.app, stratumtest.Config{Owner: d.owner})
	if err == nil || !strings.Contains(err.Error(), "a trigger changes rows of public.counter") {
		t.Error(err)
	}
	same(t, before, contents(t, d))
}

func TestLeftAsFoundAfterAPanic(t *testing.T) {
	t.Parallel()
	d := open(t, faults{}, protectedShop())
	before := contents(t, d)
	calls := 0
	cfg := stratumtest.Config{Owner: d.owner, Fill: map[string]func(int) any{"note.body": func(n int) any {
		if calls++; calls > 6 { // the rows are there, and a vector asks for more
			panic("boom")
		}
		return fmt.Sprint("body", n)
	}}}
	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("the panic was lost")
			}
		}()
		_, _ = stratumtest.Attack(t.Context(), d.app, cfg)
	}()
	same(t, before, contents(t, d))
}

func TestLeftAsFoundAfterTheContextEnds(t *testing.T) {
	t.Parallel()
	d := open(t, faults{}, protectedShop())
	before := contents(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	cfg := stratumtest.Config{Owner: d.owner, Fill: map[string]func(int) any{"note.body": func(n int) any {
		if calls++; calls > 6 {
			cancel()
		}
		return fmt.Sprint("body", n)
	}}}
	if _, err := stratumtest.Attack(ctx, d.app, cfg); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	same(t, before, contents(t, d))
}

// A handle that sets no tenant sees nothing: that is a gap, not a success.
func TestAnAttackThatSeesNothingFails(t *testing.T) {
	t.Parallel()
	d := open(t, faults{everything: true}, protectedShop())
	report, err := stratumtest.Attack(t.Context(), d.app, stratumtest.Config{Owner: d.owner})
	if err != nil || report.OK() || len(report.Gaps) < len(sound) || !strings.Contains(report.Gaps[0].Reason, "does not see its own rows") {
		t.Error(err, report)
	}
}

// What a driver connection cannot do is not attacked, and not counted as held.
func TestWhatTheDriverCannotDoIsNotAttacked(t *testing.T) {
	t.Parallel()
	d := open(t, faults{noCopy: true}, protectedShop())
	report := attack(t, d, stratumtest.Config{})
	for _, v := range []string{"copy-to", "copy-from"} {
		n := 0
		for _, s := range report.NotAttacked {
			if s.Vector == v && strings.Contains(s.Reason, "the driver connection cannot COPY") {
				n++
			}
		}
		if n < len(sound) || n+report.Held[v] != len(report.Tables) { // partitions are out of reach anyway
			t.Errorf("%s: %d of %d not attacked, %d held", v, n, len(report.Tables), report.Held[v])
		}
	}
	if !report.OK() {
		t.Error(report)
	}
}

func TestSealedFailsOnInjection(t *testing.T) {
	t.Parallel()
	d := open(t, faults{}, protectedShop())
	errs := on(t.Context(), func(t testing.TB) {
		stratumtest.AssertIsolation(t, d.app, stratumtest.Config{Owner: d.owner, Sealed: true, Exclude: sound[1:]})
	})
	for _, v := range []string{"set_config", "set-local", "set-session", "multi-statement"} {
		if saying(errs, "high injection: "+v+" on public.customer") != 1 {
			t.Errorf("%s is not among %q", v, errs)
		}
	}
	if errs := on(t.Context(), func(t testing.TB) {
		stratumtest.AssertIsolation(t, d.app, stratumtest.Config{Owner: d.owner, Exclude: sound[1:]})
	}); len(errs) != 0 {
		t.Error(errs)
	}
}
