package core

import (
	"context"
	"net/netip"
)

// Actor is who does something, for the records of it. All of it comes from those who
// authenticated the request: nothing here grants anything.
type Actor struct {
	Type      string     // kind of the id, such as user, api_key, jwt or system; empty: system
	ID        string     // stable id of the person or program; empty: the library's own name
	RequestID string     // of the request, to find it in other logs; empty: none
	SourceIP  netip.Addr // where the request came from; the zero Addr: unknown
}

// actorKey finds the actor in a context.
type actorKey struct{}

// WithActor returns a context whose changes are recorded as those of an actor.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(parent(ctx), actorKey{}, a)
}

// ActorFrom returns the actor of ctx; the zero Actor if it has none.
func ActorFrom(ctx context.Context) Actor {
	if ctx == nil {
		return Actor{}
	}
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}

// idempotencyKey finds the key in a context.
type idempotencyKey struct{}

// MaxIdempotencyKey is the longest key of [Idempotent], in bytes.
const MaxIdempotencyKey = 255

// Idempotent returns a context in which a change is made once, however often it is
// repeated with the same key by the same actor: a repetition changes nothing and returns what the
// change was of, as it is now. A key with which something else was changed is
// [ErrIdempotencyReused]; one that is longer than [MaxIdempotencyKey] is
// [ErrValidation]. It is what the HTTP field Idempotency-Key is for
// (draft-ietf-httpapi-idempotency-key-header). An empty key is none.
func Idempotent(ctx context.Context, key string) context.Context {
	return context.WithValue(parent(ctx), idempotencyKey{}, key)
}

// IdempotencyKey returns the key of ctx; empty if it has none.
func IdempotencyKey(ctx context.Context) string {
	key, _ := ctx.Value(idempotencyKey{}).(string)
	return key
}
