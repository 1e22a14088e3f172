package core

import (
	"fmt"
	"slices"
	"time"
)

// Status is where a tenant stands in its life. Only an [Active] one is admitted.
type Status string

// The states of a tenant.
const (
	Active    Status = "active"
	Suspended Status = "suspended" // refused with 403 until resumed
	Archived  Status = "archived"  // refused with 410; its data is kept until purged
)

// Tenant is a customer, or a customer of a customer. Resolvers return it;
// [FromContext] hands out copies of it.
type Tenant struct {
	ID        ID
	Slug      string // unique in the installation; see [ValidSlug]
	Name      string // 1 to 255 characters, for people
	Status    Status
	Ancestors []ID     // root first, parent last; empty for a root
	Domains   []string // verified custom domains, lower case, no port
	Placement Placement
}

// Parent is the id of the tenant directly above, or the zero ID for a root.
func (t *Tenant) Parent() ID {
	if t == nil || len(t.Ancestors) == 0 {
		return ID{}
	}
	return t.Ancestors[len(t.Ancestors)-1]
}

// Within reports whether t is the tenant id itself or lies somewhere below it.
func (t *Tenant) Within(id ID) bool {
	return t != nil && !id.IsZero() && (t.ID == id || slices.Contains(t.Ancestors, id))
}

// Clone returns a copy that shares nothing with t. Clone of nil is nil.
func (t *Tenant) Clone() *Tenant {
	if t == nil {
		return nil
	}
	c := *t
	c.Ancestors = slices.Clone(t.Ancestors)
	c.Domains = slices.Clone(t.Domains)
	return &c
}

// Admissible returns nil for an active tenant, and otherwise the error that
// says why not: [ErrTenantSuspended], [ErrTenantArchived], or, for a nil tenant,
// a zero id or a status that is none of the three, [ErrTenantNotFound].
func (t *Tenant) Admissible() error {
	if t == nil || t.ID.IsZero() {
		return Errorf(TenantNotFound, "there is no such tenant")
	}
	switch t.Status {
	case Active:
		return nil
	case Suspended:
		return Errorf(TenantSuspended, "tenant %s is suspended", t.ID).With("tenant_id", t.ID.String())
	case Archived:
		return Errorf(TenantArchived, "tenant %s is archived", t.ID)
	}
	// The caller learns no more than of a tenant that does not exist; the log does.
	return ErrTenantNotFound.Wrap(fmt.Errorf("tenant %s has the status %q", t.ID, clip(string(t.Status))))
}

// Strategy is how a tenant's rows are kept apart from those of others.
type Strategy string

// The isolation strategies. The empty Strategy means [SharedRLS].
const (
	SharedRLS         Strategy = "SHARED_RLS"        // shared tables under row-level security
	SchemaPerTenant   Strategy = "SCHEMA_PER_TENANT" // a schema of its own
	DatabasePerTenant Strategy = "DB_PER_TENANT"     // a database of its own
)

// Placement says where a tenant's data lives. It is decided when the tenant is
// provisioned and stored; nothing is ever derived from the slug afterwards.
// Placements are compared with ==: a transaction belongs to one of them.
type Placement struct {
	Strategy Strategy
	Schema   string // SCHEMA_PER_TENANT: the schema, at most 63 bytes
	Role     string // SCHEMA_PER_TENANT: the NOLOGIN role that alone may use the schema; empty if opted out
	Database string // DB_PER_TENANT: the key under which the connection string is found, never the string itself
	Region   string // empty: the default region

	StatementTimeout time.Duration // longest a statement may run; 0: the server's setting
	MaxConcurrency   int           // most units of work at once; 0: no cap
}

// SlugMaxLen is the longest slug, in bytes.
const SlugMaxLen = 63

// RegionMaxLen is the length of the longest region, in bytes.
const RegionMaxLen = 63

// ValidRegion reports whether s can be the region of a placement: 1 to [RegionMaxLen] letters,
// digits, underscores and hyphens. The empty one, which is the default, is not asked for here.
func ValidRegion(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= RegionMaxLen
}

// ValidSlug reports whether s is a slug: a lower-case letter, then up to 62
// lower-case letters, digits and underscores.
func ValidSlug(s string) bool {
	if len(s) == 0 || len(s) > SlugMaxLen || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}
