package stratumgorm

import (
	"fmt"
	"reflect"
	"sync"

	"gorm.io/gorm/schema"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/core"
)

// Owned makes the rows of a model belong to tenants:
//
//	type Invoice struct {
//		ID    int64
//		stratumgorm.Owned
//		Total decimal.Decimal
//	}
//
// Rows are stamped when they are written, and [Migrate] protects the table. A field of
// your own does the same, to be part of an index for example: of the type core.ID, string
// or any [16]byte such as uuid.UUID, for a column tenant_id or with the tag stratum:"tenant".
// With the tag stratum:"-" a column tenant_id is a column like any other.
type Owned struct {
	TenantID core.ID `gorm:"type:uuid;not null" json:"tenant_id"`
}

// tenantTag is the key of the struct tag that marks the tenant's field.
const tenantTag = "stratum"

// tenantFields remembers the tenant's field of each schema; nil where there is none.
type tenantFields struct{ known sync.Map }

func (t *tenantFields) of(s *schema.Schema) *schema.Field {
	if s == nil {
		return nil
	}
	if f, ok := t.known.Load(s); ok {
		return f.(*schema.Field)
	}
	f := tenantField(s)
	t.known.Store(s, f)
	return f
}

// tenantField finds the field that holds the tenant, or nil.
func tenantField(s *schema.Schema) *schema.Field {
	for _, f := range s.Fields {
		if f.Tag.Get(tenantTag) == "tenant" && f.DBName != "" {
			return f
		}
	}
	if f := s.FieldsByDBName[rls.DefaultColumn]; f != nil && f.Tag.Get(tenantTag) != "-" {
		return f
	}
	return nil
}

// read returns the id that a value of a tenant's field holds; zero for none.
func read(value any) (core.ID, error) {
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer {
		v = v.Elem() // of a nil pointer: the zero Value
	}
	switch {
	case !v.IsValid():
		return core.ID{}, nil
	case v.CanConvert(reflect.TypeFor[core.ID]()) && v.Kind() == reflect.Array:
		return v.Convert(reflect.TypeFor[core.ID]()).Interface().(core.ID), nil
	case v.Kind() == reflect.String && v.Len() == 0:
		return core.ID{}, nil
	case v.Kind() == reflect.String:
		return core.ParseID(v.String())
	}
	return core.ID{}, fmt.Errorf("stratumgorm: a tenant cannot be read from a %T: the field must be a core.ID, a string or a [16]byte", value)
}

// write returns id as a value for the tenant's field.
func write(f *schema.Field, id core.ID) any {
	if f.IndirectFieldType.Kind() == reflect.String {
		return id.String()
	}
	return id // GORM converts it to the type of the field, or scans it
}
