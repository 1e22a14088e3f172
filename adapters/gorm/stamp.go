package stratumgorm

import (
	"fmt"
	"reflect"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"github.com/stratum-hq/stratum-go/core"
)

// stampCreate sets the tenant of the rows that are about to be inserted.
func (p *plugin) stampCreate(g *gorm.DB) {
	p.guard(g)
	field := p.fields.of(g.Statement.Schema)
	if field == nil || !stampable(g) {
		return
	}
	switch dest := g.Statement.Dest.(type) {
	case map[string]any:
		stampMap(g, field, dest)
	case *map[string]any:
		stampMap(g, field, *dest)
	case []map[string]any:
		stampMaps(g, field, dest)
	case *[]map[string]any:
		stampMaps(g, field, *dest)
	default:
		stampStructs(g, field, g.Statement.ReflectValue)
	}
}

// stampable reports whether there is a scope to stamp with, or an error to report. A
// dry run needs none.
func stampable(g *gorm.DB) bool {
	return g.Error == nil && (!g.DryRun || core.HasScope(g.Statement.Context))
}

func stampMaps(g *gorm.DB, field *schema.Field, rows []map[string]any) {
	for _, row := range rows {
		stampMap(g, field, row)
	}
}

func stampMap(g *gorm.DB, field *schema.Field, row map[string]any) {
	key := keyOf(field, row)
	if _, ok := row[key].(clause.Expression); ok {
		return // the database judges what it comes to
	}
	if id, stamped := stamp(g, row[key]); stamped && row != nil {
		row[key] = write(field, id)
	}
}

// keyOf returns the key under which row has the field, or would have it.
func keyOf(field *schema.Field, row map[string]any) string {
	if _, ok := row[field.Name]; ok {
		return field.Name
	}
	return field.DBName
}

func stampStructs(g *gorm.DB, field *schema.Field, v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			stampStructs(g, field, reflect.Indirect(v.Index(i)))
		}
	case reflect.Struct:
		value, _ := field.ValueOf(g.Statement.Context, v)
		id, stamped := stamp(g, value)
		switch {
		case !stamped:
		case !v.CanAddr():
			_ = g.AddError(fmt.Errorf("stratumgorm: %w: pass a pointer, so that the tenant can be set", gorm.ErrInvalidValue))
		default:
			_ = g.AddError(field.Set(g.Statement.Context, v, write(field, id)))
		}
	}
}

// stamp decides on the tenant of a row that has value for one. It returns true if
// the row must be given the id.
func stamp(g *gorm.DB, value any) (core.ID, bool) {
	if g.Error != nil {
		return core.ID{}, false
	}
	id, err := read(value)
	if err != nil {
		_ = g.AddError(err)
		return core.ID{}, false
	}
	stated := !id.IsZero()
	if inherits(g) {
		if !stated {
			_ = g.AddError(errForgotten)
		}
		return core.ID{}, false // the database compares what is stated
	}
	if err := core.Stamp(g.Statement.Context, &id); err != nil {
		_ = g.AddError(err)
		return core.ID{}, false
	}
	return id, !stated
}

// stampUpdate refuses an update that would give a row to another tenant, and lets
// Save write rows that do not state theirs.
func (p *plugin) stampUpdate(g *gorm.DB) {
	p.guard(g)
	field := p.fields.of(g.Statement.Schema)
	if field == nil || !stampable(g) {
		return
	}
	switch dest := g.Statement.Dest.(type) {
	case map[string]any:
		p.checkMap(g, field, dest)
	case *map[string]any:
		p.checkMap(g, field, *dest)
	default:
		p.checkStruct(g, field)
	}
}

func (p *plugin) checkMap(g *gorm.DB, field *schema.Field, set map[string]any) {
	if value, ok := set[keyOf(field, set)]; ok && value != nil {
		if _, ok := value.(clause.Expression); !ok {
			stamp(g, value)
		}
	}
}

// checkStruct looks at what Save and Updates are given, which need not be the model.
func (p *plugin) checkStruct(g *gorm.DB, field *schema.Field) {
	v := reflect.Indirect(reflect.ValueOf(g.Statement.Dest))
	if v.Kind() != reflect.Struct {
		return
	}
	if v.Type() != g.Statement.Schema.ModelType {
		other := &gorm.Statement{DB: g}
		if err := other.Parse(g.Statement.Dest); err != nil {
			return // GORM reports it
		}
		if field = other.Schema.FieldsByDBName[field.DBName]; field == nil {
			return
		}
	}
	if _, zero := field.ValueOf(g.Statement.Context, v); zero && !slices.Contains(g.Statement.Selects, "*") {
		return // not set, so not written
	}
	stampStructs(g, field, v)
}
