package differential_test

import (
	"database/sql"
	"encoding/json"
	"math"
	"net/netip"
	"time"
)

// values are a case for each type of the server: literals read as any, as text, and
// into the types that programs use; values of Go written and read back.
func values() []testCase {
	var cases []testCase
	for _, c := range literals {
		cases = append(cases, testCase{name: "literal " + c.kind, want: `row \| `, run: func(s *side) {
			for _, text := range c.texts {
				s.query(text, "select '"+text+"'::"+c.kind+" as v, null::"+c.kind+" as n")
			}
			s.targets("select '"+c.texts[0]+"'::"+c.kind+" union all select null", c.kind == "json" || c.kind == "xml" || c.kind == "point")
		}})
	}
	for _, c := range arguments() {
		cases = append(cases, testCase{name: "argument " + c.name, want: `row \| `, run: func(s *side) {
			for _, v := range c.values {
				s.query(show(v), "select ?::"+c.kind+" as v", v)
			}
		}})
	}
	return append(cases, stored)
}

// targets scans the one column of a query into each of the usual types.
func (s *side) targets(query string, all bool) {
	if all { // types without equality
		query = query[:len(query)-len(" union all select null")]
	}
	for _, target := range []any{
		new(string), new([]byte), new(sql.RawBytes), new(int64), new(float64), new(bool), new(time.Time), new(*string), new(*time.Time), new(*int64),
		new(sql.NullString), new(sql.NullInt64), new(sql.NullFloat64), new(sql.NullBool), new(sql.NullTime),
		new(sql.Null[string]), new(sql.Null[int64]), new(sql.Null[time.Time]), new(sql.Null[[]byte]),
	} {
		rows, err := s.client.query(s.ctx, query)
		if err != nil {
			s.trace.add("query", err)
			return
		}
		for rows.Next() {
			s.trace.add("scan", rows.Scan(target), target)
		}
		s.trace.add("end", rows.Err(), rows.Close())
	}
}

var literals = []struct {
	kind  string
	texts []string
}{
	{"int2", []string{"-32768", "32767"}}, {"int4", []string{"2147483647"}}, {"int8", []string{"-9223372036854775808"}},
	{"float4", []string{"1.5", "NaN", "Infinity"}}, {"float8", []string{"2.2250738585072014e-308", "NaN", "-Infinity"}},
	{"numeric", []string{"12345678901234567890.123456789", "NaN", "Infinity", "-0.0000001", "1e100"}}, {"numeric(10,2)", []string{"1.005"}},
	{"bool", []string{"t", "f"}}, {"text", []string{"é\U0001F600", "", "a\tb"}}, {"varchar(5)", []string{"abcde"}}, {"char(5)", []string{"ab"}}, {"name", []string{"n"}},
	{"bytea", []string{"\\x00ff10", ""}}, {"date", []string{"2024-02-29", "infinity", "0044-03-15 BC"}}, {"time", []string{"23:59:59.999999", "24:00:00"}},
	{"timetz", []string{"12:00:00+05:30"}}, {"timestamp", []string{"2024-03-31 02:30:00.123456", "-infinity"}},
	{"timestamptz", []string{"2024-03-31 02:30:00.123456+02", "infinity", "1883-11-18 12:00:00-05"}}, {"interval", []string{"1 year 2 mons 3 days 04:05:06.789", "-1 day"}},
	{"json", []string{`{"b": 1, "a": [null, "x"]}`, "null", `"s"`}}, {"jsonb", []string{`{"b": 1, "a": [null, 1.50]}`, "null", "[]"}},
	{"uuid", []string{"0190A000-0000-7000-8000-00000000000a"}}, {"inet", []string{"10.0.0.1/8", "::1"}}, {"cidr", []string{"10.0.0.0/8"}}, {"macaddr", []string{"08:00:2b:01:02:03"}},
	{"int4[]", []string{"{1,NULL,3}", "{}", "{{1,2},{3,4}}", "[2:3]={7,8}"}}, {"text[]", []string{`{"a b",NULL,"c,\"d"}`}}, {"uuid[]", []string{"{0190a000-0000-7000-8000-00000000000a}"}},
	{"int4range", []string{"[1,5)", "empty", "(,3]"}}, {"tstzrange", []string{"[2024-01-01 00:00:00+00,)"}}, {"int4multirange", []string{"{[1,3),[5,7)}"}},
	{"mood", []string{"happy"}}, {"email", []string{"a@b.c"}}, {"pair", []string{`(7,"x y")`, "(,)"}}, {"mood[]", []string{"{sad,NULL}"}},
	{"point", []string{"(1.5,-2)"}}, {"bit(3)", []string{"101"}}, {"varbit", []string{"10101"}}, {"xml", []string{"<a/>"}}, {"money", []string{"12.34"}},
	{"tsvector", []string{"a:1 b:2"}}, {"oid", []string{"4294967295"}}, {"regclass", []string{"items"}}, {"pg_lsn", []string{"0/16B3748"}},
}

