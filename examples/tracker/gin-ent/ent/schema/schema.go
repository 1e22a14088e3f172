// Package schema is the tables, as ent wants them. That they belong to tenants is said
// once in each, by the mixin.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"

	"github.com/stratum-hq/stratum-go/adapters/ent"
)

// Project has tasks.
type Project struct{ ent.Schema }

// Mixin implements [ent.Interface].
func (Project) Mixin() []ent.Mixin { return []ent.Mixin{stratument.Mixin{}} }

// Fields implements [ent.Interface].
func (Project) Fields() []ent.Field { return []ent.Field{field.String("name").NotEmpty()} }

// Edges implements [ent.Interface].
func (Project) Edges() []ent.Edge {
	return []ent.Edge{edge.To("tasks", Task.Type).Annotations(entsql.OnDelete(entsql.Cascade))}
}

// Task is something to do in a project.
type Task struct{ ent.Schema }

// Mixin implements [ent.Interface].
func (Task) Mixin() []ent.Mixin { return []ent.Mixin{stratument.Mixin{}} }

// Fields implements [ent.Interface].
func (Task) Fields() []ent.Field {
	return []ent.Field{
		field.Int("project_id").StructTag(`json:"-"`),
		field.String("title").NotEmpty(),
		field.Bool("done").Default(false).StructTag(`json:"done"`),
	}
}

// Edges implements [ent.Interface].
func (Task) Edges() []ent.Edge {
	return []ent.Edge{edge.From("project", Project.Type).Ref("tasks").Field("project_id").Unique().Required()}
}
