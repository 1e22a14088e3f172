package stratumtest_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/testutil"
)

// hard are tables that are difficult to fill, by name. Each is filled without help.
var hard = []struct{ name, sql string }{
	{"types", `create type mood as enum ('sad', 'ok'); create type pair as (a int, b text); create domain positive as int check (value > 0); create domain short as varchar(3) not null check (value ~ '^[A-Z]{2}\d$');
		create table types (tenant_id uuid not null, id bigint generated always as identity primary key,
		a smallint, b int, c bigint, d numeric, e numeric(3,2), f real, g double precision, h money, i varchar(2), j char(4), k text, l name, m "char", n boolean, o uuid,
		p date, q timestamp(3), r timestamptz, s time, t timetz, u interval, v json, w jsonb, x bytea, y inet, z cidr,
		aa macaddr, ab macaddr8, ac point, ad line, ae lseg, af box, ag path, ah polygon, ai circle, aj bit(3), ak varbit(9), al int4range, am int8range, an numrange, ao daterange, ap tsrange, aq tstzrange,
		ar tsvector, as_ tsquery, at_ xml, au pg_lsn, av int[], aw text[][], ax mood, ay mood[], az pair, ba positive, bb short, bc uuid[], bd jsonb[], be int4multirange, bf tstzmultirange, bg numeric(2,2), bh interval day to second, bi positive[])`},
	{"not_null", `create type color as enum ('red'); create table not_null (tenant_id uuid not null, id uuid primary key default gen_random_uuid(), a smallint not null, b numeric(5,5) not null, c char(1) not null, d color[] not null, e tstzrange not null, f interval not null, g bytea not null, h box not null, i date not null, j xml not null)`},
	{"checks", `create table checks (tenant_id uuid not null, id bigserial primary key,
		kind text not null check (kind in ('a', 'b')), size int not null check (size between 17 and 19), ratio numeric not null check (ratio > 0 and ratio < 1), code text not null check (code ~ '^[A-Z]{3}-\d{4}$'),
		mail text not null check (mail like '%@%.%'), width text not null check (char_length(width) = 7), low text not null check (low = lower(low) and length(low) > 3), url text not null check (url ~* '^https?://[a-z.]+$'),
		doc jsonb not null check (jsonb_typeof(doc) = 'object' and doc ? 'kind'), typed jsonb not null check (typed->>'type' in ('x', 'y')), born date not null check (born >= '1990-01-01' and born < '1990-02-01'),
		begins date not null, ends date not null, check (ends > begins), check (ends - begins < 100), one int, other int, check (num_nonnulls(one, other) = 1),
		state text not null default 'open' check (state in ('open', 'closed')), closed timestamptz, check ((state = 'closed') = (closed is not null)),
		many int[] not null check (array_length(many, 1) = 3), even int not null check (even % 2 = 0), negative int not null check (negative < -5), iso char(2) not null check (iso = upper(iso) and iso ~ '^[A-Z]+$'))`},
	{"node", `create table node (tenant_id uuid not null, id bigserial primary key, parent bigint not null, unique (tenant_id, id), foreign key (tenant_id, parent) references node (tenant_id, id))`},
	{"employee", `create table department (tenant_id uuid not null, id bigserial, name text not null, head bigint, primary key (tenant_id, id), unique (tenant_id, name));
		create table employee (tenant_id uuid not null, id bigserial, department bigint not null, boss bigint, primary key (tenant_id, id), foreign key (tenant_id, department) references department, foreign key (tenant_id, boss) references employee);
		alter table department add foreign key (tenant_id, head) references employee`},
	{"egg", `create table hen (tenant_id uuid not null, id uuid not null default gen_random_uuid(), egg uuid not null, primary key (tenant_id, id));
		create table egg (tenant_id uuid not null, id uuid not null default gen_random_uuid(), hen uuid not null, primary key (tenant_id, id), foreign key (tenant_id, hen) references hen);
		alter table hen add foreign key (tenant_id, egg) references egg deferrable initially deferred`},
	{"profile", `create table account (tenant_id uuid not null, id bigserial, primary key (tenant_id, id)); create table profile (tenant_id uuid not null, account bigint not null, primary key (tenant_id, account), foreign key (tenant_id, account) references account on delete cascade);
		create table picture (tenant_id uuid not null, account bigint not null, primary key (tenant_id, account), bytes bytea not null, foreign key (tenant_id, account) references profile on delete cascade)`},
	{"belongs", `create table tenants (id uuid primary key, name text not null unique, plan text not null check (plan in ('free', 'pro')));
		create table country (code char(2) primary key, name text not null);
		create table belongs (tenant_id uuid not null references tenants (id), id bigserial primary key, country char(2) not null references country)`},
	{"list", `create table list (tenant_id uuid not null, region text not null, id bigserial, primary key (tenant_id, region, id)) partition by list (region); create table list_eu partition of list for values in ('eu', 'uk'); create table list_us partition of list for values in ('us')`},
	{"hashed", `create table hashed (tenant_id uuid not null, id bigserial, primary key (tenant_id, id)) partition by hash (id); create table hashed_0 partition of hashed for values with (modulus 2, remainder 0); create table hashed_1 partition of hashed for values with (modulus 2, remainder 1)`},
	{"deep", `create table deep (tenant_id uuid not null, at date not null, kind int not null, primary key (tenant_id, at, kind)) partition by range (at); create table deep_1 partition of deep for values from ('2031-01-01') to ('2031-02-01') partition by list (kind);
		create table deep_1_7 partition of deep_1 for values in (7); create table deep_1_rest partition of deep_1 default`},
	{"child", `create table base (tenant_id uuid not null, id bigserial primary key, what text not null); create table child (extra int not null, primary key (id)) inherits (base)`},
	{"excluded", `create table excluded (tenant_id uuid not null, id bigserial primary key, room text not null, during tstzrange not null, exclude using btree (tenant_id with =, room with =))`},
	{"stamped", `create table stamped (tenant_id uuid not null, id bigserial primary key, by_trigger text not null, copied uuid); create function stamp() returns trigger language plpgsql as $$
		begin new.by_trigger := 'x'; new.copied := current_setting('app.current_tenant_id')::uuid; return new; end $$; create trigger stamp before insert on stamped for each row execute function stamp()`},
	{"audited", `create table audit (id bigserial primary key, what text not null, at timestamptz not null default now()); create table audited (tenant_id uuid not null, id bigserial primary key, what text not null);
		create function audit() returns trigger language plpgsql security definer as $$ begin insert into audit (what) values (tg_op); return null; end $$;
		create trigger audit after insert or update or delete on audited for each row execute function audit()`},
	{`"Odd ""Names"`, `create table "Odd ""Names" (tenant_id uuid not null, "Id" bigserial primary key, "select" text not null check ("select" <> ''), "a""b" int not null)`},
	{"by_text", `create table by_text (tenant_id text not null, id bigserial primary key, what text)`},
	{"single", `create table single (tenant_id uuid primary key, what text not null)`},
	{"keyless", `create table keyless (tenant_id uuid not null, what text, more jsonb)`},
	{"unique_default", `create table unique_default (tenant_id uuid not null, id int not null default 1, name text not null default 'x', primary key (tenant_id, id), unique (tenant_id, name))`},
}

