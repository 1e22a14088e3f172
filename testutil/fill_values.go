package stratumtest

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/stratum-hq/stratum-go/core"
)

// null is SQL NULL; every other value is the text that PostgreSQL reads.
var null *string

func text(s string) *string { return &s }

// token is a text that occurs nowhere else. Its end differs from token to token.
func token(n int) string { return fmt.Sprintf("stx%08x", n) }

var modifier = regexp.MustCompile(`\((\d+)(?:,(-?\d+))?\)`)

// modifiers are the numbers in parentheses of a type, -1 where there is none.
func modifiers(typ string) (first, second int) {
	m := modifier.FindStringSubmatch(typ)
	if m == nil {
		return -1, -1
	}
	first, _ = strconv.Atoi(m[1])
	if m[2] != "" {
		second, _ = strconv.Atoi(m[2])
	}
	return first, second
}

// values are texts that a column of the type takes, the likeliest first. The first
// ones differ with n wherever the type has room.
func (c *column) values(n int) []string {
	switch {
	case c.Category == "A":
		return arrays(&column{Base: c.Element, Labels: c.Labels}, n)
	case len(c.Labels) > 0:
		i := n % len(c.Labels)
		return append(append([]string{}, c.Labels[i:]...), c.Labels[:i]...)
	case c.Composite:
		return []string{"(" + strings.Repeat(",", max(0, c.Fields-1)) + ")"}
	}
	base, _, _ := strings.Cut(c.Base, "(")
	if f := makers[base]; f != nil {
		return f(c.Base, n)
	}
	switch {
	case strings.HasPrefix(c.Base, "timestamp"):
		return times(n)
	case strings.HasPrefix(c.Base, "time"):
		return []string{fmt.Sprintf("%02d:%02d:%02d", n/3600%24, n/60%60, n%60), "12:00"}
	case strings.HasSuffix(c.Base, "multirange"):
		return []string{"{" + ranges(strings.TrimSuffix(c.Base, "multirange")+"range", n) + "}", "{}"}
	case strings.HasSuffix(c.Base, "range"):
		return []string{ranges(c.Base, n)}
	}
	return []string{token(n), strconv.Itoa(n), "{}", "", "0"}
}

func arrays(element *column, n int) []string {
	list := []string{}
	for _, v := range element.values(n) {
		list = append(list, array(v, 1))
	}
	return append(list, "{}")
}

// array is an array of so many times the value.
func array(value string, times int) string {
	q := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
	return "{" + strings.TrimSuffix(strings.Repeat(q+",", times), ",") + "}"
}

func times(n int) []string {
	at := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second)
	return []string{at.Format(time.DateTime), "now", "2100-01-01", "1900-01-01"}
}

// ranges is a range that overlaps with no other n.
func ranges(typ string, n int) string {
	switch {
	case strings.HasPrefix(typ, "ts"):
		at := times(n * 60)[0]
		return "[" + at + "," + times(n*60 + 30)[0] + ")"
	case typ == "daterange":
		at := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n%2_000_000)
		return "[" + at.Format("2006-01-02") + "," + at.AddDate(0, 0, 1).Format("2006-01-02") + ")"
	case strings.HasPrefix(typ, "int4"), strings.HasPrefix(typ, "int8"), strings.HasPrefix(typ, "num"):
		return fmt.Sprintf("[%d,%d)", n, n+1)
	}
	return "empty"
}

