package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/stratum-hq/stratum-go/embedpg"
)

func TestMain(m *testing.M) {
	if os.Getenv(asPeer) != "" {
		if err := serveAsPeer(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// TestTable runs everything once, small: every contestant in every situation.
func TestTable(t *testing.T) {
	if testing.Short() {
		t.Skip("every measurement once")
	}
	if _, err := embedpg.Find(); errors.Is(err, embedpg.ErrNotInstalled) && os.Getenv("STRATUM_TEST_REQUIRED") != "1" {
		t.Skip(err)
	}
	t.Setenv(asPeer, "1")
	var peer peers
	if err := peer.Set("theirs=" + os.Args[0]); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	if code := run([]string{"-peer", "theirs=" + os.Args[0], "-rounds", "1", "-time", "20ms", "-rows", "200", "-tenants", "10", "-delay", "100us", "-workers", "3", "-schemas", "3", "-databases", "2", "-creates", "1"}, &out, &log); code != 0 {
		t.Fatal(code, log.String())
	}
	for _, c := range clients(options{peers: peer}) {
		_, table, found := strings.Cut(out.String(), "\n"+c.name+", one row")
		if !found {
			t.Errorf("%s is missing", c.name)
			continue
		}
		table, _, _ = strings.Cut(table, ", one row")
		for _, way := range c.ways {
			if !strings.Contains(table, way) {
				t.Errorf("%q is missing in\n%s", way, table)
			}
		}
		for _, line := range strings.Split(table, "\n") {
			fields := strings.Fields(line)
			if strings.HasPrefix(strings.TrimSpace(line), ours+" ") && len(fields) == 7 && fields[1] != "1.00" {
				t.Errorf("a scoped query of %s takes %s round trips", c.name, fields[1])
			}
		}
	}
	for _, part := range []string{"middlewares,", "resolvers,", "forms of policy,", "searches in", "strategies,", "served", "fleet,", "nothing due", "provisioning,"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the table of %q is missing", part)
		}
	}
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-rows", "1"}, {"-nonsense"}, {"-peer", "nameless"}} {
		if code := run(args, &bytes.Buffer{}, &bytes.Buffer{}); code != 2 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
}

func TestMedian(t *testing.T) {
	if m := median([]float64{3, 1, 2}); m != 2 {
		t.Error(m)
	}
	if m := median([]float64{4, 1, 2, 3}); m != 2.5 {
		t.Error(m)
	}
	if r := ratio([]float64{1, 4, 9}, []float64{1, 2, 3}); r != 2 {
		t.Error(r)
	}
}
