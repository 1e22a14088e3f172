package stratumtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// sessionVectors look for what a connection keeps for its next user. Each leaves
// something as the attacker, and looks for it as the victim.
func sessionVectors() []vector {
	return []vector{
		{name: "temporary-table", class: Leak, severity: High, database: temporaryTable},
		{name: "cursor-with-hold", class: Leak, severity: High, database: heldCursor},
		{name: "prepared-text", class: Leak, severity: Medium, database: preparedText},
		{name: "search-path", class: Leak, severity: High, database: func(p *probe) {
			p.leftover("set search_path = stratum_probe", "select case when current_setting('search_path') = 'stratum_probe' then 1 else 0 end", "reset search_path", "the search_path")
		}},
		{name: "listen-leftover", class: Leak, severity: Medium, database: func(p *probe) {
			p.leftover("listen stratum_probe", "select count(*) from pg_catalog.pg_listening_channels() c where c = 'stratum_probe'", "unlisten stratum_probe", "a LISTEN")
		}},
		{name: "session-setting", class: Injection, severity: Medium, database: func(p *probe) {
			p.leftover("select pg_catalog.set_config('stratum.probe', 'left', false)", "select case when current_setting('stratum.probe', true) = 'left' then 1 else 0 end", "select pg_catalog.set_config('stratum.probe', '', false)", "a session setting")
		}},
		{name: "advisory-lock", class: Injection, severity: Low, database: func(p *probe) {
			p.leftover("select pg_catalog.pg_advisory_lock(7303014251)", "select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and pid = pg_catalog.pg_backend_pid()", "select pg_catalog.pg_advisory_unlock_all()", "an advisory lock")
		}},
		{name: "row-lock", class: Oracle, severity: Low, table: rowLock},
		{name: "notification", class: Leak, severity: Medium, database: notification},
	}
}

const resetFix = "-- clean sessions when their connections are given back (stratumpgx: Config.Reset), or close them"

// nextUsers is on how many connections a leftover is looked for.
const nextUsers = 4

// leave runs a statement on a connection of the attacker and gives it back.
func (p *probe) leave(query string) (err error) {
	ctx, cancel := context.WithTimeout(p.as(p.ctx, attacker), attackTimeout)
	defer cancel()
	for range 4 { // some drivers keep dead connections
		if err = p.leaveOn(ctx, query); !errors.Is(err, driver.ErrBadConn) {
			break
		}
	}
	return err
}

func (p *probe) leaveOn(ctx context.Context, query string) error {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.ExecContext(ctx, query)
	return err
}

// next lets the victim look on several connections at once; what see finds is cleared away.
func (p *probe) next(see func(ctx context.Context, conn *sql.Conn) (found bool), clear string) (found bool) {
	ctx, cancel := context.WithTimeout(p.as(p.ctx, victim), attackTimeout)
	defer cancel()
	n := nextUsers
	if limit := p.db.Stats().MaxOpenConnections; limit > 0 {
		n = min(n, limit)
	}
	for range n {
		conn, err := p.db.Conn(ctx)
		if err != nil {
			break
		}
		defer func() { _ = conn.Close() }() // all are held until the last has been seen
		if see(ctx, conn) {
			found = true
			_, _ = conn.ExecContext(ctx, clear)
		}
	}
	return found
}

// leftover leaves something in a session and looks for it as the next user.
func (p *probe) leftover(leave, look, clear, what string) {
	if p.held(p.leave(leave)) {
		return
	}
	found := p.next(func(ctx context.Context, conn *sql.Conn) bool {
		n, err := p.count(ctx, conn, look)
		return err == nil && n > 0
	}, clear)
	if found {
		p.leak(resetFix, "the next user of a connection gets %s that the one before left: %s", what, leave)
	}
}

// temporaryTable shadows the table with a temporary one that holds the attacker's rows.
func temporaryTable(p *probe) {
	if !p.readable() {
		return
	}
	name := "pg_temp." + quote(p.t.Name)
	if p.held(p.leave("create temporary table " + quote(p.t.Name) + " as select * from " + p.t.sql())) {
		return
	}
	if p.next(func(ctx context.Context, conn *sql.Conn) bool {
		n, err := p.count(ctx, conn, "select count(*) from "+name)
		return err == nil && n >= 0
	}, "drop table "+name) {
		p.leak(resetFix, "a temporary table of one tenant shadows the table for the next user of the connection")
	}
}

