package main

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

// The words are put together here, so that this file does not break the rules
// that it states.
var (
	registries = regexp.MustCompile(strings.ReplaceAll(
		`proxy@golang\.org|sum@golang\.org|registry@npmjs\.org|deb@debian\.org`, "@", `\.`))
	machine = regexp.MustCompile(`(^|[^\w.~*-])/` + `work/`)
	openEnd = regexp.MustCompile(`\bTO` + `DO\b($|[^(])`)
)

// prose are the kinds of files in which an unfinished note is a comment. In Go
// it is looked for among the comments only.
var prose = map[string]bool{".md": true, ".sh": true, ".sql": true, ".yml": true, ".yaml": true, ".mod": true,
	".ts": true, ".tsx": true, ".js": true, ".css": true, ".html": true, "": true}

// textFindings looks at the words of any file, Go or not.
func textFindings(rel string, data []byte) []tree.Finding {
	var found []tree.Finding
	for i, line := range bytes.Split(data, []byte("\n")) {
		say := func(format string, args ...any) {
			found = append(found, tree.Finding{File: rel, Line: i + 1, Text: fmt.Sprintf(format, args...)})
		}
		if host := registries.Find(line); host != nil {
			say("names the package registry %s; use the client's configured one, which may be a mirror", host)
		}
		if machine.Match(line) {
			say("names a path of one machine")
		}
		if prose[path.Ext(rel)] && openEnd.Match(line) {
			say("%s", openEndText)
		}
	}
	return found
}

const openEndText = "an open TO" + "DO needs its reason in parentheses behind it, or to be done"
