package tenant_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	s, d := service(t)
	ctx := t.Context()
	root := create(t, s, "root", core.ID{})
	leaf := create(t, s, "leaf", root.ID)

	_, err := s.Suspend(ctx, root.ID)
	if !errors.Is(err, core.ErrTenantHasChildren) || detail(err, "child_count") != "1" {
		t.Error("with an active child:", err)
	}
	got, err := s.Suspend(ctx, leaf.ID)
	if err != nil || got.Status != core.Suspended || got.Parent() != root.ID {
		t.Fatalf("%+v, %v", got, err)
	}
	_, err = s.Suspend(ctx, leaf.ID)
	if !errors.Is(err, core.ErrTenantInvalidState) || detail(err, "from") != "suspended" || detail(err, "operation") != "suspend" ||
		detail(err, "allowed_from") != "[active]" || detail(err, "tenant_id") != leaf.ID.String() {
		t.Error("twice:", err)
	}
	if _, err := s.Suspend(ctx, root.ID); err != nil {
		t.Error("with a suspended child:", err)
	}
	if _, err := s.Resume(ctx, leaf.ID); !errors.Is(err, core.ErrTenantSuspended) || detail(err, "tenant_id") != root.ID.String() {
		t.Error("below a suspended parent:", err)
	}
	d.Exec(t, embedpg.Lib, "update stratum.tenants set status = 'archived'")
	if _, err := s.Resume(ctx, leaf.ID); !errors.Is(err, core.ErrTenantArchived) {
		t.Error("below an archived parent:", err)
	}
	for _, id := range []core.ID{root.ID, leaf.ID} {
		if got, err := s.Resume(ctx, id); err != nil || got.Status != core.Active {
			t.Error("archived:", got, err)
		}
	}
	if _, err := s.Resume(ctx, root.ID); !errors.Is(err, core.ErrTenantInvalidState) || detail(err, "allowed_from") != "[suspended archived]" {
		t.Error("an active one:", err)
	}
	for _, id := range []core.ID{{}, core.NewID()} {
		if _, err := s.Suspend(ctx, id); !errors.Is(err, core.ErrTenantNotFound) {
			t.Error("unknown:", err)
		}
		if _, err := s.Resume(ctx, id); !errors.Is(err, core.ErrTenantNotFound) {
			t.Error("unknown:", err)
		}
	}
	if n := count(t, d, `select count(*) from stratum.audit_log a join stratum.events e on e.tenant_id = a.tenant_id and e.created_at = a.created_at
		where a.action = e.type and a.action in ('tenant.suspended', 'tenant.resumed') and a.before ->> 'status' <> a.after ->> 'status'`); n != 4 {
		t.Errorf("%d records of 4 changes", n)
	}
}

// TestRaces lets children be made and resumed while their parent is suspended and
// resumed: an active tenant never has a parent that is not.
func TestRaces(t *testing.T) {
	t.Parallel()
	s, d := service(t)
	ctx := t.Context()
	root := create(t, s, "root", core.ID{})
	child := create(t, s, "child", root.ID)
	expected := func(err error) {
		for _, ok := range []error{nil, core.ErrTenantInvalidState, core.ErrTenantHasChildren, core.ErrTenantSuspended} {
			if errors.Is(err, ok) {
				return
			}
		}
		t.Error(err)
	}
	var wg sync.WaitGroup
	worker := func(fn func(i int)) {
		wg.Go(func() {
			for i := range 60 {
				fn(i)
			}
		})
	}
	worker(func(int) { _, err := s.Suspend(ctx, root.ID); expected(err) })
	worker(func(int) { _, err := s.Resume(ctx, root.ID); expected(err) })
	worker(func(int) { _, err := s.Suspend(ctx, child.ID); expected(err) })
	worker(func(int) { _, err := s.Resume(ctx, child.ID); expected(err) })
	worker(func(i int) {
		made, err := s.Create(ctx, tenant.New{Name: "c", Slug: fmt.Sprintf("c%d", i), Parent: root.ID})
		if expected(err); err == nil {
			_, err = s.Suspend(ctx, made.ID)
			expected(err)
		}
	})
	defer wg.Wait()
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	conn := d.Conn(t, embedpg.Lib)
	for broken, running := 0, true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		err := conn.QueryRow(ctx, `select count(*) from stratum.tenants c join stratum.tenants p on p.id = c.parent_id
			where c.status = 'active' and p.status <> 'active'`).Scan(&broken)
		if err != nil || broken != 0 {
			t.Fatalf("%d active tenants below one that is not, %v", broken, err)
		}
	}
}
