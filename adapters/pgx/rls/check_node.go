package rls

import (
	"strconv"
	"strings"
)

// This file reads expressions as the server keeps them: pg_node_tree, the text of the parsed
// tree. It says which function an expression calls, which column it compares and where a
// sub-select begins; the printed form would have to be guessed at.

// node is a node of the tree: {OPEXPR :opno 2972 :args ({VAR …} {CONST …}) …}.
type node struct {
	tag    string
	fields map[string]*field
}

// field is the value of a field: words and nodes, in the order in which they stand. Lists are flat.
type field struct {
	words []string
	nodes []*node
}

// parseTree reads a pg_node_tree; nil for an empty one.
func parseTree(text string) *node {
	if nodes := parseTrees(text); len(nodes) > 0 {
		return nodes[0]
	}
	return nil
}

// parseTrees reads a pg_node_tree that is a list.
func parseTrees(text string) []*node {
	f := &field{}
	(&treeParser{text: text}).fill(f, "")
	return f.nodes
}

type treeParser struct {
	text string
	at   int
}

// next returns the next token; a special character is one by itself. It is "" at the end.
func (p *treeParser) next() string {
	for p.at < len(p.text) && strings.IndexByte(" \n\t", p.text[p.at]) >= 0 {
		p.at++
	}
	start := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case strings.IndexByte("(){}", c) >= 0:
			if p.at == start {
				p.at++
			}
			return p.text[start:p.at]
		case strings.IndexByte(" \n\t", c) >= 0:
			return p.text[start:p.at]
		case c == '\\':
			p.at++ // the next character is an ordinary one
		}
		p.at++
	}
	p.at = min(p.at, len(p.text))
	return p.text[start:p.at]
}

// fill reads values into f, up to the closing token or the end.
func (p *treeParser) fill(f *field, closing string) {
	for {
		switch token := p.next(); token {
		case "", closing:
			return
		case "(":
			p.fill(f, ")")
		case "{":
			f.nodes = append(f.nodes, p.node())
		case "<>":
		default:
			f.words = append(f.words, token)
		}
	}
}

// node reads a node behind its brace.
func (p *treeParser) node() *node {
	n := &node{tag: p.next(), fields: map[string]*field{}}
	f := &field{} // what stands before the first field is nobody's
	for {
		switch token := p.next(); {
		case token == "" || token == "}":
			return n
		case token == "(":
			p.fill(f, ")")
		case token == "{":
			f.nodes = append(f.nodes, p.node())
		case token == "<>":
		case strings.HasPrefix(token, ":"):
			f = &field{}
			n.fields[token[1:]] = f
		default:
			f.words = append(f.words, token)
		}
	}
}

// word is the first word of a field.
func (n *node) word(name string) string {
	if f := n.fields[name]; f != nil && len(f.words) > 0 {
		return f.words[0]
	}
	return ""
}

// nodes are the nodes of a field.
func (n *node) nodes(name string) []*node {
	if f := n.fields[name]; f != nil {
		return f.nodes
	}
	return nil
}

// is reports whether n is of one of the tags.
func (n *node) is(tags ...string) bool {
	for _, tag := range tags {
		if n != nil && n.tag == tag {
			return true
		}
	}
	return false
}

// walk visits n and what is below it until visit says no. depth counts the queries around a node.
func (n *node) walk(depth int, visit func(n *node, depth int) bool) {
	if n == nil || !visit(n, depth) {
		return
	}
	if n.tag == "QUERY" {
		depth++
	}
	for _, f := range n.fields {
		for _, child := range f.nodes {
			child.walk(depth, visit)
		}
	}
}

// any reports whether a node below n, or n, is such.
func (n *node) any(such func(n *node, depth int) bool) bool {
	found := false
	n.walk(0, func(n *node, depth int) bool {
		found = found || such(n, depth)
		return !found
	})
	return found
}

// column reports whether n is the column att of the table that the expression is about; 0 means any column.
func (n *node) column(att, depth int) bool {
	return n.is("VAR") && n.word("varlevelsup") == strconv.Itoa(depth) && (att == 0 || n.word("varattno") == strconv.Itoa(att))
}

// rowBound reports whether the value of n depends on the row.
func (n *node) rowBound() bool {
	return n.any(func(n *node, depth int) bool { return n.column(0, depth) })
}

// value is the bytes of a CONST, nil if it is null.
func (n *node) value() []byte {
	f := n.fields["constvalue"]
	if !n.is("CONST") || f == nil || n.word("constisnull") == "true" {
		return nil
	}
	var out []byte
	for _, w := range f.words {
		if i, err := strconv.Atoi(w); err == nil {
			out = append(out, byte(i))
		}
	}
	if len(out) > 0 {
		out = out[1:] // the length stands in front
	}
	return out
}

// varlena is the length of the header of a text.
const varlena = 4

// text is the value of a CONST of type text.
func (n *node) text() (string, bool) {
	if v := n.value(); len(v) >= varlena && n.word("consttype") == "25" {
		return string(v[varlena:]), true
	}
	return "", false
}

// truth is the value of a CONST of type boolean.
func (n *node) truth() (value, constant bool) {
	if !n.is("CONST") || n.word("consttype") != "16" {
		return false, false
	}
	for _, b := range n.value() {
		value = value || b != 0
	}
	return value, true
}

// bare takes sub-selects of one value and casts that cost nothing off a node.
func (n *node) bare() *node {
	for {
		switch {
		case n.is("RELABELTYPE") && len(n.nodes("arg")) == 1:
			n = n.nodes("arg")[0]
		case n.is("SUBLINK") && n.word("subLinkType") == "4" && len(n.nodes("subselect")) == 1:
			targets := n.nodes("subselect")[0].nodes("targetList")
			if len(targets) != 1 || len(targets[0].nodes("expr")) != 1 {
				return n
			}
			n = targets[0].nodes("expr")[0]
		default:
			return n
		}
	}
}

// calls lists the functions that the tree calls, those of operators too.
func (n *node) calls() []string {
	var oids []string
	n.walk(0, func(n *node, _ int) bool {
		for _, field := range []string{"funcid", "opfuncid", "aggfnoid", "winfnoid"} {
			if oid := n.word(field); oid != "" && oid != "0" {
				oids = append(oids, oid)
			}
		}
		return true
	})
	return oids
}
