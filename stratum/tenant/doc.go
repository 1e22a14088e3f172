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
