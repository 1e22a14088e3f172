// Package schema is the schema of the tests: that of testutil/ormtest, in ent's terms.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/stratum-hq/stratum-go/adapters/ent"
)

// owned is what all tables have: the tenant, a number, and a marker.
type owned struct{ ent.Schema }

// Mixin implements [ent.Interface].
func (owned) Mixin() []ent.Mixin { return []ent.Mixin{stratument.Mixin{}} }

// Customer has invoices.
type Customer struct{ owned }

// Annotations implements [ent.Interface].
func (Customer) Annotations() []schema.Annotation { return table("customer") }

// Fields implements [ent.Interface].
func (Customer) Fields() []ent.Field { return fields(field.String("email")) }

// Edges implements [ent.Interface].
func (Customer) Edges() []ent.Edge { return []ent.Edge{edge.To("invoices", Invoice.Type)} }

// Indexes implements [ent.Interface].
func (Customer) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "email").Unique()}
}

// Invoice has lines and tags, and is deleted softly.
type Invoice struct{ owned }

// Annotations implements [ent.Interface].
func (Invoice) Annotations() []schema.Annotation { return table("invoice") }

// Fields implements [ent.Interface].
func (Invoice) Fields() []ent.Field {
	return fields(
		field.Int64("customer_id"),
		field.String("number"),
		field.String("total").SchemaType(map[string]string{dialect.Postgres: "numeric(12,2)"}),
		field.String("status"),
		field.Time("deleted_at").Optional().Nillable(),
	)
}

// Edges implements [ent.Interface].
func (Invoice) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("customer", Customer.Type).Ref("invoices").Field("customer_id").Unique().Required(),
		edge.To("lines", Line.Type),
		edge.To("tags", Tag.Type).StorageKey(edge.Table("invoice_tag"), edge.Columns("invoice_id", "tag_id")),
	}
}

// Indexes implements [ent.Interface].
func (Invoice) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "number").Unique()}
}

// Line is of an invoice.
type Line struct{ owned }

// Annotations implements [ent.Interface].
func (Line) Annotations() []schema.Annotation { return table("line") }

// Fields implements [ent.Interface].
func (Line) Fields() []ent.Field { return fields(field.Int64("invoice_id")) }

// Edges implements [ent.Interface].
func (Line) Edges() []ent.Edge {
	return []ent.Edge{edge.From("invoice", Invoice.Type).Ref("lines").Field("invoice_id").Unique().Required()}
}

// Tag is of any number of invoices.
type Tag struct{ owned }

// Annotations implements [ent.Interface].
func (Tag) Annotations() []schema.Annotation { return table("tag") }

// Fields implements [ent.Interface].
func (Tag) Fields() []ent.Field { return fields(field.String("name")) }

// Edges implements [ent.Interface].
func (Tag) Edges() []ent.Edge {
	return []ent.Edge{edge.From("invoices", Invoice.Type).Ref("tags")}
}

// Indexes implements [ent.Interface].
func (Tag) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "name").Unique()}
}

// Country is everybody's.
type Country struct{ ent.Schema }

// Fields implements [ent.Interface].
func (Country) Fields() []ent.Field { return fields() }

func table(name string) []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: name}}
}

func fields(more ...ent.Field) []ent.Field {
	return append([]ent.Field{field.Int64("id"), field.String("marker")}, more...)
}
