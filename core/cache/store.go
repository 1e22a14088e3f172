package cache

import (
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/stratum-hq/stratum-go/core"
)

// entry is a tenant under one of its references.
type entry struct {
	tenant *core.Tenant
	until  instant // fresh before
	dead   instant // of no use from then on, even if the source is down
}

// absence says that there was no such tenant. An invalidation makes all of them
// doubtful at once, since it does not say under which references a tenant has become
// known: it begins a new era, and those of older ones no longer count.
type absence struct {
	until instant
	era   uint64
}

// store holds what is known. It has no lock of its own.
type store struct {
	found    *simplelru.LRU[key, *entry]
	missing  *simplelru.LRU[key, absence]
	byTenant map[core.ID]map[key]struct{} // the keys in found, so that invalidation needs no scan
	era      uint64
}

func newStore(size int) *store {
	s := &store{byTenant: make(map[core.ID]map[key]struct{})}
	// The one error is a size that is not positive; complete has seen to that.
	s.found, _ = simplelru.NewLRU(size, s.unlink)
	s.missing, _ = simplelru.NewLRU[key, absence](size, nil)
	return s
}

// unlink follows an entry that leaves found, for whatever reason.
func (s *store) unlink(k key, e *entry) {
	keys := s.byTenant[e.tenant.ID]
	delete(keys, k)
	if len(keys) == 0 {
		delete(s.byTenant, e.tenant.ID)
	}
}

// put stores a tenant, and reports whether another entry had to go for it.
func (s *store) put(k key, e *entry) (evicted bool) {
	s.missing.Remove(k)
	s.found.Remove(k) // Add alone would replace it and not call unlink
	keys := s.byTenant[e.tenant.ID]
	if keys == nil {
		keys = make(map[key]struct{}, 1)
		s.byTenant[e.tenant.ID] = keys
	}
	keys[k] = struct{}{}
	return s.found.Add(k, e)
}

func (s *store) putAbsence(k key, until instant) {
	s.missing.Add(k, absence{until: until, era: s.era})
}

// absent reports whether k is known to name no tenant.
func (s *store) absent(k key, now instant) bool {
	a, ok := s.missing.Get(k)
	if ok && (a.era != s.era || now >= a.until) {
		s.missing.Remove(k)
		return false
	}
	return ok
}

func (s *store) drop(id core.ID) {
	s.era++
	for k := range s.byTenant[id] {
		s.found.Remove(k)
	}
}

func (s *store) dropSubtree(id core.ID) {
	s.era++
	for _, k := range s.found.Keys() {
		if e, ok := s.found.Peek(k); ok && e.tenant.Within(id) {
			s.found.Remove(k)
		}
	}
}

func (s *store) clear() {
	s.era++
	s.found.Purge()
	s.missing.Purge()
}