type argument struct {
	name, kind string
	values     []any
}

type named string

func arguments() []argument {
	zone := time.FixedZone("X", 5*3600+1800)
	when := time.Date(2024, 3, 31, 2, 30, 0, 123456789, zone)
	text, number := "pointed", 7
	var noText *string
	return []argument{
		{"int", "int8", []any{1, int8(-1), int64(math.MaxInt64), uint64(math.MaxUint64), uint32(7), number, &number, sql.NullInt64{}, sql.NullInt64{Int64: 3, Valid: true}, "12", "x", 1.0, 1.5}},
		{"float", "float8", []any{1.5, float32(0.1), math.NaN(), math.Inf(-1), 3, "2.5"}},
		{"numeric", "numeric", []any{"12345678901234567890.5", 1.25, 7, json.Number("1e30"), "NaN"}},
		{"bool", "bool", []any{true, "t", 1, sql.NullBool{}}},
		{"text", "text", []any{"é", named("n"), &text, noText, nil, []byte("bytes"), sql.NullString{String: "s", Valid: true}, sql.Null[string]{V: "g", Valid: true}, sql.Null[string]{}, 12, true, "nul\x00"}},
		{"bytea", "bytea", []any{[]byte{0, 255}, []byte{}, []byte(nil), "text"}},
		{"time", "timestamptz", []any{when, when.UTC(), &when, time.Time{}, sql.NullTime{Time: when, Valid: true}, sql.NullTime{}, "2024-01-01T00:00:00Z"}},
		{"timestamp", "timestamp", []any{when, when.UTC()}},
		{"date", "date", []any{when, "2024-02-30"}},
		{"clock", "time", []any{"10:11:12", when}},
		{"interval", "interval", []any{"1 day", time.Hour}},
		{"json", "json", []any{json.RawMessage(`{"a":1}`), `{"a":1}`, []byte(`[1]`), "{"}},
		{"jsonb", "jsonb", []any{json.RawMessage(`{"a":1}`), `{"b":1,"a":2}`, []byte(`[1]`), "{"}},
		{"uuid", "uuid", []any{"0190a000-0000-7000-8000-00000000000a", [16]byte{1, 2}, "not one"}},
		{"inet", "inet", []any{"10.0.0.1", netip.MustParseAddr("::1"), netip.MustParsePrefix("10.0.0.0/8")}},
		{"enum", "mood", []any{"happy", named("sad"), "angry"}},
		{"domain", "email", []any{"a@b.c", "nobody"}},
		{"composite", "pair", []any{"(1,x)"}},
		{"range", "int4range", []any{"[1,5)"}},
		{"array text", "text[]", []any{"{a,b}"}},
	}
}

// stored writes a row of every type and reads it back.
var stored = testCase{name: "every type in a row", want: `row \| `, run: func(s *side) {
	s.exec("null", "insert into kinds (id) values (1)")
	s.query("null", "select * from kinds where id = 1")
	s.exec("full", `insert into kinds values (2, 1, 2, 3, 1.5, 2.5, 12345.678, 1.23, true, 'text', 'varchar', 'char',
		'\x00ff', '2024-02-29', '12:34:56.789', '12:00+02', '2024-03-31 02:30', '2024-03-31 02:30+02', '1 mon 2 days',
		'{"a": 1}', '{"b": [1, null]}', '0190a000-0000-7000-8000-00000000000a', '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03',
		'{1,2}', '{a,NULL}', '{0190a000-0000-7000-8000-00000000000a}', '[1,5)', '[2024-01-01 00:00+00,)', '{[1,3)}',
		'ok', 'a@b.c', '(1,x)', '(1,2)', '101', '<a/>', 3.5, 'a:1', 42)`)
	s.query("full", "select * from kinds where id = 2")
	rows, err := s.client.query(s.ctx, "select * from kinds where id = 2")
	if err != nil {
		s.trace.add("query", err)
		return
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	s.trace.add("types", len(types), err)
	for _, c := range types {
		length, hasLength := c.Length()
		precision, scale, hasSize := c.DecimalSize()
		nullable, known := c.Nullable()
		s.trace.add(c.Name(), c.DatabaseTypeName(), c.ScanType().String(), length, hasLength, precision, scale, hasSize, nullable, known)
	}
	s.exec("deleted", "delete from kinds")
}}
