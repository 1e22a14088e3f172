// Package seal encrypts single values of a database: connection strings, sensitive
// configuration, webhook secrets. Each is bound to its place, and each names its key.
//
//	ring, err := seal.NewRing(seal.Config{Keys: []seal.Key{
//		{ID: "2026-08", Material: core.NewSecret(os.Getenv("STRATUM_SEAL_KEY"))},
//	}})
//	of := seal.Of{Tenant: acme, Table: "config_entries", Row: id, Field: "value"}
//	text, err := ring.Seal([]byte("postgres://…"), of)
//	plain, err := ring.Open(text, of)
//
// # Format
//
// A sealed text is ASCII without white space:
//
//	v2:<key id>:<base64url of nonce | ciphertext | tag>
//
// The key id is 1 to 32 letters, digits, - and _. The base64url has no padding and no
// line breaks, and its unused bits are zero (RFC 4648, section 5), so that a value has
// one spelling. The cipher is AES-256-GCM (NIST SP 800-38D) with a random nonce of 12
// bytes and a tag of 16. Its key is HKDF-SHA256 (RFC 5869) of the material: the bytes of
// its text as it is configured, decoded in no way; no salt; the info "stratum-seal-v2";
// 32 bytes. The additional data is five strings,
//
//	prefix  the text up to and including the second colon: v2:<key id>:
//	tenant  the id in canonical form, lower-case with hyphens; empty for none
//	table
//	row
//	field
//
// in the Pre-Authentication Encoding of PASETO: the number 5, then each string with its
// length in bytes in front. Numbers have 8 bytes, little-endian. For example, with the
// material
//
//	000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
//
// the AES key is
//
//	e0498f84e545f102deb40f617d19da1a4b4956acc2a8715fd6ce4a56f9e7bd6b
//
// and, under the key id 2026-08 and with the nonce cafebabefacedbaddecaf888, the value
// hello of the tenant 0198a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b, the table config_entries,
// the row 42 and the field value is
//
//	v2:2026-08:yv66vvrO263eyviIgSaIkXRPADIuEQhVSq6WCm4sU1AX
//
// # What is protected
//
// Who reads the database, a backup or a replica learns of a value its length and that
// it is there. Who also writes to it can neither change a value nor put it elsewhere: a
// text that was moved to another row, tenant, table or column, or of which a bit
// differs, does not open ([core.ErrSealBroken]).
//
// # What is not
//
// A value can be deleted, and an older text of the same place put back: both open, and
// nothing tells which is newer. The length is not hidden. Who reads the memory or the
// configuration of the process has the keys. The plain text is the caller's to keep out
// of logs; errors of this package repeat neither it nor any material.
//
// Nonces are random. A key should not seal more than 2^32 values (NIST SP 800-38D,
// section 8.3); rotate before that.
//
// # Rotation
//
// Make a key with [NewKey]. Put it behind the others in Config.Keys of all processes,
// so that all of them open it; then in front, so that they seal with it. Then visit the
// rows that [Ring.Prefix] does not match and write what [Ring.Rotate] returns, in a
// transaction that locks the row. When none is left, backups aside, remove the old key.
// It can stop and start again at any point. A key that leaked is rotated the same way,
// but the secrets that it sealed have leaked, too: change them.
//
// # Values of the Node system
//
// The keys in Config.Legacy open its two formats, in hexadecimal and with colons:
//
//	v1:<nonce>:<tag>:<ciphertext>
//	<nonce>:<tag>:<ciphertext>
//
// The AES key is derived with the configured salt and the info "stratum-aes-key". They
// name no key, so all are tried, and have no additional data, so they open at any place:
// as long as Config.Legacy is set, who writes to the database can replace any value by
// one of these that he finds. Rotate all, then empty it. They are never written.
package seal
