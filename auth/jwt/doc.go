// Package stratumjwt takes the tenant of a request from a signed token (JWT, RFC 7519;
// JWS, RFC 7515):
//
//	v, err := stratumjwt.New(ctx, stratumjwt.Config{
//		JWKS:     stratumjwt.JWKS{URL: "https://id.example.com/.well-known/jwks.json"},
//		Issuer:   "https://id.example.com/",
//		Audience: []string{"https://api.example.com"},
//	})
//	r.Use(stratumgin.Middleware(resolver, stratumgin.Config{Extract: v.Extractor()}))
//
// The tenant in the token is authoritative, and counts as verified. A header may choose
// another one below it, and no other:
//
//	extract.Within(v.Extractor(), extract.Header("X-Tenant-ID"))
//
// A request without a token names no tenant here, so that extract.First may go on; with
// Config.Required it is refused. A token that is no good is refused with
// [core.ErrUnauthorized] and never gives way to a weaker source.
//
// # Claims in hooks and handlers
//
// [Verifier.Claims] returns the claims of a request, in an Authorize hook as well as in
// a handler (there with admit.HTTP(r)). A token is verified once however often it is
// asked for, and comes: the result is remembered under its SHA-256 hash, for as long as
// its key is in use; the times are checked each time.
//
// # RFC 8725, JSON Web Token Best Current Practices
//
//   - 3.1, 3.2: each key has one algorithm, which configuration fixes; a key of a JWK set
//     has the one it names, or the one of its type. none is never one of them. Secrets
//     and public keys have different types, and a key set yields public keys only.
//   - 3.3: every signature that is there is checked before a claim is believed.
//   - 3.4: curves and points are checked when a key is read.
//   - 3.5: a secret has as many bytes as its hash (RFC 7518, section 3.2), an RSA key 2048 bits.
//   - 3.6, 3.7: there is no decryption and no decompression; tokens are JSON in UTF-8.
//   - 3.8, 3.9: issuer and audience are checked. A token for somebody else is refused also
//     if no audience is configured (RFC 7519, section 4.1.3).
//   - 3.10: kid is a key of a map and nothing else; jwk, jku, x5u and x5c are not read.
//     Duplicate names, which parsers read differently, are refused, and so is crit.
//   - 3.11, 3.12: the typ of a token must be the configured one. By default it is JWT, at+jwt
//     (RFC 9068) or absent: a token of another kind is none of these.
//
// Beyond it: tokens expire, unless Config.AllowNoExpiry says otherwise, have at most
// [MaxToken] bytes, and are decoded strictly; no error repeats a part of one.
//
// # Key sets
//
// The set is fetched when the verifier is made, then each JWKS.Refresh, and when a token
// names a key that is not known, at most once in JWKS.Cooldown; requests at that moment
// wait for the one fetch. While it cannot be fetched, the keys that are there stay in use, and
// tokens with unknown ones are [core.ErrResolverDown] instead of invalid. A key that cannot be
// used is left out and spoils no other (RFC 7517, section 5).
package stratumjwt
