package cache

// Dump returns the keys that the cache holds, for a test that looks for secrets in them.
func (r *Resolver) Dump() []any {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []any
	for _, k := range append(r.known.found.Keys(), r.known.missing.Keys()...) {
		all = append(all, k.kind, k.text)
	}
	return all
}

// Indexed is the number of keys in the index by tenant, which must be that of the entries.
func (r *Resolver) Indexed() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, keys := range r.known.byTenant {
		n += len(keys)
	}
	return n
}
