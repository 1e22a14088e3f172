package tenant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

// Provisioner makes and removes the schemas and databases of tenants. placement.Provisioner
// is the one of this library.
type Provisioner interface {
	// Place names a place for a tenant that will be made.
	Place(strategy core.Strategy, slug, region string, id core.ID) core.Placement
	// Made reports whether the tenant's place is one of those that Make makes.
	Made(at core.Placement, id core.ID) bool
	// Make makes it, and returns the version that the application's tables are at, 0 if
	// there is none. If it fails, a part may be there.
	Make(ctx context.Context, at core.Placement) (version int64, err error)
	// Remove removes it, or the part that is there. It returns when nothing is, and when
	// nothing that Make began can still come.
	Remove(ctx context.Context, at core.Placement) error
	// Revision names what Make makes. Places of the same revision have the same tables.
	Revision() string
}

const (
	// placesAtOnce is how many places a service makes or removes at the same time. Each
	// takes connections outside the pool, up to four.
	placesAtOnce = 4

	// patience is how long the removal of what failed may take; nobody's context bounds it.
	patience = 30 * time.Second
)

// The journal says which places are being made or removed; see the migration that makes
// it. An entry beside a living tenant is none: it would remove his data.
const (
	journalWrite = `insert into stratum.provisioning (tenant_id, strategy, schema_name, role_name, database_key) values ($1, $2, $3, $4, $5)`
	journalRead  = `select strategy, schema_name, role_name, database_key from stratum.provisioning p
		where tenant_id = $1 and not exists (select from stratum.tenants t where t.id = p.tenant_id)`
	journalErase = `delete from stratum.provisioning where tenant_id = $1`
	journalList  = `select tenant_id from stratum.provisioning order by tenant_id`
)

// lockOf names the lock of whoever is at work on a tenant's place.
func lockOf(id core.ID) string { return "provisioning of " + id.String() }

// createPlaced is Create for a tenant with a place of its own.
func (s *Service) createPlaced(ctx context.Context, n New) (*core.Tenant, error) {
	if s.places == nil {
		return nil, unprovisioned(n.Strategy)
	}
	b := birth{New: n, id: core.NewID(), verdict: errRehearsed}
	b.at = s.places.Place(n.Strategy, n.Slug, n.Region, b.id)
	// All that it can be refused for is found before anything is made.
	if _, err := s.insert(ctx, s.db, b); !errors.Is(err, errRehearsed) {
		return nil, err
	}
	b.verdict = nil
	var made *core.Tenant
	err := s.provision(ctx, b.id, b.at, func(ctx context.Context, session *db.Session, version int64) (err error) {
		b.version = version
		made, err = s.insert(ctx, session, b)
		return err
	}, func(ctx context.Context) (err error) {
		made, err = s.Get(ctx, b.id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// provision makes a place and gives it to somebody. The session holds the lock from before
// the journal's entry to the end; since give works through it as well, it cannot succeed once
// somebody else may think that this process is gone. If that fails, or the way to it, given
// tells whether it worked all the same: [core.ErrTenantNotFound] is no.
func (s *Service) provision(ctx context.Context, id core.ID, at core.Placement,
	give func(ctx context.Context, session *db.Session, version int64) error, given func(context.Context) error,
) (err error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	session, err := s.db.Lock(ctx, lockOf(id))
	if err != nil {
		return err
	}
	done := false
	defer func() { // after Close; a panic passes through here, too
		if !done {
			err = s.undo(ctx, id, at, err, given)
		}
	}()
	defer session.Close()
	if _, err := session.Exec(ctx, journalWrite, db.UUID(id), string(at.Strategy), at.Schema, at.Role, at.Database); err != nil {
		return err
	}
	version, err := s.places.Make(ctx, at)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience) // it is all there: too late to give up
	defer cancel()
	err = give(ctx, session, version)
	done = err == nil
	return err
}

// undo removes a place that could not be given, unless the COMMIT worked and only the answer
// got lost: nobody else may do that while the lock is held.
func (s *Service) undo(ctx context.Context, id core.ID, at core.Placement, cause error, given func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	left := func(err error) error {
		return errors.Join(cause, fmt.Errorf("what was made for tenant %s is left to Recover: %w", id, err))
	}
	session, err := s.db.Lock(ctx, lockOf(id))
	if err != nil {
		return left(err)
	}
	defer session.Close()
	if err = given(ctx); err == nil {
		return nil
	}
	if errors.Is(err, core.ErrTenantNotFound) {
		err = s.remove(ctx, session, id, at)
	}
	if err != nil {
		return left(err)
	}
	return cause
}

// clear removes a place that the journal has, and reports whether there was one.
func (s *Service) clear(ctx context.Context, session *db.Session, id core.ID) (bool, error) {
	var strategy string
	var at core.Placement
	err := session.QueryRow(ctx, journalRead, db.UUID(id)).Scan(&strategy, &at.Schema, &at.Role, &at.Database)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	at.Strategy = core.Strategy(strategy)
	err = s.remove(ctx, session, id, at)
	return err == nil, err
}

// remove removes a place, and then its entry in the journal.
func (s *Service) remove(ctx context.Context, session *db.Session, id core.ID, at core.Placement) error {
	if s.places == nil {
		return unprovisioned(at.Strategy)
	}
	if err := s.places.Remove(ctx, at); err != nil {
		return err
	}
	_, err := session.Exec(ctx, journalErase, db.UUID(id))
	return err
}

// Recover removes what was left by processes that died, or lost their database, while
// they made or removed a tenant's place, and returns how many places that were. stratum.Open
// calls it. What a living process is at work on is left alone, and so is what another
// Recover is. It goes on after an error, which leaves the place to the next call.
func (s *Service) Recover(ctx context.Context) (int, error) {
	ids, err := db.Rows(ctx, s.db, db.ID, journalList)
	if err != nil {
		return 0, err
	}
	count := 0
	var errs []error
	for _, id := range ids {
		removed, err := s.recover(ctx, id)
		if err != nil {
			errs = append(errs, fmt.Errorf("what is left of tenant %s: %w", id, err))
		}
		if removed {
			count++
		}
	}
	return count, errors.Join(errs...)
}

func (s *Service) recover(ctx context.Context, id core.ID) (bool, error) {
	session, err := s.db.TryLock(ctx, lockOf(id))
	if err != nil || session == nil {
		return false, err
	}
	defer session.Close()
	return s.clear(ctx, session, id)
}

// enter waits for a turn.
func (s *Service) enter(ctx context.Context) (leave func(), err error) {
	select {
	case s.turns <- struct{}{}:
		return func() { <-s.turns }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func unprovisioned(strategy core.Strategy) error {
	return core.Errorf(core.ScopeUnsupported, "a tenant with the strategy %s is made and removed with its place, and stratum.Config.Provision does not say how", strategy)
}
