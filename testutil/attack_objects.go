package stratumtest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func objectVectors() []vector {
	return []vector{
		{name: "view", class: Leak, severity: Critical, database: views},
		{name: "view-write", class: Leak, severity: Critical, database: viewWrites},
		{name: "materialized-view", class: Leak, severity: Critical, database: materialized},
		{name: "function", class: Leak, severity: Critical, database: functions},
		{name: "sequence", class: Leak, severity: Low, database: sequences},
		{name: "large-object", class: Leak, severity: High, database: largeObjects},
		{name: "login", class: Leak, severity: Critical, database: loginRights},
	}
}

// maxRead is how many rows of a view or function are searched.
const maxRead = 10_000

// search reads rows as text and returns a value of the victim that is among them.
func (p *probe) search(ctx context.Context, q querier, query string, args ...any) (string, error) {
	p.tell(args)
	lines, err := column1(ctx, q, query, args...)
	return p.secretIn(strings.Join(lines, "\n")), err
}

// views have the rights of their owner, unless they are security_invoker.
func views(p *probe) {
	for _, v := range p.cat.Views {
		if v.Kind != "v" || !v.Select || p.cfg.excludes(v.Schema, v.Name) {
			continue
		}
		secret := ""
		err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) (err error) {
			secret, err = p.search(ctx, tx, fmt.Sprintf("select (x.*)::text from %s x limit %d", v.sql(), maxRead))
			return err
		})
		if !p.heldFor(v.relation, err) && secret != "" {
			p.found(Finding{Table: v.String(), Fix: invoker(v), Detail: fmt.Sprintf("it shows %q, a value of the other tenant", secret)})
		}
	}
}

func invoker(v *view) string {
	return fmt.Sprintf("ALTER VIEW %s SET (security_invoker = true);", v.sql())
}

// heldFor is held for an object that is not the probe's table.
func (p *probe) heldFor(r relation, err error) bool {
	p.t = &table{relation: r}
	defer func() { p.t = nil }()
	return p.held(err)
}

// viewWrites writes through views that have the tenant column.
func viewWrites(p *probe) {
	for _, v := range p.cat.Views {
		if v.Kind != "v" || p.cfg.excludes(v.Schema, v.Name) || !slices.Contains(v.Columns, p.cfg.Column) {
			continue
		}
		c := quote(p.cfg.Column)
		for _, w := range []struct {
			may   bool
			query string
		}{
			{v.Update, "update " + v.sql() + " set " + c + " = " + c + " where " + c + "::text = $1"},
			{v.Delete, "delete from " + v.sql() + " where " + c + "::text = $1"},
		} {
			if !w.may {
				continue
			}
			var n int64
			err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) (err error) {
				n, err = p.exec(ctx, tx, w.query, p.id(victim))
				return err
			})
			if n > 0 || constrained(err) {
				p.found(Finding{Table: v.String(), Fix: invoker(v), Detail: "rows of the other tenant are reached: " + w.query})
				break
			}
			_ = p.heldFor(v.relation, err)
		}
	}
}

// materialized views have no policies: whoever may read one reads all of it. Each is
// refreshed in a transaction of the owner that is rolled back, to see what it would hold.
func materialized(p *probe) {
	for _, v := range p.cat.Views {
		if v.Kind != "m" || !v.Select || p.cfg.excludes(v.Schema, v.Name) {
			continue
		}
		f := Finding{Table: v.String(), Fix: fmt.Sprintf("REVOKE ALL ON %s FROM %s, PUBLIC; -- and a view with a condition on the tenant over it", v.sql(), quote(p.login))}
		secret, err := p.refreshed(v)
		switch {
		case secret != "":
			f.Detail = fmt.Sprintf("refreshed, it shows %q, a value of the other tenant", secret)
			p.found(f)
		case err != nil && slices.Contains(v.Reads, p.cfg.Column):
			f.Severity = High
			f.Detail = "it is made of tenant tables, by another owner than Config.Owner, and what may read it reads all of it"
			p.found(f)
		case err != nil:
			_ = p.heldFor(v.relation, fmt.Errorf("it could not be refreshed: %s", full(err)))
		}
	}
}

