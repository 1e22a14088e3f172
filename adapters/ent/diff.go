package stratument

import (
	"slices"

	atlas "ariga.io/atlas/sql/schema"
	"entgo.io/ent/dialect/sql/schema"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
)

// protected keeps ent from undoing what rls.Protect has done to a table: the schema in
// Go does not know the column's default, the column of join tables, the indexes, and
// the tenant in foreign keys.
func protected(next schema.Differ) schema.Differ {
	return schema.DiffFunc(func(current, desired *atlas.Schema) ([]atlas.Change, error) {
		changes, err := next.Diff(current, desired)
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(changes, func(c atlas.Change) bool {
			m, ok := c.(*atlas.ModifyTable)
			if !ok {
				return false
			}
			m.Changes = slices.DeleteFunc(m.Changes, ours)
			return len(m.Changes) == 0
		}), nil
	})
}

// ours reports whether a change is none of ent's business. A column that is added
// becomes nullable: rows that exist have no tenant yet, and Protect sets NOT NULL
// when they do.
func ours(change atlas.Change) bool {
	switch c := change.(type) {
	case *atlas.AddColumn:
		if c.C.Name == rls.DefaultColumn {
			c.C.Type.Null = true
		}
	case *atlas.ModifyColumn:
		return c.To.Name == rls.DefaultColumn
	case *atlas.DropColumn:
		return c.C.Name == rls.DefaultColumn
	case *atlas.DropIndex:
		return len(c.I.Parts) > 0 && isTenant(c.I.Parts[0].C)
	case *atlas.ModifyForeignKey:
		const columns = atlas.ChangeColumn | atlas.ChangeRefColumn
		return c.Change&^columns == 0 && len(c.From.Columns) == len(c.To.Columns)+1 && slices.ContainsFunc(c.From.Columns, isTenant) &&
			slices.Equal(names(c.From.Columns), names(c.To.Columns)) && slices.Equal(names(c.From.RefColumns), names(c.To.RefColumns))
	}
	return false
}

func isTenant(c *atlas.Column) bool { return c != nil && c.Name == rls.DefaultColumn }

// names returns the names of all columns but the tenant's.
func names(columns []*atlas.Column) []string {
	var out []string
	for _, c := range columns {
		if !isTenant(c) {
			out = append(out, c.Name)
		}
	}
	return out
}
