// Package telemetry reports to OpenTelemetry who was admitted, and whose queries ran. It
// uses the API of OpenTelemetry only; the program chooses the SDK and the exporters.
//
//	tel, err := telemetry.New(telemetry.Config{TracerProvider: tp, MeterProvider: mp})
//	r.Use(stratumgin.Middleware(resolver, stratumgin.Config{Trace: tel.Trace}))
//
//	pc.ConnConfig.Tracer = tel.Queries() // pc: the *pgxpool.Config for stratumpgx.New
//
// # Admission
//
// Each admission is a span stratum.admit and a child of the request's span, which gets
// stratum.tenant.id too. What the request does afterwards is a child of the latter, as it
// is without this package. Two instruments have the attributes stratum.outcome (admitted,
// refused, or none for a request without a tenant that needs none) and, of refusals,
// error.type, which is the code of the error:
//
//   - stratum.admissions counts them;
//   - stratum.admission.duration measures them, in seconds.
//
// The tenant is no attribute of a metric, unless Config.TenantMetrics asks for it: each one
// makes new time series.
//
// # Queries
//
// Spans have the names and attributes of the semantic conventions for databases
// (stable since 1.33; those of 1.43 are used): db.system.name, db.namespace,
// db.operation.name, db.query.summary, server.address and server.port. To these come
// stratum.scope.mode, stratum.tenant.id, and, under core.System, stratum.system.reason.
// Where a query starts with a comment in the way of sqlc, "-- name: ListInvoices :many",
// its name is the summary.
//
// No span has the value of a parameter. The text of statements is reported if
// Config.QueryText asks for it: a statement with literals in it reports those. Of errors
// the SQLSTATE is reported and not the message, in which PostgreSQL repeats values.
//
// Queries are traced inside a recorded span: without one, a query costs one look into
// the context and no allocation. Background work starts a span of its own.
//
// # Baggage
//
// With Config.Baggage the tenant's id goes into the baggage of the request as
// stratum.tenant.id, for the logs and traces of other services. A propagator sends baggage
// wherever requests go, third parties included, and anybody can write it: this package
// never reads a tenant from it, and neither must a receiver. Use package
// core/propagate for that.
package telemetry
