package clone

import (
	"regexp"
	"slices"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// A need is that a thing comes after another; both are counted from 1.
type need struct{ Thing, Other int }

func classesAndIDs(things []thing) []any {
	classes, ids := make([]uint32, len(things)), make([]uint32, len(things))
	for i, t := range things {
		classes[i], ids[i] = t.Class, t.ID
	}
	return []any{classes, ids}
}

// order keeps the order of things, but that each comes after what it needs. What nothing
// needs, such as triggers, comes after all else, since its place is behind.
func order(things []thing, needs []need) ([]thing, error) {
	of := make([][]int, len(things))
	for _, n := range needs {
		of[n.Thing-1] = append(of[n.Thing-1], n.Other-1)
	}
	for i, t := range things {
		if !strings.HasPrefix(t.What, "materialized view ") {
			continue
		}
		for j, other := range things { // it is made with its rows, whatever functions read for it
			if other.Place == rowsPlace {
				of[i] = append(of[i], j)
			}
		}
	}
	var ordered []thing
	const begun, done = 1, 2
	state := make([]int, len(things))
	var visit func(i int) error
	visit = func(i int) error {
		if state[i] == done {
			return nil
		}
		state[i] = begun
		for _, j := range of[i] {
			if state[j] == begun {
				return core.Errorf(core.ScopeUnsupported, "a schema cannot be a template where things need each other in a ring: the %s and the %s", things[i].What, things[j].What)
			}
			if err := visit(j); err != nil {
				return err
			}
		}
		state[i] = done
		ordered = append(ordered, things[i])
		return nil
	}
	for i := range things {
		if err := visit(i); err != nil {
			return nil, err
		}
	}
	return ordered, nil
}

// mentions finds definitions with the template's name in them, which in a copy would still
// mean the template: in the text of a function, in a literal. What PostgreSQL knows to be a
// name has none.
func mentions(things []thing, template string) error {
	name := regexp.QuoteMeta(template)
	qualified := regexp.MustCompile(`(?i)(^|[^\pL\pN_$])` + name + `"?\s*\.`)
	literal := regexp.MustCompile(`(?i)'\s*"?` + name + `"?\s*[',]|,\s*"?` + name + `"?\s*'`)
	plain := strings.NewReplacer(`""`, `"`, `''`, `'`)
	var found []string
	for _, t := range things {
		if t.Place == rowsPlace {
			continue
		}
		definitions := slices.DeleteFunc(slices.Clone(t.Statements), func(sql string) bool { return strings.HasPrefix(sql, "comment on ") })
		text := plain.Replace(strings.Join(definitions, "\n"))
		function := strings.HasPrefix(t.What, "function ") || strings.HasPrefix(t.What, "procedure ")
		if qualified.MatchString(text) || function && literal.MatchString(text) {
			found = append(found, t.What)
		}
	}
	if len(found) > 0 {
		return core.Errorf(core.ScopeUnsupported, "the schema %q cannot be a template; its name is in the definition of: %s", template, list(found))
	}
	return nil
}
