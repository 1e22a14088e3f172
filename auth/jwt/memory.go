package stratumjwt

import (
	"crypto/sha256"
	"sync"
)

// memory remembers verified tokens by their hash: it holds no token that could be
// stolen from it, and finding one tells nobody anything by its timing.
type memory struct {
	half int

	mu         sync.Mutex
	young, old map[tokenHash]remembered // old is what young was when it was full last
}

type tokenHash = [sha256.Size]byte

func hashOf(token string) tokenHash { return sha256.Sum256([]byte(token)) }

type remembered struct {
	claims *Claims
	key    *key
}

func newMemory(size int) *memory {
	return &memory{half: (size + 1) / 2, young: map[tokenHash]remembered{}}
}

// get returns nil for a token that is not remembered. What it returns is shared.
func (m *memory) get(h tokenHash) (*Claims, *key) {
	if m == nil {
		return nil, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.young[h]
	if !ok {
		if r, ok = m.old[h]; ok {
			m.add(h, r)
		}
	}
	return r.claims, r.key
}

func (m *memory) put(h tokenHash, c *Claims, k *key) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(h, remembered{c, k})
}

// add makes room by forgetting what was not asked for in the last two generations.
func (m *memory) add(h tokenHash, r remembered) {
	if len(m.young) >= m.half {
		m.young, m.old = make(map[tokenHash]remembered, m.half), m.young
	}
	m.young[h] = r
}
