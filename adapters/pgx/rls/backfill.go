package rls

import (
	"strings"
	"unicode/utf8"

	"github.com/stratum-hq/stratum-go/core"
)

// backfill is the text of [Table.Backfill] in its three parts: the value, what it is
// joined with, and on which condition. They are needed apart, because the statement
// made of them has one more condition (rows without a tenant), and because a join must
// be asked first whether it gives a row one tenant only.
type backfill struct {
	Expr, From, Where string
}

// parseBackfill cuts the text at its outermost FROM and WHERE. Both words are reserved:
// outside of parentheses and quotes they are those of the UPDATE, but for IS DISTINCT FROM.
// What a part says is the server's business.
func parseBackfill(text string) (backfill, error) {
	var b backfill
	part, start := &b.Expr, 0
	cut := func(at, next int, to *string) {
		*part = strings.TrimSpace(text[start:at])
		part, start = to, next
	}
	s := scanner{text: text}
	previous := ""
	for {
		word, err := s.next()
		if err != nil {
			return b, err
		}
		if word == "" {
			break
		}
		if s.depth == 0 {
			switch {
			case word == "from" && previous != "distinct" && part == &b.Expr:
				cut(s.start, s.pos, &b.From)
			case word == "where" && part != &b.Where:
				cut(s.start, s.pos, &b.Where)
			case word == "returning", word == ";":
				return b, core.Errorf(core.Validation, "a Backfill ends with its condition, and this one goes on with %q", word)
			}
		}
		previous = word
	}
	if s.depth != 0 {
		return b, core.Errorf(core.Validation, "a parenthesis of the Backfill is not closed")
	}
	given := part != &b.Where || strings.TrimSpace(text[start:]) != ""
	cut(len(text), len(text), nil)
	if b.Expr == "" || !given {
		return b, core.Errorf(core.Validation, "the Backfill lacks its value or its condition")
	}
	return b, nil
}

// scanner reads SQL token by token: words in lower case, any other token as "." or the
// character itself, "" at the end. White space and comments belong to no token.
type scanner struct {
	text  string
	start int // of the last token
	pos   int // behind it
	depth int // of parentheses
}

func (s *scanner) next() (string, error) {
	for s.pos < len(s.text) {
		rest := s.text[s.pos:]
		switch c := rest[0]; {
		case strings.IndexByte(" \t\r\n\f\v", c) >= 0:
			s.pos++
		case strings.HasPrefix(rest, "--"):
			s.pos += lineEnd(rest)
		case strings.HasPrefix(rest, "/*"):
			n := blockComment(rest)
			if n < 0 {
				return "", core.Errorf(core.Validation, "a comment of the Backfill is not closed")
			}
			s.pos += n
		default:
			return s.token(rest)
		}
	}
	return "", nil
}

// token reads one token; rest is not empty and begins with it.
func (s *scanner) token(rest string) (string, error) {
	c := rest[0]
	s.start = s.pos
	switch {
	case isWord(c):
		n := 1
		for n < len(rest) && (isWord(rest[n]) || rest[n] == '$') {
			n++
		}
		s.pos += n
		if n == 1 && (c == 'e' || c == 'E') && strings.HasPrefix(rest[n:], "'") {
			return s.quoted(rest[n:], '\'', true)
		}
		return strings.ToLower(rest[:n]), nil
	case c == '\'' || c == '"':
		return s.quoted(rest, c, false)
	case c == '$':
		return s.dollar(rest)
	case c == '(' || c == '[':
		s.depth++
	case c == ')' || c == ']':
		if s.depth--; s.depth < 0 {
			return "", core.Errorf(core.Validation, "a parenthesis of the Backfill was never opened")
		}
	}
	s.pos++
	return rest[:1], nil
}

// isWord reports whether c is part of a word or of a number.
func isWord(c byte) bool {
	return c == '_' || c >= utf8.RuneSelf || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// quoted reads up to the closing quote. A doubled quote is none.
func (s *scanner) quoted(rest string, quote byte, backslash bool) (string, error) {
	for i := 1; i < len(rest); i++ {
		switch {
		case backslash && rest[i] == '\\':
			i++
		case rest[i] == quote && i+1 < len(rest) && rest[i+1] == quote:
			i++
		case rest[i] == quote:
			s.pos += i + 1
			return ".", nil
		}
	}
	return "", core.Errorf(core.Validation, "a quote of the Backfill is not closed")
}

// dollar reads $tag$ ... $tag$, or a lone dollar sign.
func (s *scanner) dollar(rest string) (string, error) {
	n := 1
	for n < len(rest) && isWord(rest[n]) {
		n++
	}
	if n == len(rest) || rest[n] != '$' || n > 1 && '0' <= rest[1] && rest[1] <= '9' {
		s.pos++
		return ".", nil
	}
	tag := rest[:n+1]
	end := strings.Index(rest[n+1:], tag)
	if end < 0 {
		return "", core.Errorf(core.Validation, "a quote of the Backfill is not closed")
	}
	s.pos += len(tag) + end + len(tag)
	return ".", nil
}

func lineEnd(rest string) int {
	if i := strings.IndexAny(rest, "\r\n"); i >= 0 {
		return i
	}
	return len(rest)
}

// blockComment is the length of the comment, -1 if it has no end. Comments nest.
func blockComment(rest string) int {
	depth := 0
	for i := 0; i+1 < len(rest); i++ {
		switch rest[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			i++
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}
