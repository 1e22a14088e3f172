package tenant

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

// Limits of what a tenant may be.
const (
	MaxName    = 255 // characters
	MaxDepth   = 20  // tenants above one
	MaxDomains = 100
)

// Service keeps tenants. It is safe for concurrent use.
type Service struct {
	db      *db.DB
	changed func(core.ID)
}

// NewService is for package stratum, which opens the database. changed is called with
// the id of each tenant after it may have changed.
func NewService(db *db.DB, changed func(core.ID)) *Service {
	return &Service{db: db, changed: changed}
}

// New describes a tenant to be made.
type New struct {
	Name    string   // 1 to 255 characters, for people
	Slug    string   // see [core.ValidSlug]; unique in the installation for ever
	Parent  core.ID  // the tenant above; zero: a root
	Domains []string // custom domains, each of one tenant only; the caller has verified them
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

// mutate runs a change and tells of it afterwards: also when it failed, because a
// COMMIT whose answer got lost may have worked.
func (s *Service) mutate(ctx context.Context, id core.ID, m db.Mutation, scan func(scanner) error) error {
	if s.changed != nil {
		defer s.changed(id)
	}
	return s.db.Mutate(ctx, m, scan)
}
