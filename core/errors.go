package core

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"
)

// Code names a kind of error for machines. Codes are stable; messages are not.
type Code string

// The codes of this module. [Code.Status] gives the HTTP status of each.
const (
	MissingTenant       Code = "MISSING_TENANT"       // the request names no tenant
	TenantRefInvalid    Code = "TENANT_REF_INVALID"   // what it names can be no tenant
	TenantAmbiguous     Code = "TENANT_AMBIGUOUS"     // it names several
	TenantNotFound      Code = "TENANT_NOT_FOUND"     // it names one that does not exist
	TenantSuspended     Code = "TENANT_SUSPENDED"     // it exists and is suspended
	TenantArchived      Code = "TENANT_ARCHIVED"      // it existed
	TenantForbidden     Code = "TENANT_FORBIDDEN"     // the caller may not act in it
	ImpersonationDenied Code = "IMPERSONATION_DENIED" // the caller may not run as that tenant
	Forbidden           Code = "FORBIDDEN"            // the caller lacks a permission or scope
	TenantMismatch      Code = "TENANT_MISMATCH"      // work of one tenant reached a transaction of another
	NoTenant            Code = "NO_TENANT"            // a query came without a scope
	ScopeEnded          Code = "SCOPE_ENDED"          // a unit of work went on after its transaction ended
	SystemReason        Code = "SYSTEM_REASON"        // System without a reason
	ScopeUnsupported    Code = "SCOPE_UNSUPPORTED"    // a scope or strategy that this adapter is not configured for
	UnscopedOnly        Code = "UNSCOPED_ONLY"        // a statement that cannot run inside a transaction
	Unauthorized        Code = "UNAUTHORIZED"         // the credentials are missing or no good
	RoleUnsafe          Code = "ROLE_UNSAFE"          // a database login that row-level security would not bind
	ResolverDown        Code = "RESOLVER_UNAVAILABLE" // the tenant could not be looked up
	DatabaseDown        Code = "DATABASE_UNAVAILABLE" // the database in which the tenant is placed cannot be reached
	TenantExists        Code = "TENANT_ALREADY_EXISTS"
	TenantInvalidState  Code = "TENANT_INVALID_STATE"
	TenantHasChildren   Code = "TENANT_HAS_CHILDREN"
	TenantCycle         Code = "TENANT_CYCLE_DETECTED"
	ConfigNotFound      Code = "CONFIG_NOT_FOUND"
	ConfigLocked        Code = "CONFIG_LOCKED"
	PermissionNotFound  Code = "PERMISSION_NOT_FOUND"
	PermissionExists    Code = "PERMISSION_ALREADY_EXISTS"
	PermissionLocked    Code = "PERMISSION_LOCKED"
	PermissionKept      Code = "PERMISSION_REVOCATION_DENIED"
	PolicyNotFound      Code = "ABAC_POLICY_NOT_FOUND"
	PolicyExists        Code = "ABAC_POLICY_ALREADY_EXISTS"
	PolicyLocked        Code = "ABAC_POLICY_LOCKED"
	PolicyOperator      Code = "INVALID_ABAC_OPERATOR"
	VersionConflict     Code = "VERSION_CONFLICT"
	IdempotencyReused   Code = "IDEMPOTENCY_KEY_REUSED"
	SealBroken          Code = "SEAL_BROKEN"      // a sealed value does not open: changed, moved, or sealed with another key
	SealMalformed       Code = "SEAL_MALFORMED"   // what should be a sealed value has no form that is known
	SealKeyUnknown      Code = "SEAL_KEY_UNKNOWN" // the key of a sealed value is not configured
	Validation          Code = "VALIDATION_ERROR"
	Internal            Code = "INTERNAL_SERVER_ERROR"
)