// refreshed searches a materialized view as it would be now.
func (p *probe) refreshed(v *view) (secret string, err error) {
	ctx, cancel := context.WithTimeout(p.ctx, attackTimeout)
	defer cancel()
	tx, err := p.cfg.Owner.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := p.exec(ctx, tx, "refresh materialized view "+v.sql()); err != nil {
		return "", err
	}
	return p.search(ctx, tx, "select (x.*)::text from "+v.sql()+" x")
}

// functions that are SECURITY DEFINER run with the rights of their owner. Those that the
// login may call are called, with ids of the victim as arguments.
func functions(p *probe) {
	for _, f := range p.cat.Functions {
		if !f.Definer || !f.Execute || f.Trigger || f.Kind != "f" && f.Kind != "p" || p.cfg.excludes(f.Schema, f.Name) {
			continue
		}
		for _, args := range p.arguments(f) {
			why, err := p.call(f, args)
			if why != "" {
				p.found(Finding{Table: f.relation.String(), Detail: why,
					Fix: fmt.Sprintf("ALTER FUNCTION %s SECURITY INVOKER; -- or REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC, %s;", f.Signature, f.Signature, quote(p.login))})
				break
			}
			if judge(err) == unclear && state(err) == "" {
				_ = p.heldFor(f.relation, err)
				break
			} // an error of the function itself shows nothing
		}
	}
}

// arguments are what a function is called with: for each parameter the victim's id, or a
// value of its rows that the type takes.
func (p *probe) arguments(f *function) [][]any {
	const most = 12
	var sets [][]any
	for i := range most {
		var set []any
		for _, typ := range f.Args {
			var fits []string
			if typ == "uuid" || typ == "text" || typ == "character varying" {
				fits = append(fits, p.id(victim))
			}
			for _, t := range p.cat.Tables {
				for _, r := range p.rows(t, victim) {
					for _, c := range t.Columns {
						if v := r[c.Name]; v != nil && c.Base == typ && !slices.Contains(fits, *v) && t.inKey(c.Name) {
							fits = append(fits, *v)
						}
					}
				}
			}
			if len(fits) == 0 {
				fits = (&column{Base: typ, Type: typ}).values(1)
			}
			set = append(set, fits[i%len(fits)])
		}
		sets = append(sets, set)
		if len(f.Args) == 0 {
			break
		}
	}
	return sets
}

// call calls a function, and says what it showed or changed.
func (p *probe) call(f *function, args []any) (why string, err error) {
	list := make([]string, len(args))
	for i, typ := range f.Args {
		list[i] = fmt.Sprintf("cast($%d::text as %s)", i+1, typ)
	}
	call := f.sql() + "(" + strings.Join(list, ", ") + ")"
	err = p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
		mine := map[*table]int64{}
		if f.Volatile == "v" {
			for _, t := range p.cat.Tables {
				if t.tenant != "" && t.Kind == "r" {
					mine[t] = max(0, p.mine(ctx, tx, t, attacker))
				}
			}
		}
		if f.Kind == "p" {
			if _, err := p.exec(ctx, tx, "call "+call, args...); err != nil {
				return err
			}
		} else {
			secret, err := p.search(ctx, tx, fmt.Sprintf("select (x.*)::text from %s x limit %d", call, maxRead), args...)
			if err != nil {
				return err
			}
			if secret != "" {
				why = fmt.Sprintf("called as %s with %v it shows %q, a value of the other tenant", f.Signature, args, secret)
			}
		}
		for t, n := range mine {
			changed, err := p.count(ctx, tx, "select pg_catalog.pg_stat_get_xact_tuples_deleted($1::bigint::oid) + pg_catalog.pg_stat_get_xact_tuples_updated($1::bigint::oid)", t.OID)
			if err == nil && changed > n {
				why = fmt.Sprintf("called as %s it changes %d rows of %v, of which the tenant sees %d", f.Signature, changed, t, n)
			}
		}
		return nil
	})
	return why, err
}

