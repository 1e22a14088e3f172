package placement

import (
	"encoding/hex"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// maxName is the longest name of PostgreSQL, in bytes; it cuts longer ones in silence.
const maxName = 63

// The first letters of names: they tell what a name is of, and two kinds never meet.
const (
	schemaPrefix   = "t_"
	rolePrefix     = "r_"
	databasePrefix = "d_"
)

// Place names a place for a new tenant; what is not a matter of names is left to the
// caller. A name has the slug as it is now, cut, for people, and then the whole id, which
// makes it unique on any server: roles and databases belong to the whole of it. Where the
// region has a server of its own, the key of a database is region/name.
func (p *Provisioner) Place(strategy core.Strategy, slug, region string, id core.ID) core.Placement {
	at := core.Placement{Strategy: strategy}
	switch strategy {
	case core.SchemaPerTenant:
		at.Schema = name(schemaPrefix, slug, id)
		if !p.noRoles {
			at.Role = name(rolePrefix, slug, id)
		}
	case core.DatabasePerTenant:
		at.Database = name(databasePrefix, slug, id)
		if p.servers[region] != nil {
			at.Database = region + "/" + at.Database
		}
	}
	return at
}

// server is where a tenant's database is made, and the name that it has there.
func (p *Provisioner) server(at core.Placement) (*pgx.ConnConfig, string, error) {
	region, name, elsewhere := strings.Cut(at.Database, "/")
	if !elsewhere {
		return p.databases, at.Database, nil
	}
	config := p.servers[region]
	if config == nil {
		return nil, "", core.Errorf(core.ScopeUnsupported, "the database %q is on a server that stratum.Config.Provision does not name", at.Database)
	}
	return config, name, nil
}

// Made reports whether the names are those of a place that was made for the tenant.
// What somebody else made is for him to remove.
func (p *Provisioner) Made(at core.Placement, id core.ID) bool {
	switch at.Strategy {
	case core.SchemaPerTenant:
		return named(at.Schema, schemaPrefix, id) && (at.Role == "" || named(at.Role, rolePrefix, id))
	case core.DatabasePerTenant:
		_, name, err := p.server(at)
		return err == nil && named(name, databasePrefix, id)
	}
	return false
}

func name(prefix, slug string, id core.ID) string {
	readable, end := cleaned(slug), suffix(id)
	return prefix + readable[:min(len(readable), maxName-len(prefix)-len(end))] + end
}

// cleaned has only what needs no quoting.
func cleaned(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, s)
}

func suffix(id core.ID) string { return "_" + hex.EncodeToString(id[:]) }

func named(name, prefix string, id core.ID) bool {
	return strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix(id))
}
