package stratumpgx

import (
	"context"
	"sync"

	"github.com/stratum-hq/stratum-go/core"
)

// gates let at most as many units of work of a tenant in at once as its placement says.
// There is a gate as long as somebody is in it or in front of it.
type gates struct {
	mu    sync.Mutex
	gates map[gateKey]*gate
}

type gateKey struct {
	tenant core.ID
	width  int // a placement that changes gets another gate
}

type gate struct {
	key    gateKey
	places chan struct{}
	users  int
}

// enter waits for a place until ctx ends.
func (g *gates) enter(ctx context.Context, tenant core.ID, width int) (*gate, error) {
	key := gateKey{tenant, width}
	g.mu.Lock()
	in := g.gates[key]
	if in == nil {
		if g.gates == nil {
			g.gates = map[gateKey]*gate{}
		}
		in = &gate{key: key, places: make(chan struct{}, width)}
		g.gates[key] = in
	}
	in.users++
	g.mu.Unlock()
	select {
	case in.places <- struct{}{}:
		return in, nil
	case <-ctx.Done():
		g.forget(in)
		return nil, ctx.Err()
	}
}

// leave gives the place back.
func (g *gates) leave(in *gate) {
	<-in.places
	g.forget(in)
}

func (g *gates) forget(in *gate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if in.users--; in.users == 0 {
		delete(g.gates, in.key)
	}
}
