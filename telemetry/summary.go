package telemetry

import "strings"

// operations are the words that a statement can start with. What starts with any other
// has no operation: a name comes from a fixed set, never from data.
var operations = map[string]bool{
	"SELECT": true, "INSERT": true, "UPDATE": true, "DELETE": true, "MERGE": true, "WITH": true, "VALUES": true, "TABLE": true,
	"BEGIN": true, "START": true, "COMMIT": true, "END": true, "ROLLBACK": true, "SAVEPOINT": true, "RELEASE": true,
	"CREATE": true, "ALTER": true, "DROP": true, "TRUNCATE": true, "GRANT": true, "REVOKE": true, "COMMENT": true,
	"SET": true, "RESET": true, "SHOW": true, "LOCK": true, "CALL": true, "DO": true, "COPY": true, "EXPLAIN": true,
	"ANALYZE": true, "VACUUM": true, "REFRESH": true, "REINDEX": true, "CLUSTER": true, "CHECKPOINT": true,
	"LISTEN": true, "NOTIFY": true, "UNLISTEN": true, "DECLARE": true, "FETCH": true, "MOVE": true, "CLOSE": true,
	"PREPARE": true, "EXECUTE": true, "DEALLOCATE": true, "DISCARD": true, "IMPORT": true, "REASSIGN": true, "SECURITY": true,
}

// longest is that of the longest operation.
const longest = 10

// operation is the first word of a statement, in upper case, or "".
func operation(sql string) string {
	sql = skipComments(sql)
	n := 0
	for n < len(sql) && n <= longest && (sql[n]|0x20) >= 'a' && (sql[n]|0x20) <= 'z' {
		n++
	}
	if word := strings.ToUpper(sql[:n]); operations[word] {
		return word
	}
	return ""
}

// skipComments returns what follows white space, comments and opening parentheses.
func skipComments(sql string) string {
	for {
		sql = strings.TrimLeft(sql, " \t\r\n\f;(")
		switch {
		case strings.HasPrefix(sql, "--"):
			_, sql, _ = strings.Cut(sql, "\n")
		case strings.HasPrefix(sql, "/*"):
			_, after, ok := strings.Cut(sql[2:], "*/")
			if !ok {
				return ""
			}
			sql = after
		default:
			return sql
		}
	}
}

// summary is the name that a statement has been given, or its operation.
func summary(sql string) string {
	if name, ok := strings.CutPrefix(sql, "-- name: "); ok {
		n := 0
		for n < len(name) && n < 100 && identifier(name[n]) {
			n++
		}
		if n > 0 {
			return name[:n]
		}
	}
	if op := operation(sql); op != "" {
		return op
	}
	return "postgresql" // as the conventions name a span that has nothing better
}

func identifier(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}
