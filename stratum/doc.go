// Package stratum is the library: it keeps the tenants of an installation in the
// schema "stratum" of a PostgreSQL database, and resolves them for the middlewares.
//
//	s, err := stratum.Open(ctx, dsn, stratum.Config{AutoMigrate: true})
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	acme, err := s.Tenants.Create(ctx, tenant.New{Name: "Acme Corp", Slug: "acme"})
//	handler := stratumhttp.Middleware(s.Resolver(), stratumhttp.Config{})(mux)
//
// # Its login
//
// The dsn is that of a login of the library's own, stratum_lib by convention, which
// owns the schema. It is not the application's: nobody but the owner has rights on
// these tables, so that no SQL of the application can read or change who is a tenant.
// The library never touches the application's tables.
//
// # Places
//
// A tenant lives in the shared tables, in a schema of its own or in a database of its own
// (tenant.New.Strategy). With Config.Provision the library makes that place together with
// the tenant, runs the application's migrations there, and removes it when the tenant is
// purged; it does so as the owner's login, on connections of their own. Nothing is left of
// what fails: what is made or removed stands in a journal, and [Open] finishes what a
// process that died had begun. Package placement says what a place is.
//
// Config.Spares makes some places ahead, so that a tenant gets one at once. Config.Seal has the
// keys under which [Stratum.Connections] keeps the connection strings of databases.
//
// New migrations come to all places that are there with [Stratum.Fleet], before the
// program that needs them serves; package fleet says how.
//
// # What others see, and when
//
// Changes made through a [Stratum] are seen by its own [Stratum.Resolver] at once. Those
// made elsewhere, by another process or in psql, the database tells as soon as they are
// committed, on a connection of its own (Config.Listen). While that is not there nothing is
// cached; should a telling get lost, the TTL of the cache bounds for how long (Config.Cache).
package stratum