// makers make values by the name of the type, which is given in full.
var makers = map[string]func(typ string, n int) []string{
	"boolean":  func(_ string, n int) []string { return []string{pick(n, "true", "false"), pick(n+1, "true", "false")} },
	"smallint": func(_ string, n int) []string { return []string{strconv.Itoa(n % 32000), "1", "0", "100", "-1"} },
	"integer": func(_ string, n int) []string {
		return []string{strconv.Itoa(1_000_000_000 + n), "1", "0", "100", "-1"}
	},
	"bigint": func(_ string, n int) []string {
		return []string{strconv.Itoa(4_000_000_000_000 + n), "1", "0", "100", "-1"}
	},
	"real":              numbers,
	"double precision":  numbers,
	"money":             numbers,
	"numeric":           numerics,
	"text":              texts,
	"character varying": texts,
	"character":         texts,
	"citext":            texts,
	"name":              texts,
	`"char"`:            func(_ string, n int) []string { return []string{string(rune('a' + n%26))} },
	"uuid":              func(string, int) []string { return []string{core.NewID().String()} },
	"date": func(_ string, n int) []string {
		at := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n%8000)
		return []string{at.Format("2006-01-02"), "today", "2100-01-01", "1900-01-01"}
	},
	"interval":    func(_ string, n int) []string { return []string{fmt.Sprintf("%d seconds", n), "1 day", "0"} },
	"json":        documents,
	"jsonb":       documents,
	"bytea":       func(_ string, n int) []string { return []string{fmt.Sprintf(`\x%x`, token(n)), `\x`} },
	"inet":        func(_ string, n int) []string { return []string{address(n), "::1"} },
	"cidr":        func(_ string, n int) []string { return []string{address(n) + "/32", "10.0.0.0/8"} },
	"macaddr":     func(_ string, n int) []string { return []string{mac(n, 6)} },
	"macaddr8":    func(_ string, n int) []string { return []string{mac(n, 8)} },
	"point":       func(_ string, n int) []string { return []string{fmt.Sprintf("(%d,1)", n)} },
	"line":        func(_ string, n int) []string { return []string{fmt.Sprintf("{1,1,%d}", n)} },
	"lseg":        func(_ string, n int) []string { return []string{fmt.Sprintf("[(%d,0),(%d,1)]", n, n)} },
	"box":         func(_ string, n int) []string { return []string{fmt.Sprintf("(%d,1),(%d,0)", n+1, n)} },
	"path":        func(_ string, n int) []string { return []string{fmt.Sprintf("[(%d,0),(%d,1)]", n, n)} },
	"polygon":     func(_ string, n int) []string { return []string{fmt.Sprintf("((%d,0),(%d,1),(%d,0))", n, n, n+1)} },
	"circle":      func(_ string, n int) []string { return []string{fmt.Sprintf("<(%d,0),1>", n)} },
	"bit":         bits,
	"bit varying": bits,
	"tsvector":    func(_ string, n int) []string { return []string{token(n)} },
	"tsquery":     func(_ string, n int) []string { return []string{token(n)} },
	"xml":         func(_ string, n int) []string { return []string{"<t>" + token(n) + "</t>"} },
	"oid":         func(_ string, n int) []string { return []string{strconv.Itoa(n)} },
	"pg_lsn":      func(_ string, n int) []string { return []string{fmt.Sprintf("0/%X", n)} },
	"ltree":       func(_ string, n int) []string { return []string{token(n)} },
	"hstore":      func(_ string, n int) []string { return []string{"k=>" + token(n)} },
	"vector": func(typ string, n int) []string {
		dim, _ := modifiers(typ)
		return []string{"[" + strings.TrimSuffix(strings.Repeat(strconv.Itoa(n%1000)+",", max(1, dim)), ",") + "]"}
	},
}

func pick(n int, of ...string) string { return of[n%len(of)] }

func numbers(_ string, n int) []string {
	return []string{strconv.Itoa(n), "1", "0", "100", "0.5", "-1"}
}

func numerics(typ string, n int) []string {
	precision, scale := modifiers(typ)
	if precision < 0 {
		return numbers(typ, n)
	}
	room := 1
	for range min(precision-scale, 9) {
		room *= 10
	}
	if room == 1 { // numeric(2,2) has no whole digits
		return []string{fmt.Sprintf("0.%0*d", max(1, scale), n%10), "0"}
	}
	return []string{strconv.Itoa(n % room), "1", "0", "0.5", "-1"}
}

// texts tries what often stands behind a check that cannot be read.
func texts(typ string, n int) []string {
	full := token(n)
	list := []string{full, strings.ToUpper(full), full + "@example.com", "https://example.com/" + full, fmt.Sprintf("+1555%07d", n%10_000_000),
		strconv.Itoa(n), fmt.Sprintf("%05d", n%100_000), "USD", "US", "en", "a", "", core.NewID().String()}
	if limit, _ := modifiers(typ); limit >= 0 {
		for i, s := range list {
			if len(s) > limit {
				list[i] = s[len(s)-limit:]
			}
		}
	}
	return list
}

func documents(_ string, n int) []string {
	return []string{`{"note": "` + token(n) + `"}`, `["` + token(n) + `"]`, "{}", "[]", `"` + token(n) + `"`, "1"}
}

func address(n int) string {
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}).String()
}

func mac(n, bytes int) string {
	return strings.TrimSuffix(fmt.Sprintf("02:%02x:%02x:%02x:", byte(n>>16), byte(n>>8), byte(n))+strings.Repeat("00:", bytes-4), ":")
}

func bits(typ string, n int) []string {
	width, _ := modifiers(typ)
	s := fmt.Sprintf("%064b", n)
	return []string{s[64-min(64, max(1, width)):]}
}
