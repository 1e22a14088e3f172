package tenant

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

const (
	// MaxSpares is the most places of a strategy that can be kept ready.
	MaxSpares = 10_000

	// staleAfter is when a spare of another revision goes. While programs of two versions
	// serve side by side, each of them makes its own, and neither removes the other's.
	staleAfter = 24 * time.Hour

	// shortest and longest pause between attempts to fill, after one that failed; and how
	// often it is looked whether another process took or removed some.
	shortest, longest, every = time.Second, 5 * time.Minute, time.Minute
)

// fillLock names the lock of the one process that makes spares.
const fillLock = "spares"

const (
	spareCount = `select count(*) from stratum.spares where strategy = $1 and revision = $2`
	spareGiven = `with gone as (delete from stratum.provisioning where tenant_id = $1
		returning tenant_id, strategy, schema_name, role_name, database_key)
		insert into stratum.spares (id, strategy, schema_name, role_name, database_key, revision, version)
		select tenant_id, strategy, schema_name, role_name, database_key, $2, $3 from gone`
	spareGet   = `select id from stratum.spares where id = $1`
	spareStale = `select id from stratum.spares where (revision <> $1 or not strategy = any ($2))
		and created_at < now() - make_interval(secs => $3) order by id`
	spareGone = `with gone as (delete from stratum.spares where id = $1
		returning id, strategy, schema_name, role_name, database_key)
		insert into stratum.provisioning (tenant_id, strategy, schema_name, role_name, database_key)
		select id, strategy, schema_name, role_name, database_key from gone`
)

func validateSpares(cfg Config) error {
	for strategy, n := range cfg.Spares {
		switch {
		case strategy != core.SchemaPerTenant && strategy != core.DatabasePerTenant:
			return invalid("Spares", "Config.Spares has the strategy %q; places are made for %s and %s", strategy, core.SchemaPerTenant, core.DatabasePerTenant)
		case n < 0 || n > MaxSpares:
			return invalid("Spares", "Config.Spares has %d places for %s; 0 to %d can be kept", n, strategy, MaxSpares)
		case cfg.Places == nil:
			return invalid("Spares", "Config.Spares needs Config.Provision, which says how places are made")
		}
	}
	return nil
}

// createFromSpare is Create for a place that is ready: one transaction. It returns
// errNoSpare if there is none.
func (s *Service) createFromSpare(ctx context.Context, n New) (*core.Tenant, error) {
	// Which server a database of some region belongs on is decided when it is made.
	elsewhere := n.Strategy == core.DatabasePerTenant && n.Region != ""
	if s.spares[n.Strategy] == 0 || elsewhere {
		return nil, errNoSpare
	}
	made, err := s.insert(ctx, s.db, birth{New: n, at: core.Placement{Strategy: n.Strategy}, spare: s.places.Revision()})
	if err == nil || errors.Is(err, errNoSpare) {
		select {
		case s.taken <- struct{}{}:
		default: // it is known already
		}
	}
	return made, err
}

// Fill makes the places that are to be ready, see stratum.Config.Spares, and returns when
// they are. Only one process does so at a time; others wait. Spares that another version of
// the program made are removed a day after that. It ends at the first error, which leaves nothing half
// made. stratum.Open calls it, and so does what takes a spare: a program need not.
func (s *Service) Fill(ctx context.Context) error {
	if len(s.spares) == 0 {
		return nil
	}
	session, err := s.db.Lock(ctx, fillLock)
	if err != nil {
		return err
	}
	defer session.Close()
	return s.fill(ctx, session)
}

// fill works while the session holds the lock.
func (s *Service) fill(ctx context.Context, session *db.Session) error {
	revision := s.places.Revision()
	kept := []string{}
	for strategy, want := range s.spares {
		kept = append(kept, string(strategy))
		for {
			var have int // counted anew each time: some are taken meanwhile
			if err := session.QueryRow(ctx, spareCount, string(strategy), revision).Scan(&have); err != nil {
				return err
			}
			if have >= want {
				break
			}
			if err := s.makeSpare(ctx, strategy, revision); err != nil {
				return err
			}
		}
	}
	return s.removeStale(ctx, revision, kept)
}

func (s *Service) makeSpare(ctx context.Context, strategy core.Strategy, revision string) error {
	id := core.NewID()
	return s.provision(ctx, id, s.places.Place(strategy, "", "", id), func(ctx context.Context, session *db.Session, version int64) error {
		tag, err := session.Exec(ctx, spareGiven, db.UUID(id), revision, version)
		if err == nil && tag.RowsAffected() == 0 {
			err = errors.New("tenant: somebody else removed the place while it was made")
		}
		return err
	}, func(ctx context.Context) error {
		there, err := db.Rows(ctx, s.db, db.ID, spareGet, db.UUID(id))
		if err == nil && len(there) == 0 {
			err = notFound(id)
		}
		return err
	})
}

// removeStale removes spares that nobody will take.
func (s *Service) removeStale(ctx context.Context, revision string, kept []string) error {
	ids, err := db.Rows(ctx, s.db, db.ID, spareStale, revision, kept, staleAfter.Seconds())
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.removeSpare(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// removeSpare removes one, unless a program that still wants it took it meanwhile.
func (s *Service) removeSpare(ctx context.Context, id core.ID) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	session, err := s.db.Lock(ctx, lockOf(id))
	if err != nil {
		return err
	}
	defer session.Close()
	if _, err := session.Exec(ctx, spareGone, db.UUID(id)); err != nil {
		return err
	}
	_, err = s.clear(ctx, session, id)
	return err
}

// Keep is [Service.Fill] again and again until ctx ends: when a spare was taken, and from
// time to time. While another process is at it, it does nothing. stratum.Open runs it.
func (s *Service) Keep(ctx context.Context, log *slog.Logger) {
	if len(s.spares) == 0 {
		return
	}
	pause := shortest
	for {
		wait := every
		err := s.tryFill(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.ErrorContext(ctx, "stratum: places cannot be made ahead", "error", err, "next", pause)
			wait, pause = pause, min(2*pause, longest)
		default:
			pause = shortest
		}
		timer := time.NewTimer(wait)
		taken := s.taken
		if err != nil {
			taken = nil // sooner would not help
		}
		select {
		case <-ctx.Done():
		case <-taken:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (s *Service) tryFill(ctx context.Context) error {
	session, err := s.db.TryLock(ctx, fillLock)
	if err != nil || session == nil {
		return err
	}
	defer session.Close()
	return s.fill(ctx, session)
}
