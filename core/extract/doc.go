// Package extract finds out which tenant a request names. Each function returns
// a [core.Extractor]; the combinators put several together:
//
//	extract.First(extract.Subdomain("app.example.com"), extract.Header("X-Tenant-ID"))
//
// # What counts as a reference
//
// A value that is a hyphenated UUID is a tenant's id, else a slug is a slug, and
// anything else is [core.ErrTenantRefInvalid]: a comma, a control character, a
// letter that is not ASCII, something too long. Spaces around it are trimmed, and
// an empty value counts as missing. A header, query parameter or cookie that
// comes twice is [core.ErrTenantAmbiguous], even if both say the same: another
// party on the way may have read the other one.
//
// # Reading is not trusting
//
// An extractor says what the request claims. Whoever can send a request can send
// any header; use the Authorize hook of package admit, or an extractor whose
// source is verified, or [Within], to decide whether the claim may stand.
//
// # Mistakes of the programmer
//
// Constructors check their arguments and panic with a sentence for those that can
// never work: an empty name, a base domain that is no domain, a nil extractor. They
// run once, when the program starts. Extractors themselves never panic, hold no
// state that changes, and allocate nothing where a request has one reference in
// its plain form.
package extract
