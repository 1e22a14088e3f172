package connection_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/connection"
)

// With more than two pages, so that the way from one to the next is walked.
func TestListAndRotate(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	old, current := newKey(t, "old"), newKey(t, "new")
	before := service(t, d, old)
	const n = 230
	var want []string
	for i := range n {
		key := fmt.Sprintf("db%03d", i)
		want = append(want, key)
		replica := ""
		if i%2 == 0 {
			replica = acme2
		}
		set(t, before, key, fmt.Sprintf("postgres://app:%s@h%d.example/name%d", password, i, i), replica)
	}
	s := service(t, d, current, old)
	set(t, s, "db000", acme, acme2) // needs no rotation
	var keys []string
	for e, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, e.Key)
		if e.Key == "db001" && (e.Primary != connection.Address{Host: "h1.example", Database: "name1"} || e.Replica != connection.Address{} || e.Version != 1) ||
			e.Key == "db002" && e.Replica != (connection.Address{Host: "replica.example", Database: "acme"}) || e.Problem != "" || e.CreatedAt.IsZero() || e.UpdatedAt.IsZero() {
			t.Errorf("%+v", e)
		}
	}
	if !slices.Equal(keys, want) {
		t.Error(keys)
	}
	for e, err := range s.List(t.Context(), "db100") {
		if err != nil || e.Key != "db101" {
			t.Errorf("after db100: %+v, %v", e, err)
		}
		break
	}

	// Two at once, one of which is given up on the way; then what is left.
	var all sync.WaitGroup
	var mu sync.Mutex
	rotated := 0
	stopping, stop := context.WithCancel(t.Context())
	for i, ctx := range []context.Context{stopping, t.Context()} {
		all.Go(func() {
			n, err := s.Rotate(ctx)
			if err != nil && (i > 0 || !errors.Is(err, context.Canceled)) {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			rotated += n
		})
	}
	stop()
	all.Wait()
	if n := count(t, d, "select count(*) from stratum.audit_log where action = 'connection.rotated' and before = after"); rotated != n || n != 229 {
		t.Errorf("%d were rotated, of %d in the audit log", rotated, n)
	}
	if n, err := s.Rotate(t.Context()); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	after := service(t, d, current) // without the old key
	finds(t, after, "db007", "postgres://app:"+password+"@h7.example/name7", "")
	finds(t, after, "db008", "postgres://app:"+password+"@h8.example/name8", acme2)
	fails(t, before, "db007", core.ErrSealKeyUnknown)
}

// What does not open stays, is told, and keeps nothing else from being rotated.
func TestRotatePastBrokenOnes(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	old := newKey(t, "old")
	before := service(t, d, old)
	for _, key := range []string{"a", "b", "c", "d"} {
		set(t, before, key, acme, acme2)
	}
	d.Exec(t, embedpg.Lib, "update stratum.connections set replica = dsn where key in ('a', 'c')")
	s := service(t, d, newKey(t, "new"), old)
	for want := range 2 {
		n, err := s.Rotate(t.Context())
		if !errors.Is(err, core.ErrSealBroken) || n != 2-2*want || !strings.Contains(err.Error(), `stay as they are: 2; the first: the connection "a", replica`) {
			t.Errorf("%d, %v", n, err)
		}
	}
	finds(t, s, "b", acme, acme2)
	got := map[string]core.Code{}
	for e, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got[e.Key] = e.Problem
	}
	if !maps.Equal(got, map[string]core.Code{"a": core.SealBroken, "b": "", "c": core.SealBroken, "d": ""}) {
		t.Error(got)
	}
}

// A connection that is set while Rotate is at work keeps what was set.
func TestRotateLosesNothing(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	old := newKey(t, "old")
	before := service(t, d, old)
	s := service(t, d, newKey(t, "new"), old)
	var all sync.WaitGroup
	defer all.Wait()
	stop := make(chan struct{})
	defer close(stop)
	all.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := s.Rotate(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for i := range 60 {
		dsn := fmt.Sprintf("postgres://app:%s@h%d.example/x", password, i)
		set(t, before, "acme", dsn, "")
		finds(t, s, "acme", dsn, "")
	}
}
