package stratumtest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Class is what a [Finding] comes to.
type Class string

// The classes of findings.
const (
	Leak      Class = "leak"      // rows of one tenant are read, changed or planted by another
	Oracle    Class = "oracle"    // one tenant learns whether something exists at another
	Injection Class = "injection" // a leak for an attacker who writes the SQL; fails with [Config.Sealed] only
	Notice    Class = "notice"    // worth knowing; never fails
)

// Severity is how bad a [Finding] is.
type Severity uint8

// The severities.
const (
	Low      Severity = iota + 1 // volume, existence of meaningless ids
	Medium                       // existence of values, disturbance
	High                         // some rows, or a way that needs preparation
	Critical                     // rows of another tenant, plainly
)

// String returns low, medium, high or critical.
func (s Severity) String() string {
	switch s {
	case Low:
		return "low"
	case Medium:
		return "medium"
	case High:
		return "high"
	case Critical:
		return "critical"
	}
	return "none"
}

// Finding is one way from one tenant to another.
type Finding struct {
	Table    string // the table, view or function, schema-qualified; empty: the whole database or the driver
	Vector   string // how; names are stable
	Class    Class
	Severity Severity
	Detail   string // what happened
	Fix      string // SQL, or a sentence where SQL does not help
}

// String is the finding in a few lines.
func (f Finding) String() string {
	s := fmt.Sprintf("%s %s: %s on %s: %s", f.Severity, f.Class, f.Vector, cmp.Or(f.Table, "the database"), f.Detail)
	if f.Fix != "" {
		s += "\n    fix: " + strings.ReplaceAll(f.Fix, "\n", "\n         ")
	}
	return s
}

// Gap is a table about which nothing was proven: it fails the test.
type Gap struct {
	Table  string // schema-qualified; empty: the whole database
	Column string // the column in the way, if one is known
	Reason string
	Help   string // what to do about it
}

// String is the gap in a line or two.
func (g Gap) String() string {
	s := "not proven: " + cmp.Or(g.Table, "the database")
	if g.Column != "" {
		s += ", column " + g.Column
	}
	s += ": " + g.Reason
	if g.Help != "" {
		s += "\n    help: " + g.Help
	}
	return s
}

// Skipped is an attack that could not be tried.
type Skipped struct {
	Table  string // empty: the whole database
	Vector string
	Reason string
}

// Report is the outcome of [Attack].
type Report struct {
	Tables      []string       // the tenant tables that were attacked, schema-qualified
	Findings    []Finding      // worst first
	Gaps        []Gap          // what was not proven
	NotAttacked []Skipped      // what was not tried
	Held        map[string]int // for each vector, how many attacks did not get through

	sealed bool
}

// Failures are the findings that fail a test.
func (r *Report) Failures() []Finding {
	var list []Finding
	for _, f := range r.Findings {
		if f.Class == Leak || f.Class == Oracle || f.Class == Injection && r.sealed {
			list = append(list, f)
		}
	}
	return list
}

// OK reports whether there is neither a failure nor a gap.
func (r *Report) OK() bool { return len(r.Failures()) == 0 && len(r.Gaps) == 0 }

// String is the report for people.
func (r *Report) String() string {
	var b strings.Builder
	held := 0
	for _, n := range r.Held {
		held += n
	}
	fmt.Fprintf(&b, "tenant isolation: %d tables, %d attacks held, %d findings (%d fail), %d gaps, %d not attacked\n",
		len(r.Tables), held, len(r.Findings), len(r.Failures()), len(r.Gaps), len(r.NotAttacked))
	for _, g := range r.Gaps {
		fmt.Fprintf(&b, "- %s\n", g)
	}
	for _, f := range r.Failures() {
		fmt.Fprintf(&b, "- %s\n", f)
	}
	for _, f := range r.others() {
		fmt.Fprintf(&b, "- does not fail: %s\n", f)
	}
	for _, s := range r.NotAttacked {
		fmt.Fprintf(&b, "- not attacked: %s on %s: %s\n", s.Vector, cmp.Or(s.Table, "the database"), s.Reason)
	}
	b.WriteString("held:")
	for _, name := range slices.Sorted(maps.Keys(r.Held)) {
		fmt.Fprintf(&b, " %s %d", name, r.Held[name])
	}
	b.WriteByte('\n')
	return b.String()
}

// others are the findings that do not fail, one for each vector, with all its tables.
func (r *Report) others() []Finding {
	var list []Finding
	failures := r.Failures()
	for _, f := range r.Findings {
		i := slices.IndexFunc(list, func(g Finding) bool { return g.Vector == f.Vector && g.Class == f.Class })
		switch {
		case slices.Contains(failures, f):
		case i < 0:
			list = append(list, f)
		default:
			list[i].Table += ", " + f.Table
		}
	}
	return list
}

// sort puts the worst first, and keeps the order of discovery among equals.
func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(y.Severity, x.Severity), cmp.Compare(x.Table, y.Table))
	})
}