// The sentinels, one for each code, for [errors.Is].
var (
	ErrMissingTenant       = &Error{Code: MissingTenant, Message: "the request names no tenant"}
	ErrTenantRefInvalid    = &Error{Code: TenantRefInvalid, Message: "this is neither a tenant id nor a slug"}
	ErrTenantAmbiguous     = &Error{Code: TenantAmbiguous, Message: "the request names more than one tenant"}
	ErrTenantNotFound      = &Error{Code: TenantNotFound, Message: "there is no such tenant"}
	ErrTenantSuspended     = &Error{Code: TenantSuspended, Message: "the tenant is suspended"}
	ErrTenantArchived      = &Error{Code: TenantArchived, Message: "the tenant is archived"}
	ErrTenantForbidden     = &Error{Code: TenantForbidden, Message: "the caller may not act in this tenant"}
	ErrImpersonationDenied = &Error{Code: ImpersonationDenied, Message: "the caller may not run as this tenant"}
	ErrForbidden           = &Error{Code: Forbidden, Message: "the caller may not do this"}
	ErrTenantMismatch      = &Error{Code: TenantMismatch, Message: "this transaction or connection belongs to another tenant or scope"}
	ErrNoTenant            = &Error{Code: NoTenant, Message: "the context has no tenant; refusing to touch tenant data"}
	ErrScopeEnded          = &Error{Code: ScopeEnded, Message: "the transaction that carried the tenant had ended; the rest of this unit of work ran without a tenant and is refused"}
	ErrSystemReason        = &Error{Code: SystemReason, Message: "core.System needs a reason that is not empty"}
	ErrScopeUnsupported    = &Error{Code: ScopeUnsupported, Message: "this adapter is not configured for that scope"}
	ErrUnscopedOnly        = &Error{Code: UnscopedOnly, Message: "this statement cannot run inside a transaction and therefore not in a tenant's scope; run it on the owner's connection or under core.System"}
	ErrUnauthorized        = &Error{Code: Unauthorized, Message: "the credentials are missing or not valid"}
	ErrRoleUnsafe          = &Error{Code: RoleUnsafe, Message: "row-level security would not bind this database login"}
	ErrResolverDown        = &Error{Code: ResolverDown, Message: "the tenant cannot be looked up at the moment"}
	ErrDatabaseDown        = &Error{Code: DatabaseDown, Message: "the tenant's database cannot be reached at the moment"}
	ErrTenantExists        = &Error{Code: TenantExists, Message: "a tenant with this slug or domain exists already"}
	ErrTenantInvalidState  = &Error{Code: TenantInvalidState, Message: "the tenant's status does not allow this"}
	ErrTenantHasChildren   = &Error{Code: TenantHasChildren, Message: "the tenant has children that do not allow this"}
	ErrTenantCycle         = &Error{Code: TenantCycle, Message: "the tenant would lie below itself"}
	ErrConfigNotFound      = &Error{Code: ConfigNotFound, Message: "the tenant has no such configuration entry"}
	ErrConfigLocked        = &Error{Code: ConfigLocked, Message: "a tenant above has locked this configuration key"}
	ErrPermissionNotFound  = &Error{Code: PermissionNotFound, Message: "the tenant has no such permission"}
	ErrPermissionExists    = &Error{Code: PermissionExists, Message: "the tenant has a permission with this key already"}
	ErrPermissionLocked    = &Error{Code: PermissionLocked, Message: "a tenant above does not allow this permission to be changed"}
	ErrPermissionKept      = &Error{Code: PermissionKept, Message: "the permission is permanent"}
	ErrPolicyNotFound      = &Error{Code: PolicyNotFound, Message: "there is no such policy"}
	ErrPolicyExists        = &Error{Code: PolicyExists, Message: "the tenant has a policy with this name, resource type and action already"}
	ErrPolicyLocked        = &Error{Code: PolicyLocked, Message: "a tenant above does not allow this policy to be changed"}
	ErrPolicyOperator      = &Error{Code: PolicyOperator, Message: "this is no operator of a condition"}
	ErrVersionConflict     = &Error{Code: VersionConflict, Message: "somebody else changed it meanwhile"}
	ErrIdempotencyReused   = &Error{Code: IdempotencyReused, Message: "this idempotency key was used for another change"}
	ErrSealBroken          = &Error{Code: SealBroken, Message: "the sealed value does not open: it was changed, or sealed for another place or with another key"}
	ErrSealMalformed       = &Error{Code: SealMalformed, Message: "this is no sealed value of a format that is known here"}
	ErrSealKeyUnknown      = &Error{Code: SealKeyUnknown, Message: "the key of the sealed value is not configured"}
	ErrValidation          = &Error{Code: Validation, Message: "the input is not valid"}
	ErrInternal            = &Error{Code: Internal, Message: "something went wrong on our side"}
)

