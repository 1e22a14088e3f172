package stratumtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// steward works as the owner: it sees all rows, and leaves none behind.
type steward struct {
	owner   *sql.DB
	cat     *catalog
	bypass  bool     // row-level security does not bind the owner's login
	tenants []string // fresh ones: all their rows are ours
	xids    []string // transactions whose rows are ours
	before  map[string]string
}

func newSteward(ctx context.Context, cfg Config, cat *catalog, fresh bool) (*steward, error) {
	s := &steward{owner: cfg.Owner, cat: cat}
	err := s.owner.QueryRowContext(ctx, "select rolsuper or rolbypassrls from pg_catalog.pg_roles where rolname = current_user").Scan(&s.bypass)
	if err != nil {
		return nil, fmt.Errorf("stratumtest: Config.Owner: %w", err)
	}
	if fresh {
		for _, t := range cfg.Tenants {
			s.tenants = append(s.tenants, t.ID.String())
		}
	}
	s.before, err = s.digest(ctx)
	return s, err
}

// lifted runs work in a transaction in which FORCE ROW LEVEL SECURITY does not blind
// the owner. It is rolled back, FORCE with it, unless keep is set.
func (s *steward) lifted(ctx context.Context, keep bool, work func(tx *sql.Tx) error) error {
	tx, err := s.owner.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("stratumtest: Config.Owner: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	var forced []*table
	for _, t := range s.cat.Tables {
		if s.bypass || !t.Forced {
			continue
		}
		alter := func() error {
			_, err := tx.ExecContext(ctx, "alter table only "+t.sql()+" no force row level security")
			return err
		}
		if err := guard(ctx, tx, alter); err == nil { // else it belongs to somebody else
			forced = append(forced, t)
		}
	}
	if err := work(tx); err != nil || !keep {
		return err
	}
	for _, t := range forced {
		if _, err := tx.ExecContext(ctx, "alter table only "+t.sql()+" force row level security"); err != nil {
			return fmt.Errorf("stratumtest: %v: %w", t, err)
		}
	}
	return tx.Commit()
}

// manyPages is up to how many pages a table's rows are hashed; those of larger ones are counted.
const manyPages = 16_384

// digest describes the rows of all tables and the state of all sequences.
func (s *steward) digest(ctx context.Context) (map[string]string, error) {
	d := map[string]string{}
	err := s.lifted(ctx, false, func(tx *sql.Tx) error {
		read := func(name, query string) error {
			var text string
			err := guard(ctx, tx, func() error { return tx.QueryRowContext(ctx, query).Scan(&text) })
			switch {
			case err == nil:
				d[name] = text
			case state(err) == "":
				return err
			} // else it cannot be read, and what we cannot read we did not fill
			return nil
		}
		for _, t := range s.cat.Tables {
			query := "select count(*)::text || ':' || coalesce(sum(hashtextextended((x.*)::text, 0)::numeric), 0)::text from only " + t.sql() + " x"
			if t.Pages > manyPages {
				query = "select count(*)::text from only " + t.sql()
			}
			if t.Kind == "r" {
				if err := read(t.String(), query); err != nil {
					return err
				}
			}
		}
		for _, q := range s.cat.Sequences {
			if err := read("sequence "+q.sql(), "select last_value::text || ':' || is_called::text from "+q.sql()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("stratumtest: comparing the database: %w", err)
	}
	return d, nil
}

// fill fills in the rows of both tenants, and remembers whose they are.
func (s *steward) fill(ctx context.Context, f *filler) error {
	return s.lifted(ctx, true, func(tx *sql.Tx) error {
		if err := f.fill(ctx, tx); err != nil {
			return err
		}
		if err := s.refuseSideEffects(ctx, tx); err != nil {
			return err
		}
		return s.recognise(ctx, tx, f)
	})
}

// refuseSideEffects stops a fill whose triggers changed rows that are not ours.
func (s *steward) refuseSideEffects(ctx context.Context, tx *sql.Tx) error {
	for _, t := range s.cat.Tables {
		if t.tenant != "" || t.Kind != "r" {
			continue
		}
		var n int64
		err := tx.QueryRowContext(ctx, "select pg_catalog.pg_stat_get_xact_tuples_updated($1::bigint::oid) + pg_catalog.pg_stat_get_xact_tuples_deleted($1::bigint::oid)", t.OID).Scan(&n)
		if err != nil {
			return fmt.Errorf("stratumtest: %w", err)
		}
		if n > 0 {
			return fmt.Errorf("stratumtest: a trigger changes rows of %v when tenant tables are filled, which could not be undone; nothing was written. Exclude the table with the trigger, or disable it in tests", t)
		}
	}
	return nil
}

// recognise finds the transaction ids of the rows: savepoints have ids of their own, and
// what triggers wrote has the same.
func (s *steward) recognise(ctx context.Context, tx *sql.Tx, f *filler) error {
	for _, t := range f.inserted {
		for _, both := range f.rows[t] {
			for _, r := range both {
				cond, args := where(t, r, 0)
				rows, err := column1(ctx, tx, "select distinct xmin::text from only "+t.sql()+" where "+cond+" and age(xmin) <= age(pg_catalog.pg_current_xact_id()::xid)", args...)
				if err != nil {
					return fmt.Errorf("stratumtest: %v: %w", t, err)
				}
				s.own(rows...)
			}
		}
	}
	return nil
}

func (s *steward) own(xids ...string) {
	for _, x := range xids {
		if x != "" && !slices.Contains(s.xids, x) {
			s.xids = append(s.xids, x)
		}
	}
}

// ours is the condition for rows that this run wrote.
func (s *steward) ours(t *table) (string, []any) {
	cond := "xmin::text = any (string_to_array($1::text, ','))"
	if t.tenant != "" {
		cond += " or " + quote(t.tenant) + "::text = any (string_to_array($2::text, ','))"
	} else {
		cond += " or $2::text is null"
	}
	return cond, []any{strings.Join(s.xids, ","), strings.Join(s.tenants, ",")}
}

// clean removes all rows that this run wrote and sets the sequences back.
func (s *steward) clean(ctx context.Context) error {
	return s.lifted(ctx, true, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "set constraints all immediate"); err != nil {
			return err
		}
		var parts []string
		var restore []string
		var args []any
		for _, t := range s.cat.Tables {
			if t.Kind != "r" {
				continue
			}
			cond, values := s.ours(t)
			found := false
			query := "select exists (select from only " + t.sql() + " where " + cond + ")"
			if err := guard(ctx, tx, func() error { return tx.QueryRowContext(ctx, query, values...).Scan(&found) }); err != nil && state(err) == "" {
				return err
			}
			if !found {
				continue
			}
			args = values
			again, err := s.silence(ctx, tx, t)
			if err != nil {
				return err
			}
			restore = append(restore, again...)
			parts = append(parts, fmt.Sprintf("d%d as (delete from only %s where %s)", len(parts), t.sql(), cond))
		}
		if len(parts) > 0 {
			// In one statement, so that references in a circle go together.
			if _, err := tx.ExecContext(ctx, "with "+strings.Join(parts, ", ")+" select $1::text, $2::text", args...); err != nil {
				return fmt.Errorf("stratumtest: removing the rows: %s", full(err))
			}
		}
		for _, again := range restore {
			if _, err := tx.ExecContext(ctx, again); err != nil {
				return err
			}
		}
		return s.rewind(ctx, tx)
	})
}

// silence switches the user's triggers off and returns the SQL that puts them back as they were.
func (s *steward) silence(ctx context.Context, tx *sql.Tx, t *table) ([]string, error) {
	on, err := column1(ctx, tx, `select format('%s trigger %I', case tgenabled when 'R' then 'enable replica' when 'A' then 'enable always' else 'enable' end, tgname)
		from pg_catalog.pg_trigger where tgrelid = $1::bigint::oid and not tgisinternal and tgenabled <> 'D'`, t.OID)
	if err != nil || len(on) == 0 {
		return nil, err
	}
	err = guard(ctx, tx, func() error {
		_, err := tx.ExecContext(ctx, "alter table "+t.sql()+" disable trigger user")
		return err
	})
	if err != nil {
		return nil, nil // another owner's: its triggers fire
	}
	for i := range on {
		on[i] = "alter table " + t.sql() + " " + on[i]
	}
	return on, nil
}

// at is where a sequence stands.
func (s *steward) at(ctx context.Context, q *sequence) string {
	var now string
	if err := s.owner.QueryRowContext(ctx, "select last_value::text || ':' || is_called::text from "+q.sql()).Scan(&now); err != nil {
		return s.before["sequence "+q.sql()]
	}
	return now
}

// rewind sets the sequences back that have moved.
func (s *steward) rewind(ctx context.Context, tx *sql.Tx) error {
	for _, q := range s.cat.Sequences {
		was, ok := s.before["sequence "+q.sql()]
		if !ok {
			continue
		}
		last, called, _ := strings.Cut(was, ":")
		_, err := tx.ExecContext(ctx, "select pg_catalog.setval($1::text::regclass, $2::text::bigint, $3::text::boolean) from "+q.sql()+
			" where last_value::text || ':' || is_called::text <> $4::text", q.sql(), last, called, was)
		if err != nil {
			return fmt.Errorf("stratumtest: setting the sequence %s.%s back: %w", q.Schema, q.Name, err)
		}
	}
	return nil
}

// leave cleans and makes sure that the database is as it was.
func (s *steward) leave(ctx context.Context) error {
	cleanErr := s.clean(ctx)
	after, err := s.digest(ctx)
	if cleanErr != nil || err != nil {
		return errors.Join(cleanErr, err)
	}
	var changed []string
	for name, was := range s.before {
		if after[name] != was {
			changed = append(changed, fmt.Sprintf("%s (%s, now %s)", name, was, after[name]))
		}
	}
	if len(changed) == 0 {
		return nil
	}
	slices.Sort(changed)
	return fmt.Errorf("stratumtest: not as found: %s; did somebody else write, or does a trigger change rows that exist?", strings.Join(changed, ", "))
}

// column1 reads the first column of a query as texts.
func column1(ctx context.Context, q querier, query string, args ...any) ([]string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var list []string
	for rows.Next() {
		var s sql.NullString
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		list = append(list, s.String)
	}
	return list, rows.Err()
}

// uproot removes the rows of one transaction from a table.
func (s *steward) uproot(ctx context.Context, t *table, xid string) error {
	return s.lifted(ctx, true, func(tx *sql.Tx) error {
		again, err := s.silence(ctx, tx, t)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "delete from "+t.sql()+" where xmin::text = $1", xid)
		for _, query := range again {
			if err == nil {
				_, err = tx.ExecContext(ctx, query)
			}
		}
		return err
	})
}
