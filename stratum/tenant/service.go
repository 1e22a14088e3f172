package tenant

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

// Limits of what a tenant may be.
const (
	MaxName    = 255 // characters
	MaxDepth   = 20  // tenants above one
	MaxDomains = 100
	MaxRegion  = core.RegionMaxLen // bytes
)

// Service keeps tenants. It is safe for concurrent use.
type Service struct {
	db      *db.DB
	places  Provisioner
	spares  map[core.Strategy]int
	taken   chan struct{} // a spare was: there is room for another one
	turns   chan struct{} // of those who make or remove a place
	changed func(core.ID)
}

// Config is what package stratum gives a [Service].
type Config struct {
	// Places makes and removes them. Nil: all tenants live in the shared tables.
	Places Provisioner

	// Spares is how many places of a strategy are kept ready. Each strategy in it needs Places.
	Spares map[core.Strategy]int

	// Changed is called with the id of each tenant after it may have changed. Nil: nobody is.
	Changed func(core.ID)
}

// NewService is for package stratum, which opens the database. Errors are
// [core.ErrValidation] with the detail "field".
func NewService(db *db.DB, cfg Config) (*Service, error) {
	if err := validateSpares(cfg); err != nil {
		return nil, err
	}
	return &Service{
		db: db, places: cfg.Places, spares: cfg.Spares, taken: make(chan struct{}, 1),
		turns: make(chan struct{}, placesAtOnce), changed: cfg.Changed,
	}, nil
}

// New describes a tenant to be made.
type New struct {
	Name    string   // 1 to 255 characters, for people
	Slug    string   // see [core.ValidSlug]; unique in the installation, among the archived too
	Parent  core.ID  // the tenant above; zero: a root
	Domains []string // custom domains, each of one tenant only; the caller has verified them

	// Strategy is how the tenant's data is kept apart. All but [core.SharedRLS] need
	// stratum.Config.Provision. Empty: as the parent's, for a root core.SharedRLS.
	Strategy core.Strategy

	Region           string        // up to 63 letters, digits and _-, for the application; empty: the default one
	StatementTimeout time.Duration // longest a statement may run, in whole milliseconds; 0: the server's setting
	MaxConcurrency   int           // most units of work at once; 0: no cap
}

// validate returns a copy in canonical form.
func (n New) validate() (New, error) {
	if !utf8.ValidString(n.Name) || strings.ContainsRune(n.Name, 0) || strings.TrimSpace(n.Name) == "" || utf8.RuneCountInString(n.Name) > MaxName {
		return n, invalid("name", "a name has 1 to %d characters", MaxName)
	}
	if !core.ValidSlug(n.Slug) {
		return n, invalid("slug", "a slug is a lower-case letter, then up to %d lower-case letters, digits and underscores", core.SlugMaxLen-1)
	}
	if len(n.Domains) > MaxDomains {
		return n, invalid("domains", "a tenant has at most %d domains", MaxDomains)
	}
	if err := n.validatePlacement(); err != nil {
		return n, err
	}
	domains := make([]string, 0, len(n.Domains))
	for i, d := range n.Domains {
		field := fmt.Sprintf("domains[%d]", i)
		host := core.CanonicalHost(d)
		if !validDomain(host) || strings.Contains(d, ":") {
			return n, invalid(field, "this is no domain name")
		}
		if slices.Contains(domains, host) {
			return n, invalid(field, "this domain is given twice")
		}
		domains = append(domains, host)
	}
	slices.Sort(domains)
	n.Domains = domains
	return n, nil
}

func (n New) validatePlacement() error {
	switch n.Strategy {
	case "", core.SharedRLS, core.SchemaPerTenant, core.DatabasePerTenant:
	default:
		return invalid("strategy", "a strategy is %s, %s or %s", core.SharedRLS, core.SchemaPerTenant, core.DatabasePerTenant)
	}
	if n.Region != "" && !core.ValidRegion(n.Region) {
		return invalid("region", "a region has up to %d letters, digits, underscores and hyphens", MaxRegion)
	}
	if n.StatementTimeout < 0 || n.StatementTimeout%time.Millisecond != 0 || n.StatementTimeout > math.MaxInt32*time.Millisecond {
		return invalid("statement_timeout", "a statement timeout is 0 or more whole milliseconds, and less than 25 days")
	}
	if n.MaxConcurrency < 0 || n.MaxConcurrency > math.MaxInt32 {
		return invalid("max_concurrency", "at most %d units of work can be allowed at once, and 0 means no cap", math.MaxInt32)
	}
	return nil
}

// validDomain wants a name of two labels at least, and no address: a request for
// localhost or an address is nobody's.
func validDomain(host string) bool {
	if len(host) > 253 || !strings.Contains(host, ".") {
		return false
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := 0; i < len(label); i++ {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

func invalid(field, format string, args ...any) error {
	return core.Errorf(core.Validation, format, args...).With("field", field)
}

func notFound(id core.ID) error {
	return core.Errorf(core.TenantNotFound, "there is no tenant %s", id).With("tenant_id", id.String())
}

// mutator is the pool, or a session.
type mutator interface {
	Mutate(ctx context.Context, m db.Mutation, scan func(pgx.Row) error) error
}

// mutate runs a change and tells of it afterwards: also when it failed, because a
// COMMIT whose answer got lost may have worked.
func (s *Service) mutate(ctx context.Context, on mutator, id core.ID, m db.Mutation, scan func(scanner) error) error {
	if s.changed != nil {
		defer s.changed(id)
	}
	return on.Mutate(ctx, m, scan)
}