// sequences are shared. Setting one back makes the inserts of everybody fail; reading
// one tells how many rows others have made, as the ids of one's own rows do.
func sequences(p *probe) {
	for _, s := range p.cat.Sequences {
		switch {
		case s.Update:
			err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
				// To where it stands: a rollback does not undo it.
				at, called, _ := strings.Cut(p.steward.at(ctx, s), ":")
				_, err := p.exec(ctx, tx, "select pg_catalog.setval($1::text::regclass, $2::text::bigint, $3::text::boolean)", s.sql(), at, called)
				return err
			})
			if !p.heldFor(s.relation, err) {
				p.found(Finding{Table: s.String(), Fix: fmt.Sprintf("REVOKE UPDATE ON SEQUENCE %s FROM %s, PUBLIC;", s.sql(), quote(p.login)),
					Detail: "the login may set it back, so that inserts of all tenants fail"})
			}
		case s.Select:
			p.found(Finding{Table: s.String(), Class: Notice, Detail: "last_value tells how many rows all tenants have made",
				Fix: fmt.Sprintf("REVOKE SELECT ON SEQUENCE %s FROM %s, PUBLIC;", s.sql(), quote(p.login))})
		}
	}
}

// largeObjects belong to the login, whoever the tenant is. They matter where a tenant
// table refers to them.
func largeObjects(p *probe) {
	used := ""
	for _, t := range p.cat.Tables {
		for _, c := range t.Columns {
			if t.tenant != "" && (c.Type == "oid" || c.Type == "lo") {
				used = t.String() + "." + c.Name
			}
		}
	}
	if used == "" {
		return
	}
	var id int64
	err := p.try(victim, func(ctx context.Context, tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, "select pg_catalog.lo_from_bytea(0, 'stratum')::bigint").Scan(&id); err != nil {
			return err
		}
		return tx.Commit()
	})
	if p.held(err) {
		return
	}
	read := ""
	err = p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "select convert_from(pg_catalog.lo_get($1::bigint::oid), 'UTF8')", id).Scan(&read)
	})
	unlinkErr := p.try(victim, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "select pg_catalog.lo_unlink($1::bigint::oid)", id); err != nil {
			return err
		}
		return tx.Commit()
	})
	if unlinkErr != nil {
		p.skip("the large object %s could not be removed: %v", strconv.FormatInt(id, 10), unlinkErr)
	}
	if !p.held(err) && read == "stratum" {
		p.leak("-- keep the bytes in a bytea column of a protected table, and\nREVOKE EXECUTE ON FUNCTION pg_catalog.lo_get(oid), pg_catalog.lo_open(oid, integer) FROM PUBLIC;",
			"%s refers to large objects, and each tenant reads those of all others", used)
	}
}

// loginRights are what makes a role pass by policies.
func loginRights(p *probe) {
	r := p.cat.Role
	fix := fmt.Sprintf("ALTER ROLE %s NOSUPERUSER NOBYPASSRLS NOCREATEROLE;", quote(p.login))
	if r.Super || r.Bypass || r.CreateRole {
		p.leak(fix, "the login %s is SUPERUSER, BYPASSRLS or CREATEROLE: row-level security does not hold it", p.login)
	}
	for _, m := range slices.Concat(r.Member, r.Files) {
		if !r.Super {
			p.leak(fmt.Sprintf("REVOKE %s FROM %s;", quote(m), quote(p.login)), "the login %s is a member of %s, which passes by policies or owns tables", p.login, m)
		}
	}
}
