package stratumtest

import (
	"encoding/json"
	"fmt"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hints are the constants of an expression, from which values can be made that it accepts.
type hints struct {
	texts    []string
	numbers  []string
	patterns []string // regular expressions
	likes    []string
}

// read adds the constants of an expression as the server prints it.
func (h *hints) read(expr string) {
	for i := 0; i < len(expr); {
		c := expr[i]
		switch {
		case c == '\'':
			value, end := constant(expr, i)
			before := strings.TrimRight(strings.TrimSuffix(strings.TrimRight(expr[:i], " ("), "E"), " (")
			switch {
			case strings.HasSuffix(before, "~~") || strings.HasSuffix(before, "~~*"):
				h.likes = append(h.likes, value)
			case strings.HasSuffix(before, "~") || strings.HasSuffix(before, "~*") || strings.HasSuffix(before, "regexp_like") || strings.HasSuffix(before, "similar_to_escape"):
				h.patterns = append(h.patterns, value)
			default:
				h.texts = append(h.texts, value)
			}
			i = end
		case c == '"':
			i += 1 + max(0, strings.IndexByte(expr[i+1:], '"')) + 1
		case c >= '0' && c <= '9' && (i == 0 || !isWord(expr[i-1])):
			end := i
			for end < len(expr) && (expr[end] >= '0' && expr[end] <= '9' || expr[end] == '.') {
				end++
			}
			h.numbers = append(h.numbers, expr[i:end])
			i = end
		default:
			i++
		}
	}
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// constant reads the string constant that begins at i, and says where it ends.
func constant(expr string, i int) (string, int) {
	escapes := i > 0 && expr[i-1] == 'E' && (i == 1 || !isWord(expr[i-2]))
	var b strings.Builder
	for i++; i < len(expr); i++ {
		switch {
		case expr[i] == '\'' && i+1 < len(expr) && expr[i+1] == '\'', escapes && expr[i] == '\\' && i+1 < len(expr):
			i++
			b.WriteByte(expr[i])
		case expr[i] == '\'':
			return b.String(), i + 1
		default:
			b.WriteByte(expr[i])
		}
	}
	return b.String(), i
}

// values are the values for a column that the hints suggest.
func (h *hints) values(c *column, n int) []string {
	switch c.Category {
	case "S", "U":
		if strings.HasPrefix(c.Base, "json") {
			return h.documents(n)
		}
		return h.strings(c, n)
	case "N":
		return h.around()
	case "D", "T":
		return h.times(n)
	case "A":
		return h.arrays(c, n)
	}
	return slices.Concat(h.texts, h.numbers)
}

func (h *hints) strings(c *column, n int) []string {
	var list []string
	for i, p := range h.patterns {
		for k := range 3 {
			if s, ok := fromPattern(p, n+i+k*7919); ok {
				list = append(list, s)
			}
		}
	}
	for _, l := range h.likes {
		list = append(list, strings.NewReplacer("%", token(n), "_", "x").Replace(l), strings.NewReplacer("%", "", "_", "x").Replace(l))
	}
	for _, s := range h.texts {
		list = append(list, s, s+token(n), token(n)+s)
	}
	for _, s := range h.numbers {
		k, err := strconv.Atoi(s)
		if err != nil || k > 10_000 {
			continue
		}
		full := strings.Repeat(token(n), k/10+2)
		for _, width := range []int{k, k + 1, k - 1} {
			if width >= 0 {
				list = append(list, full[len(full)-width:], strings.ToUpper(full[len(full)-width:]))
			}
		}
		list = append(list, s)
	}
	if c.Base == "uuid" {
		list = append(list, c.values(n)...)
	}
	return list
}

// around are the numbers and what lies beside and between them.
func (h *hints) around() []string {
	var points []float64
	for _, s := range slices.Concat(h.numbers, h.texts) {
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			points = append(points, f, -f)
		}
	}
	slices.Sort(points)
	var list []string
	for i, f := range points {
		for _, v := range []float64{f, f + 1, f - 1} {
			list = append(list, strconv.FormatFloat(v, 'f', -1, 64))
		}
		if i > 0 {
			list = append(list, strconv.FormatFloat((f+points[i-1])/2, 'f', -1, 64))
		}
	}
	return list
}

func (h *hints) times(n int) []string {
	list := slices.Clone(h.texts)
	for _, s := range h.texts {
		for _, layout := range []string{"2006-01-02", time.DateTime} {
			if len(s) < len(layout) {
				continue
			}
			if at, err := time.Parse(layout, s[:len(layout)]); err == nil {
				some := time.Duration(1+n%25) * 24 * time.Hour
				for _, by := range []time.Duration{some, -some, 24 * time.Hour, -24 * time.Hour, time.Second, -time.Second} {
					list = append(list, at.Add(by).Format(time.DateTime))
				}
			}
		}
	}
	return list
}

func (h *hints) arrays(c *column, n int) []string {
	element := &column{Base: c.Element, Labels: c.Labels, Category: "S"}
	values := append(element.values(n)[:1:1], h.texts...)
	var list []string
	for _, v := range values {
		list = append(list, array(v, 1), array(v, 2))
		for _, s := range h.numbers {
			if k, err := strconv.Atoi(s); err == nil && k <= 100 {
				list = append(list, array(v, k), array(v, k+1))
			}
		}
	}
	return list
}

// documents are JSON objects with the constants as keys and values.
func (h *hints) documents(n int) []string {
	all := map[string]any{}
	var list []string
	add := func(v any) {
		if b, err := json.Marshal(v); err == nil {
			list = append(list, string(b))
		}
	}
	for _, k := range h.texts {
		all[k] = token(n)
		add(map[string]any{k: token(n)})
		add(map[string]any{k: n})
		add(map[string]any{k: []any{}})
		for _, v := range h.texts {
			if v != k {
				add(map[string]any{k: v})
			}
		}
	}
	add(all)
	return list
}

// fromPattern makes a string that a regular expression matches, if it can be read as one of Go's.
func fromPattern(pattern string, n int) (string, bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	write(&b, re, &n)
	return b.String(), b.Len() <= 10_000
}

// write writes what re matches; n is used up, digit by digit, for the choices.
func write(b *strings.Builder, re *syntax.Regexp, n *int) {
	choose := func(of int) int {
		i := *n % of
		*n = *n/of + *n%7
		return i
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		if len(re.Rune) > 0 {
			i := 2 * choose(len(re.Rune)/2)
			low, high := max(re.Rune[i], ' '), min(re.Rune[i+1], '~') // printable, if there is a choice
			if low > high {
				low, high = re.Rune[i], re.Rune[i+1]
			}
			b.WriteRune(low + rune(choose(int(high-low)+1)))
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte(byte('a' + choose(26)))
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			write(b, sub, n)
		}
	case syntax.OpAlternate:
		write(b, re.Sub[choose(len(re.Sub))], n)
	case syntax.OpStar, syntax.OpPlus, syntax.OpRepeat:
		times := 6
		if re.Op == syntax.OpRepeat {
			times = max(re.Min, 1)
			if re.Max < 0 {
				times = re.Min + 6
			}
		}
		for range times {
			write(b, re.Sub[0], n)
		}
	case syntax.OpQuest:
		if choose(2) == 0 {
			write(b, re.Sub[0], n)
		}
	}
}

// describe names the checks of a table, for people.
func describe(checks []check) string {
	list := make([]string, len(checks))
	for i, k := range checks {
		list[i] = fmt.Sprintf("CHECK %s", k.Expr)
	}
	return strings.Join(list, ", ")
}