// table is the one place where code, HTTP status and sentinel meet.
var table = map[Code]struct {
	status   int
	sentinel *Error
}{
	MissingTenant:       {400, ErrMissingTenant},
	TenantRefInvalid:    {400, ErrTenantRefInvalid},
	TenantAmbiguous:     {400, ErrTenantAmbiguous},
	TenantNotFound:      {404, ErrTenantNotFound},
	TenantSuspended:     {403, ErrTenantSuspended},
	TenantArchived:      {410, ErrTenantArchived},
	TenantForbidden:     {403, ErrTenantForbidden},
	ImpersonationDenied: {403, ErrImpersonationDenied},
	Forbidden:           {403, ErrForbidden},
	TenantMismatch:      {500, ErrTenantMismatch},
	NoTenant:            {500, ErrNoTenant},
	ScopeEnded:          {500, ErrScopeEnded},
	SystemReason:        {500, ErrSystemReason},
	ScopeUnsupported:    {500, ErrScopeUnsupported},
	UnscopedOnly:        {500, ErrUnscopedOnly},
	Unauthorized:        {401, ErrUnauthorized},
	RoleUnsafe:          {500, ErrRoleUnsafe},
	ResolverDown:        {503, ErrResolverDown},
	DatabaseDown:        {503, ErrDatabaseDown},
	TenantExists:        {409, ErrTenantExists},
	TenantInvalidState:  {409, ErrTenantInvalidState},
	TenantHasChildren:   {409, ErrTenantHasChildren},
	TenantCycle:         {409, ErrTenantCycle},
	ConfigNotFound:      {404, ErrConfigNotFound},
	ConfigLocked:        {403, ErrConfigLocked},
	PermissionNotFound:  {404, ErrPermissionNotFound},
	PermissionExists:    {409, ErrPermissionExists},
	PermissionLocked:    {403, ErrPermissionLocked},
	PermissionKept:      {403, ErrPermissionKept},
	PolicyNotFound:      {404, ErrPolicyNotFound},
	PolicyExists:        {409, ErrPolicyExists},
	PolicyLocked:        {403, ErrPolicyLocked},
	PolicyOperator:      {400, ErrPolicyOperator},
	VersionConflict:     {409, ErrVersionConflict},
	IdempotencyReused:   {422, ErrIdempotencyReused},
	SealBroken:          {500, ErrSealBroken},
	SealMalformed:       {500, ErrSealMalformed},
	SealKeyUnknown:      {500, ErrSealKeyUnknown},
	Validation:          {400, ErrValidation},
	Internal:            {500, ErrInternal},
}

// Codes returns every code with its HTTP status, as a new map.
func Codes() map[Code]int {
	m := make(map[Code]int, len(table))
	for c, row := range table {
		m[c] = row.status
	}
	return m
}

// Status is the HTTP status of the code; 500 for one that is unknown.
func (c Code) Status() int {
	if row, ok := table[c]; ok {
		return row.status
	}
	return 500
}

// Sentinel returns the exported error of the code, or [ErrInternal] for one that
// is unknown. An HTTP client turns the code of an answer back into it.
func (c Code) Sentinel() *Error {
	if row, ok := table[c]; ok {
		return row.sentinel
	}
	return ErrInternal
}

// Error is the error type of the whole project: a stable code, a sentence, and
// details that may be shown to the caller. Err, the cause, is for logs and
// [errors.As]; it never reaches a response.
type Error struct {
	Code       Code
	Message    string
	Details    map[string]any
	RetryAfter time.Duration // 0, or how long a caller should wait before it tries again
	Err        error
}

// Errorf makes an error of a code with a sentence of its own. A %w operand
// becomes the cause, and its text part of the sentence, which callers see: use
// [Error.Wrap] for a cause that is none of their business.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	e := &Error{Code: code, Message: err.Error()}
	switch u := err.(type) {
	case interface{ Unwrap() error }:
		e.Err = u.Unwrap()
	case interface{ Unwrap() []error }: // several %w operands
		e.Err = errors.Join(u.Unwrap()...)
	}
	return e
}

// With returns a copy of e with one more detail.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Details = maps.Clone(e.Details)
	if c.Details == nil {
		c.Details = make(map[string]any, 1)
	}
	c.Details[key] = value
	return &c
}

// Wrap returns a copy of e with a cause. The message does not change: what a
// cause says is not for callers.
func (e *Error) Wrap(cause error) *Error {
	c := *e
	c.Err = cause
	return &c
}

// Error returns the sentence and the code. Like the methods below it bears a nil
// pointer, which a hook's "var err *core.Error; return err" makes a non-nil error.
func (e *Error) Error() string {
	if e == nil {
		return ErrInternal.Error()
	}
	return e.Message + " (" + string(e.Code) + ")"
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// Is reports whether target is an *Error of the same code, so that
// errors.Is(err, core.ErrTenantNotFound) holds for every such error.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t != nil && e != nil && t.Code == e.Code
}

// LogValue is what [log/slog] prints: code and sentence as callers see them, and
// the cause, which they do not.
func (e *Error) LogValue() slog.Value {
	if e == nil {
		return slog.StringValue("<nil>")
	}
	attrs := []slog.Attr{slog.String("code", string(e.Code)), slog.String("message", e.Message)}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("cause", e.Err))
	}
	return slog.GroupValue(attrs...)
}