func TestHardSchemasAreFilled(t *testing.T) {
	t.Parallel()
	for _, h := range hard {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			tables := tablesOf(h.sql)
			protection := protect(tables...)
			if h.name == "by_text" {
				protection = strings.ReplaceAll(protection, "::uuid", "")
			}
			d := open(t, faults{}, asOwner+h.sql, protection, asOwner+"grant usage on all sequences in schema public to stratum_app")
			before := contents(t, d)
			report, err := stratumtest.Attack(t.Context(), d.app, stratumtest.Config{Owner: d.owner})
			if err != nil {
				t.Fatal(err, report)
			}
			if !report.OK() || len(report.NotAttacked) > 0 {
				t.Error(report)
			}
			same(t, before, contents(t, d))
		})
	}
}

var created = regexp.MustCompile(`create table (\w+|"Odd ""Names") (\(tenant_id|partition of|\(extra)`)

// tablesOf are the tenant tables that the statements make.
func tablesOf(sql string) (list []string) {
	for _, m := range created.FindAllStringSubmatch(sql, -1) {
		list = append(list, m[1])
	}
	return list
}

// What cannot be guessed is a gap that says so, and how to help; with the help it is none.
func TestWhatCannotBeFilled(t *testing.T) {
	t.Parallel()
	const riddle = asOwner + `create table riddle (tenant_id uuid not null, id bigserial primary key, answer text not null check (md5(answer) like 'a%' and length(answer) = 23 and answer ~ 'zq'));
		create table below (tenant_id uuid not null, id bigserial primary key, riddle bigint not null references riddle)`
	d := open(t, faults{}, protectedShop(), riddle, protect("riddle", "below"), asOwner+"grant usage on all sequences in schema public to stratum_app")
	cfg := stratumtest.Config{Owner: d.owner, Exclude: sound}
	before := contents(t, d)
	report, err := stratumtest.Attack(t.Context(), d.app, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Gaps) != 2 || report.OK() {
		t.Fatal(report)
	}
	for _, g := range report.Gaps {
		if g.Table == "public.riddle" && (g.Column != "answer" || !strings.Contains(g.Help, `Config.Fill["public.riddle.answer"]`)) {
			t.Error(g)
		}
	}
	same(t, before, contents(t, d))
	errs := on(t.Context(), func(t testing.TB) { stratumtest.AssertIsolation(t, d.app, cfg) })
	if saying(errs, "not proven: public.riddle, column answer") != 1 || saying(errs, "not proven: public.below") != 1 || len(errs) != 2 {
		t.Error(errs)
	}
	cfg.Fill = map[string]func(int) any{"riddle.answer": answer}
	report = attack(t, d, cfg)
	if len(report.Gaps) != 0 || saying(findings(report), "foreign-key on public.below") != 1 {
		t.Error(report)
	}
	same(t, before, contents(t, d))
}

// answer solves the riddle.
func answer(n int) any { return solve(fmt.Sprintf("zq%010d", n)) }

func findings(r *stratumtest.Report) (list []string) {
	for _, f := range r.Findings {
		list = append(list, f.String())
	}
	return list
}
