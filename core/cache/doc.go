// Package cache is a caching [core.Resolver]: bounded, with one flight per key,
// and never staler than it promises.
//
//	resolver := cache.New(source, cache.Config{TTL: time.Minute})
//	…
//	resolver.Invalidate(id) // from whatever tells that the tenant changed
//
// # What it promises
//
//   - An answer was the source's within the TTL before it is given (NegativeTTL for
//     "there is no such tenant", which alone is remembered of errors; and up to
//     MaxStale more while the source is down, if that is configured).
//   - A call that begins after [Resolver.Invalidate] has returned never gets what
//     was read before it: entries are dropped, and flights in the air are left to
//     those who wait for them already; what they bring is not stored.
//   - Under [Resolver.Bypass], for as long as invalidations cannot be heard, each
//     call gets an answer that was read after the call began.
//   - Lookups of unknown tenants have a memory of their own, so that a flood of them
//     evicts no real tenant.
//   - A caller that gives up does so alone: the flight belongs to nobody, runs with a
//     context of its own (no values, [Config.Timeout]), and serves the others.
//   - API keys are kept as SHA-256 digests only.
//
// Tenants of the cache are shared by all its readers. [Resolver.Resolve] returns
// copies; [Resolver.ResolveShared] returns what is kept, for admission, which only
// reads.
//
// It has a module of its own, because package core depends on nothing.
package cache
