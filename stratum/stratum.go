package stratum

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/cache"
	"github.com/stratum-hq/stratum-go/stratum/connection"
	"github.com/stratum-hq/stratum-go/stratum/fleet"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/migrations"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/seal"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// Config says how the library works. The zero value is ready to use where the schema
// is there already.
type Config struct {
	// AutoMigrate makes Open create the schema and apply the migrations that are
	// missing. False: Open refuses a schema that is not at the version it needs.
	AutoMigrate bool

	// Cache configures the resolver's cache. What anybody changes, in another process or
	// with psql, it is told by the database; its TTL is how long a change may go unseen if a
	// telling got lost. While none can be heard, nothing is cached.
	Cache cache.Config

	// Listen is the connection string on which changes are heard: it must lead to the server
	// itself, not to a pooler. Empty: that of Open.
	Listen string

	// Actor is who changes are recorded as in the audit log, a service's name for
	// instance. Empty: the database login.
	Actor string

	// Provision says how schemas and databases of tenants are made. Without Owner all
	// tenants live in the shared tables, and other strategies are refused.
	Provision placement.Config

	// Spares is how many schemas or databases are made ahead, for each strategy, so that
	// Tenants.Create takes one instead of making it. A goroutine makes them, in one process
	// at a time. They need Provision. A database of a tenant with a region is never a spare.
	Spares map[core.Strategy]int

	// Seal has the keys that seal the connection strings of tenants' databases. Without any,
	// Connections neither keeps nor finds them.
	Seal seal.Config

	// Logger gets what the library does at start. Nil: slog.Default().
	Logger *slog.Logger
}

// Stratum is an opened library: one value, with a service for each capability. It is
// safe for concurrent use.
type Stratum struct {
	// Tenants keeps the tenants.
	Tenants *tenant.Service

	// Fleet brings the application's migrations to the places of tenants.
	Fleet *fleet.Service

	// Connections keeps the connection strings of tenants' own databases. It is what
	// stratumpgx.Config.Databases may be.
	Connections *connection.Service

	db       *db.DB
	resolver *cache.Resolver
	running  sync.WaitGroup // what ends at Close
	close    func()
}

// Open connects to dsn, a URL or key=value string of the library's own login, pool_
// parameters included, and makes sure that the schema is the one it needs. A schema that
// does not fit, which is [migrations.ErrVersion], is refused; one that is newer than the
// program is with AutoMigrate too.
func Open(ctx context.Context, dsn string, cfg Config) (*Stratum, error) {
	s, err := open(ctx, dsn, cfg)
	if err != nil {
		return nil, fmt.Errorf("stratum: %w", err)
	}
	return s, nil
}

func open(ctx context.Context, dsn string, cfg Config) (*Stratum, error) {
	log := cfg.Logger
	if log == nil {
		log = slog.Default()
	}
	places, err := provisioner(cfg.Provision)
	if err != nil {
		return nil, err
	}
	if cfg.Provision.NoRoles {
		log.WarnContext(ctx, "stratum: schemas are made without a role of their own (Provision.NoRoles): SQL that names the schema of another tenant reaches it")
	}
	ring, err := keys(cfg.Seal)
	if err != nil {
		return nil, err
	}
	prepare := migrations.Check
	if cfg.AutoMigrate {
		prepare = migrations.Up
	}
	if err := prepare(ctx, dsn); err != nil {
		return nil, err
	}
	base, err := db.Open(ctx, dsn, cfg.Actor)
	if err != nil {
		return nil, err
	}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &Stratum{db: base}
	s.close = sync.OnceFunc(func() {
		cancel()
		s.running.Wait()
		base.Close()
	})
	s.Tenants, err = tenant.NewService(base, tenant.Config{
		Places:  places,
		Spares:  cfg.Spares,
		Changed: func(id core.ID) { s.resolver.Invalidate(id) },
	})
	if err != nil {
		s.close()
		return nil, err
	}
	s.Fleet = fleet.NewService(base, places)
	s.Connections = connection.NewService(base, ring)
	s.resolver = cache.New(s.Tenants, cfg.Cache)
	if err := s.listen(background, cmp.Or(cfg.Listen, dsn), log); err != nil {
		s.close()
		return nil, err
	}
	if places != nil {
		s.recover(ctx, log)
		s.running.Go(func() { s.Tenants.Keep(background, log) })
	}
	log.InfoContext(ctx, "stratum: open", "schema_version", migrations.Latest())
	return s, nil
}

// places is what makes, migrates and removes places.
type places interface {
	tenant.Provisioner
	fleet.Places
}

// provisioner is nil if there is to be none.
func provisioner(cfg placement.Config) (places, error) {
	if reflect.ValueOf(cfg).IsZero() {
		return nil, nil
	}
	return placement.New(cfg)
}

// keys is nil if there are none.
func keys(cfg seal.Config) (*seal.Ring, error) {
	if len(cfg.Keys) == 0 && len(cfg.Legacy) == 0 {
		return nil, nil
	}
	ring, err := seal.NewRing(cfg)
	if err != nil {
		return nil, fmt.Errorf("Config.Seal: %w", err)
	}
	return ring, nil
}

// recover removes what dead processes left half made. That this fails, because a server
// is down for instance, is no reason not to serve.
func (s *Stratum) recover(ctx context.Context, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	n, err := s.Tenants.Recover(ctx)
	if n > 0 {
		log.InfoContext(ctx, "stratum: removed what was left of tenants that were being made or removed", "places", n)
	}
	if err != nil {
		log.ErrorContext(ctx, "stratum: what is left of tenants that were being made or removed stays for now", "error", err)
	}
}

// Resolver returns the resolver of this library: by id, slug and custom domain, through
// one cache. It is the same one each time. What this process changes it sees at once, and
// what others change as soon as the database has told it.
func (s *Stratum) Resolver() core.Resolver { return s.resolver }

// Close ends the connections, once those in use have been given back. It may be called
// several times.
func (s *Stratum) Close() { s.close() }
