package stratumtest

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"sync"

	"github.com/stratum-hq/stratum-go/core"
)

// scopeVectors attack how db takes its scope from contexts.
func scopeVectors() []vector {
	return []vector{
		{name: "no-tenant", class: Leak, severity: Critical, table: func(p *probe) { p.unscoped(p.ctx, "a context without a tenant") }},
		{name: "no-tenant-insert", class: Leak, severity: High, table: unscopedInsert},
		{name: "system-without-reason", class: Leak, severity: Critical, table: func(p *probe) { p.unscoped(core.System(p.ctx, ""), "core.System without a reason") }},
		{name: "subtree", class: Leak, severity: Critical, table: subtree},
		{name: "transaction-reuse", class: Leak, severity: Critical, table: transactionReuse},
		{name: "connection-reuse", class: Leak, severity: Critical, table: connectionReuse},
		{name: "statement-reuse", class: Leak, severity: Critical, table: statementReuse},
	}
}

const driverFix = "-- db gives work the wrong scope: bind the tenant for each operation, not for each connection (stratumpgx does)"

// unscoped reads, in a context that is nobody's, what belongs to either tenant.
func (p *probe) unscoped(ctx context.Context, whose string) {
	query := fmt.Sprintf("select count(*) from %s where %s in (cast($1::text as %s), cast($2::text as %s))", p.t.sql(), quote(p.t.tenant), p.t.tenantType(), p.t.tenantType())
	for range 2 { // the second may get a connection that was used for a tenant
		n, err := p.count(ctx, p.db, query, p.id(attacker), p.id(victim))
		if p.held(err) {
			return
		}
		if n > 0 {
			p.leak(p.failOpen(), "%s reads rows of tenants (%d)", whose, n)
			return
		}
	}
}

// failOpen is the remedy for rows that are seen without a tenant.
func (p *probe) failOpen() string {
	return p.remedy(p.t, "r") + "\n-- and no policy may be true, nor may db have a scope, where the setting is empty"
}

func unscopedInsert(p *probe) {
	if !p.t.May.Insert {
		return
	}
	r, err := p.fresh(victim, nil)
	if err != nil {
		p.skip("no row could be made: %v", err)
		return
	}
	tx, err := p.db.BeginTx(p.ctx, nil)
	if p.held(err) {
		return
	}
	defer func() { _ = tx.Rollback() }()
	query, args := insertSQL(p.t, r)
	n, err := p.exec(p.ctx, tx, query, args...)
	if constrained(err) || !p.held(err) && n > 0 {
		p.leak(p.remedy(p.t, "a"), "without a tenant a row is planted")
	}
}

// subtree reads of one tenant must not reach one that is not below it.
func subtree(p *probe) {
	n, err := p.count(core.Subtree(p.as(p.ctx, attacker)), p.db, "select count(*) from "+p.t.sql()+" where "+own(p.t, "", 1), p.id(victim))
	if !p.held(err) && n > 0 {
		p.leak(driverFix, "core.Subtree reads rows of a tenant that is not below it (%d)", n)
	}
}

// crossed counts rows that a query returns to one tenant's context and that are not its own.
func (p *probe) crossed(ctx context.Context, q querier, who int) (int64, error) {
	return p.count(ctx, q, "select count(*) from "+p.t.sql()+" where "+own(p.t, "", 1), p.id(1-who))
}

// transactionReuse uses a transaction of one tenant with the context of the other.
func transactionReuse(p *probe) {
	var n int64
	err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := p.crossed(ctx, tx, attacker); err != nil {
			return err
		}
		var err error
		n, err = p.crossed(p.as(ctx, victim), tx, victim)
		return err
	})
	if !p.held(err) && n > 0 {
		p.leak(driverFix, "a transaction of one tenant answers to the context of another with its rows (%d)", n)
	}
}

// connectionReuse hands a connection from tenant to tenant to nobody.
func connectionReuse(p *probe) {
	ctx, cancel := context.WithTimeout(p.ctx, attackTimeout)
	defer cancel()
	conn, err := p.db.Conn(p.as(ctx, attacker))
	if p.held(err) {
		return
	}
	defer func() { _ = conn.Close() }()
	for _, who := range []int{attacker, victim, attacker} {
		n, err := p.crossed(p.as(ctx, who), conn, who)
		if p.held(err) {
			return
		}
		if n > 0 {
			p.leak(driverFix, "a connection keeps the tenant that used it before (%d rows)", n)
			return
		}
	}
	n, err := p.count(ctx, conn, "select count(*) from "+p.t.sql()+" where "+own(p.t, "", 1)+" or "+own(p.t, "", 2), p.id(attacker), p.id(victim))
	if !p.held(err) && n > 0 {
		p.leak(driverFix, "a connection works without a tenant, as one that used it before (%d rows)", n)
	}
}

// statementReuse prepares once and executes as both.
func statementReuse(p *probe) {
	ctx, cancel := context.WithTimeout(p.ctx, attackTimeout)
	defer cancel()
	stmt, err := p.db.PrepareContext(p.as(ctx, attacker), "select count(*) from "+p.t.sql()+" where "+own(p.t, "", 1))
	if p.held(err) {
		return
	}
	defer func() { _ = stmt.Close() }()
	for i := range 12 { // beyond the five after which PostgreSQL may plan once for all
		who := i % 2
		var n int64
		err := stmt.QueryRowContext(p.as(ctx, who), p.id(1-who)).Scan(&n)
		if p.held(err) {
			return
		}
		if n > 0 {
			p.leak(driverFix, "a prepared statement reads rows of the tenant that used it before (%d)", n)
			return
		}
	}
}

// concurrent lets both tenants compete for few connections, with contexts that are
// cancelled in between. Then database/sql hands connections from one to the other.
func concurrent(p *probe) {
	if !p.readable() {
		return
	}
	limit := p.db.Stats().MaxOpenConnections
	p.db.SetMaxOpenConns(2)
	defer p.db.SetMaxOpenConns(limit)
	query := "select count(*) from " + p.t.sql() + " where " + own(p.t, "", 1)
	var mu sync.Mutex
	var wrong, blind, total int
	var unclearErr error
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			who := g % 2
			for i := range 25 {
				ctx, cancel := context.WithCancel(p.as(p.ctx, who))
				if i%5 == 4 { // somewhere in the middle
					go func() { runtime.Gosched(); cancel() }()
				}
				of := 1 - (i % 2)
				id := p.id(who)
				if of == 1 {
					id = p.id(1 - who)
				}
				var n int64
				err := p.db.QueryRowContext(ctx, query, id).Scan(&n)
				cancelled := ctx.Err() != nil
				cancel()
				mu.Lock()
				total++
				switch {
				case err != nil:
					if !cancelled && judge(err) == unclear {
						unclearErr = err
					}
				case of == 1 && n > 0:
					wrong++
				case of == 0 && n == 0:
					blind++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	switch {
	case wrong+blind > 0:
		p.leak(driverFix, "of %d queries of both tenants over two connections, %d read rows of the other and %d missed their own", total, wrong, blind)
	case unclearErr != nil:
		p.skip("%s", full(unclearErr))
	}
}
