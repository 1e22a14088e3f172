package stratum

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/cache"
	"github.com/stratum-hq/stratum-go/stratum/fleet"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/migrations"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// Config says how the library works. The zero value is ready to use where the schema
// is there already.
type Config struct {
	// AutoMigrate makes Open create the schema and apply the migrations that are
	// missing. False: Open refuses a schema that is not at the version it needs.
	AutoMigrate bool

	// Cache configures the resolver's cache. Its TTL is how long a change that another
	// process made may go unseen.
	Cache cache.Config

	// Actor is who changes are recorded as in the audit log, a service's name for
	// instance. Empty: the database login.
	Actor string

	// Provision says how schemas and databases of tenants are made. Without Owner all
	// tenants live in the shared tables, and other strategies are refused.
	Provision placement.Config

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

	db       *db.DB
	resolver *cache.Resolver
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
	s := &Stratum{db: base, close: sync.OnceFunc(base.Close)}
	s.Tenants = tenant.NewService(base, places, func(id core.ID) { s.resolver.Invalidate(id) })
	s.Fleet = fleet.NewService(base, places)
	s.resolver = cache.New(s.Tenants, cfg.Cache)
	if places != nil {
		s.recover(ctx, log)
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
	if cfg.Owner == "" && cfg.Databases == "" && cfg.App == "" && cfg.Migrations == nil && cfg.Migrate == nil {
		return nil, nil
	}
	return placement.New(cfg)
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
// one cache. It is the same one each time. What another process changes it sees within
// the cache's TTL, what this one changes at once.
func (s *Stratum) Resolver() core.Resolver { return s.resolver }

// Close ends the connections, once those in use have been given back. It may be called
// several times.
func (s *Stratum) Close() { s.close() }
