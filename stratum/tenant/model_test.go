package tenant_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// TestModel compares the service with the rules as doc.go has them, on any sequence of
// operations.
func TestModel(t *testing.T) {
	t.Parallel()
	s, d := service(t)
	var slugs atomic.Int64 // shrinking runs many sequences on one database
	rapid.Check(t, func(r *rapid.T) {
		m := &model{t: t, s: s, slugs: &slugs, archive: func(id core.ID) {
			d.Exec(t, embedpg.Lib, "update stratum.tenants set status = 'archived' where id = $1", id.String())
		}}
		r.Repeat(map[string]func(*rapid.T){
			"create":  m.create,
			"suspend": m.suspend,
			"resume":  m.resume,
			"archive": m.byHand,
			"":        m.check,
		})
	})
}

// model is a forest as it should be.
type model struct {
	t       *testing.T
	s       *tenant.Service
	slugs   *atomic.Int64
	archive func(core.ID)
	nodes   []node
	touched int // the node that the last operation was about
}

type node struct {
	id        core.ID
	parent    int // -1: none
	ancestors []core.ID
	status    core.Status
}

// refusal is the error that a parent means for its children.
func (m *model) refusal(parent int) error {
	if parent < 0 {
		return nil
	}
	return (&core.Tenant{ID: m.nodes[parent].id, Status: m.nodes[parent].status}).Admissible()
}

// expect compares an outcome; any error is fatal unless it is the one that is due.
func expect(r *rapid.T, what string, got, want error) {
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		r.Fatalf("%s: %v, want %v", what, got, want)
	}
}

func (m *model) pick(r *rapid.T, least int) int {
	if len(m.nodes) == 0 && least == 0 {
		r.Skip("no tenants yet")
	}
	m.touched = rapid.IntRange(least, len(m.nodes)-1).Draw(r, "tenant")
	return m.touched
}

func (m *model) create(r *rapid.T) {
	parent := m.pick(r, -1)
	n := tenant.New{Name: "n", Slug: fmt.Sprintf("m%d", m.slugs.Add(1))}
	var above []core.ID
	if parent >= 0 {
		n.Parent = m.nodes[parent].id
		above = append(append(above, m.nodes[parent].ancestors...), n.Parent)
	}
	want := m.refusal(parent)
	if want == nil && len(above) > tenant.MaxDepth {
		want = core.ErrValidation
	}
	made, err := m.s.Create(m.t.Context(), n)
	expect(r, "create", err, want)
	if err == nil {
		m.touched = len(m.nodes)
		m.nodes = append(m.nodes, node{made.ID, parent, above, core.Active})
	}
}

func (m *model) suspend(r *rapid.T) {
	i := m.pick(r, 0)
	var want error
	if m.nodes[i].status != core.Active {
		want = core.ErrTenantInvalidState
	} else if m.activeChild(i) {
		want = core.ErrTenantHasChildren
	}
	_, err := m.s.Suspend(m.t.Context(), m.nodes[i].id)
	if expect(r, "suspend", err, want); err == nil {
		m.nodes[i].status = core.Suspended
	}
}

func (m *model) resume(r *rapid.T) {
	i := m.pick(r, 0)
	want := m.refusal(m.nodes[i].parent)
	if m.nodes[i].status == core.Active {
		want = core.ErrTenantInvalidState
	}
	_, err := m.s.Resume(m.t.Context(), m.nodes[i].id)
	if expect(r, "resume", err, want); err == nil {
		m.nodes[i].status = core.Active
	}
}

// byHand is what an operator may do in psql.
func (m *model) byHand(r *rapid.T) {
	i := m.pick(r, 0)
	if m.activeChild(i) {
		r.Skip("it has an active child")
	}
	m.archive(m.nodes[i].id)
	m.nodes[i].status = core.Archived
}

func (m *model) activeChild(i int) bool {
	for _, n := range m.nodes {
		if n.parent == i && n.status == core.Active {
			return true
		}
	}
	return false
}

// check reads back what the last operation was about.
func (m *model) check(r *rapid.T) {
	if len(m.nodes) == 0 || m.touched < 0 {
		return
	}
	n := m.nodes[m.touched]
	got, err := m.s.Get(m.t.Context(), n.id)
	if err != nil || got.Status != n.status || fmt.Sprint(got.Ancestors) != fmt.Sprint(n.ancestors) {
		r.Fatalf("%+v, %v, want %+v", got, err, n)
	}
}
