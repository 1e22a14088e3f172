// Package core carries the tenant of a request in context.Context, and holds
// the few types that everything else shares: tenant identity, scopes, the
// resolver and extractor interfaces, and the one error type.
//
// It imports the standard library only, so every other module, yours included,
// can depend on it at no cost.
//
// # The three scopes
//
// A context is in one of three scopes, or in none:
//
//   - [NewContext] puts a tenant into it: everything below runs as that tenant.
//   - [Subtree] widens reads to the tenant and everything below it in the tree.
//   - [System] leaves tenancy behind, explicitly and with a reason.
//
// An adapter that is handed a context without a scope refuses to work
// ([ErrNoTenant]) before it has sent a byte: no tenant is never "all tenants".
//
// # Where it comes from
//
// A middleware (package admit) extracts the reference that a request carries, has a
// [Resolver] look it up, and puts the tenant into the context. [Static] is a resolver
// for tests. [LogHandler] adds tenant and scope to each line of a log.
//
// # Errors
//
// There is one type, [Error], with a stable [Code] for machines, and one sentinel for
// each code: errors.Is(err, core.ErrTenantNotFound) holds wherever the error came from,
// another process included.
//
// # Immutability
//
// [FromContext] returns a copy. A handler may do with it what it likes: neither
// a cache that holds the original nor the scope of its own request is affected,
// because scope is taken from the context, never from a *Tenant in a handler's hand.
package core
