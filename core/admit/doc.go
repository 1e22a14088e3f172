// Package admit is the admission that all middlewares of Stratum share. For each
// request it
//
//  1. asks the extractor which tenant the request names (package extract),
//  2. resolves it, through a cache as a rule,
//  3. checks its status: only an active tenant is admitted,
//  4. asks the Authorize hook whether the caller may act in it,
//  5. and returns a context that runs as that tenant.
//
// Whatever goes wrong on the way is a refusal: there is no branch on which a
// request goes on with a tenant that was not checked, and none on which it keeps
// the tenant of an outer context in place of its own.
//
// A middleware adapts its framework to two interfaces, and does nothing else: it
// hands over requests as [core.Request], and writes refusals as [Response] puts
// them. Frameworks that are built on net/http take [HTTP] for the former.
//
// # Identification is not authorization
//
// A header says which tenant is meant, not that the caller may act in it. Without
// an Authorize hook, and with a source that is not verified, whoever can reach the
// service can name any tenant. Admission works like that all the same, since the
// decision may be taken elsewhere, but says so once in the log, as a warning.
package admit