func heldCursor(p *probe) {
	if !p.readable() || p.held(p.leave(p.form("declare stratum_held cursor with hold for select {c}::text from {t}"))) {
		return
	}
	if p.next(func(ctx context.Context, conn *sql.Conn) bool {
		rows, err := column1(ctx, conn, "fetch all from stratum_held")
		return err == nil && slices.Contains(rows, p.id(attacker))
	}, "close stratum_held") {
		p.leak(resetFix, "a cursor WITH HOLD of one tenant shows its rows to the next user of the connection")
	}
}

// preparedText prepares by SQL as one tenant and executes as the next.
func preparedText(p *probe) {
	if !p.readable() || p.held(p.leave(p.form("prepare stratum_prepared as select {c}::text from {t}"))) {
		return
	}
	if p.next(func(ctx context.Context, conn *sql.Conn) bool {
		rows, err := column1(ctx, conn, "execute stratum_prepared")
		if err == nil && !slices.Contains(rows, p.id(attacker)) {
			_, _ = conn.ExecContext(ctx, "deallocate stratum_prepared") // it is there, and shows one's own
		}
		return err == nil && slices.Contains(rows, p.id(attacker))
	}, "deallocate stratum_prepared") {
		p.leak(resetFix, "a statement that one tenant prepared shows its rows to the next user of the connection")
	}
}

// rowLock asks whether the attacker notices, or waits for, locks of the victim.
func rowLock(p *probe) {
	if limit := p.db.Stats().MaxOpenConnections; limit == 1 {
		p.skip("two connections are needed at once")
		return
	}
	err := p.try(victim, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := p.exec(ctx, tx, "select from "+p.t.sql()+" for update"); err != nil {
			return err
		}
		return p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
			_, err := p.exec(ctx, tx, "select from "+p.t.sql()+" for update nowait")
			return err
		})
	})
	if state(err) == lockNotAvailable {
		p.leak(p.remedy(p.t, "w"), "rows that one tenant locks keep another from its own SELECT … FOR UPDATE")
		return
	}
	_ = err == nil || p.held(err)
}

var channelPattern = regexp.MustCompile(`(?i)pg_notify\s*\(\s*'([^']+)'|\bnotify\s+"?(\w+)"?`)

// notification listens as the attacker to the channels that functions of the database
// notify, while the victim writes.
func notification(p *probe) {
	var channels []string
	for _, f := range p.cat.Functions {
		for _, m := range channelPattern.FindAllStringSubmatch(f.Source, -1) {
			if c := m[1] + m[2]; !slices.Contains(channels, c) {
				channels = append(channels, c)
			}
		}
	}
	if len(channels) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(p.as(p.ctx, attacker), attackTimeout)
	defer cancel()
	conn, err := p.db.Conn(ctx)
	if p.held(err) {
		return
	}
	defer func() { _ = conn.Close() }()
	defer func() { _, _ = conn.ExecContext(ctx, "unlisten *") }()
	for _, c := range channels {
		if _, err := conn.ExecContext(ctx, "listen "+quote(c)); p.held(err) {
			return
		}
	}
	if err := p.disturb(); err != nil {
		p.skip("%s", full(err))
		return
	}
	able, secret, channel := false, "", ""
	_ = conn.Raw(func(dc any) error {
		l, ok := dc.(Listener)
		if able = ok; !ok {
			return nil
		}
		for secret == "" {
			wait, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			name, payload, err := l.WaitNotification(wait)
			cancel()
			if err != nil {
				return nil // there are no more
			}
			secret, channel = p.secretIn(payload), name
		}
		return nil
	})
	switch {
	case !able:
		p.skip("the driver connection cannot wait for notifications")
	case secret != "":
		p.leak("-- notify with ids that mean nothing without access, or with no payload", "everybody who listens to %q gets %q, a value of the tenant that wrote", channel, secret)
	}
}

// disturb makes the triggers of all tables fire, for a row of the victim, and commits.
func (p *probe) disturb() error {
	for _, t := range p.cat.Tables {
		rows := p.rows(t, victim)
		if t.tenant == "" || len(rows) == 0 || !t.May.Update {
			continue
		}
		h := quote(t.harmless().Name)
		cond, args := where(t, rows[0], 0)
		xid := ""
		err := p.try(victim, func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf("update %s set %s = %s where %s", t.sql(), h, h, cond), args...); err != nil {
				return err
			}
			if err := tx.QueryRowContext(ctx, "select pg_catalog.pg_current_xact_id()::xid::text").Scan(&xid); err != nil {
				return err
			}
			return tx.Commit()
		})
		if err != nil && judge(err) == unclear {
			return err
		}
		p.steward.own(xid)
	}
	return nil
}
