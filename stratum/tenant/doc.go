// Package tenant keeps the tenants of an installation: a tree of customers, and of
// customers of customers. The Service of an opened library is stratum.Stratum.Tenants.
//
//	msp, err := s.Tenants.Create(ctx, tenant.New{Name: "NorthStar MSP", Slug: "northstar"})
//	acme, err := s.Tenants.Create(ctx, tenant.New{Name: "Acme Corp", Slug: "acme", Parent: msp.ID})
//	err = s.Tenants.Suspend(ctx, acme.ID)
//
// # States
//
// A tenant is active, suspended or archived; a new one is active. Suspend takes an
// active one, Resume a suspended or archived one, and anything else is
// [core.ErrTenantInvalidState]: repeating a call is an error too. Above an active
// tenant all are active: Create and Resume want an active parent, Suspend wants no
// active child ([core.ErrTenantHasChildren]). That holds whatever happens at the same
// moment, since the rows concerned are locked, parents first, before they are judged.
//
// Purge ends the life of an archived one: it is removed.
//
// # Places
//
// With a strategy other than SHARED_RLS, Create makes the tenant's schema or database and
// Purge removes it. Both keep a journal, stratum.provisioning: an entry is committed before
// anything is made, and goes in the transaction that inserts the tenant; it comes in the
// one that deletes the tenant, and goes when the place is removed. So a place that the
// journal names is nobody's, and Recover removes it, unless somebody is at work on it: who
// is holds an advisory lock. The lock is the connection's through which Create inserts
// the tenant, so that a Create which lost the lock cannot.
//
// # Records
//
// Each change writes a row of stratum.audit_log and one of stratum.events in the same
// statement.
//
// # Errors
//
// What a caller can do something about is a [core.Error]: of the codes above,
// TENANT_NOT_FOUND, TENANT_ALREADY_EXISTS, and VALIDATION_ERROR with the detail
// "field". All other errors are failures of the database or of the way to it.
package tenant
