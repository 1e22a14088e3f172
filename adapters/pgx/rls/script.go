package rls

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"text/template"

	"github.com/stratum-hq/stratum-go/core"
)

// setting is the setting that policies compare with: TenantSetting of package
// stratumpgx, which cannot be imported here without importing the whole adapter.
const setting = "app.current_tenant_id"

//go:embed sql/*.tmpl.sql
var files embed.FS

// templates is the SQL of this package. Each file says what its parts do.
var templates = sync.OnceValues(func() (*template.Template, error) {
	return template.ParseFS(files, "sql/*.tmpl.sql")
})

// Script returns SQL that does what [Protect] does, for a migration of yours. It is
// one DO statement: all or nothing by itself, to be run by the tables' owner,
// with psql, in a goose migration (it carries goose's annotations; the file begins with
// "-- +goose Up" as always), or with whatever sends a file to the server. It does not
// depend on what the tables look like now, and may run any number of times.
func Script(tables ...Table) (string, error) {
	body, err := render("protect", tables)
	if err != nil {
		return "", err
	}
	return "-- Tenant isolation for " + names(tables) + ", by rls.Script of Stratum for Go.\n" +
		"-- +goose StatementBegin\n" + body + "-- +goose StatementEnd\n", nil
}

// names lists the tables in one line of a comment.
func names(tables []Table) string {
	list := make([]string, len(tables))
	for i, t := range tables {
		list[i] = strings.Join(strings.Fields(t.Name), " ")
	}
	return strings.Join(list, ", ")
}

// spec is a [Table] as the SQL reads it.
type spec struct {
	N       int    `json:"n"`
	Name    string `json:"name"`
	Column  string `json:"col"`
	Tenant  string `json:"tenant,omitempty"`
	Expr    string `json:"expr,omitempty"`
	From    string `json:"from,omitempty"`
	Where   string `json:"where,omitempty"`
	Key     bool   `json:"key,omitempty"`
	Fks     bool   `json:"fks,omitempty"`
	Replace bool   `json:"replace,omitempty"`
	App     string `json:"app"`
	System  string `json:"system"`
}

// specs validates the tables and returns them in JSON, one a line.
func specs(tables []Table) (string, error) {
	if len(tables) == 0 {
		return "", core.Errorf(core.Validation, "no table is named").With("field", "tables")
	}
	var b strings.Builder
	b.WriteString("[\n")
	for i, t := range tables {
		t = t.withDefaults()
		if err := t.validate(); err != nil {
			return "", err
		}
		s := spec{N: i + 1, Name: t.Name, Column: t.Column, Key: t.CompositeKey, Fks: t.ForeignKeys, Replace: t.Replace,
			App: t.Roles.App, System: t.Roles.System}
		if !t.Tenant.IsZero() {
			s.Tenant = t.Tenant.String()
		}
		if t.Backfill != "" {
			parts, err := parseBackfill(t.Backfill)
			if err != nil {
				return "", refused(err).With("table", t.Name).With("field", "Backfill")
			}
			s.Expr, s.From, s.Where = parts.Expr, parts.From, parts.Where
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString("    ")
		var line strings.Builder
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false) // people read it
		if err := enc.Encode(s); err != nil {
			return "", fmt.Errorf("rls: %w", err)
		}
		b.WriteString(strings.TrimSpace(line.String()))
	}
	b.WriteString("\n  ]")
	return b.String(), nil
}

// render makes the statement called name for the tables.
func render(name string, tables []Table) (string, error) {
	list, err := specs(tables)
	if err != nil {
		return "", err
	}
	return execute(name, map[string]string{
		"Setting": setting,
		"Specs":   list,
		"SpecTag": tag("tables", list),
		"Tag":     tag("stratum", list),
	})
}

// tag is a dollar quote that does not occur in the text.
func tag(word, text string) string {
	t := "$" + word + "$"
	for i := 1; strings.Contains(text, t); i++ {
		t = fmt.Sprintf("$%s%d$", word, i)
	}
	return t
}

// execute runs a template.
func execute(name string, data any) (string, error) {
	all, err := templates()
	if err != nil {
		return "", fmt.Errorf("rls: %w", err)
	}
	var b strings.Builder
	if err := all.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("rls: %w", err)
	}
	return b.String(), nil
}
