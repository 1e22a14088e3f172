// Package propagate takes the tenant of a context to other services and queues, and
// back into a context there. One [Propagator] stands for one way from a sender to a
// receiver, and both sides configure theirs alike:
//
//	p, err := propagate.New(propagate.Config{Keys: keys, Audience: "billing"})
//	client := &http.Client{Transport: p.Transport(propagate.Transport{Hosts: []string{"billing.internal"}})}
//	ctx, err = p.Receive(ctx, propagate.Map(message.Headers), resolver)
//
// The receiver resolves the tenant again and checks its status: what travels is an id,
// never a tenant. A receiver of HTTP may as well give [Propagator.Extractor] to its
// middleware.
//
// # The seal
//
// A bare id from outside proves nothing, so what travels is sealed with a key that
// both sides know:
//
//	X-Stratum-Tenant: v1.<kid>.<tenant>.<caller>.<expiry>.<mac>
//
// kid names the key. tenant is the id in canonical form; caller is the id of the
// tenant that runs as it (core.Impersonate), or "-". expiry is in Unix seconds,
// decimal. mac is HMAC-SHA256 (RFC 2104, FIPS 198-1), base64url without padding
// (RFC 4648, section 5), over
//
//	"stratum-propagate\n" v1.<kid>.<tenant>.<caller>.<expiry> "\n" <audience>
//
// so that a seal for one receiver is worth nothing at another. Each value has one
// spelling only. Keys are rotated by putting the new one behind the others on all
// sides, then in front, then removing the old one.
//
// # What a seal does not do
//
// It proves who sent the tenant, not that the rest of the message belongs to it: who
// sees a sealed message can send another one with the same seal until it expires. Use
// TLS, and a TTL as short as the way allows. For a queue it is the longest time that a
// message may lie there.
//
// # Unsealed
//
// Where nobody but the sender can write, as in a private queue, Config.Unsealed saves
// the keys. The value is then plain.<tenant>.<caller>, and the word of whoever wrote it.
package propagate
