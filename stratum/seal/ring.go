package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// MaxPlain is the length of the longest value that is sealed, in bytes.
const MaxPlain = 1 << 20

const (
	version  = "v2"
	info     = "stratum-seal-v2" // keeps the keys apart from others of the same material
	overhead = 12 + 16           // nonce and tag, in bytes
)

// Ring seals and opens values. It is safe for concurrent use.
type Ring struct {
	current *key
	keys    map[string]*key // by id
	legacy  []cipher.AEAD   // in the order in which they are tried
}

type key struct {
	id     string
	prefix string // what the texts that it sealed begin with: v2:<id>:
	aead   cipher.AEAD
}

// NewRing checks the configuration and derives the keys. Its errors are
// [core.ErrValidation], name the field, and do not repeat what could be a secret.
func NewRing(cfg Config) (*Ring, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	r := &Ring{keys: make(map[string]*key, len(cfg.Keys))}
	for i, k := range cfg.Keys {
		aead, err := derive(k.Material, nil, info)
		if err != nil {
			return nil, invalid(fmt.Sprintf("Keys[%d].Material", i), "cannot be used: %w", err)
		}
		r.keys[k.ID] = &key{id: k.ID, prefix: version + ":" + k.ID + ":", aead: aead}
	}
	r.current = r.keys[cfg.Keys[0].ID]
	for i, l := range cfg.Legacy {
		aead, err := l.cipher()
		if err != nil {
			return nil, invalid(fmt.Sprintf("Legacy[%d].Material", i), "cannot be used: %w", err)
		}
		r.legacy = append(r.legacy, aead)
	}
	return r, nil
}

// derive makes the cipher of a material: HKDF-SHA256 (RFC 5869), then AES-256-GCM with
// a random nonce of 12 bytes in front of the ciphertext (NIST SP 800-38D, section 8.2.2).
// It fails in the FIPS 140 mode only, for a material that is too short there.
func derive(material core.Secret, salt []byte, info string) (cipher.AEAD, error) {
	secret, err := hkdf.Key(sha256.New, []byte(material.Reveal()), salt, info, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal encrypts a value of at most [MaxPlain] bytes for one place, with the current
// key. Two texts of the same value differ. It fails with [core.ErrValidation].
func (r *Ring) Seal(plain []byte, of Of) (string, error) {
	if err := of.validate(); err != nil {
		return "", err
	}
	if len(plain) > MaxPlain {
		return "", core.Errorf(core.Validation, "plain has %d bytes; at most %d are sealed", len(plain), MaxPlain).
			With("field", "plain")
	}
	k := r.current
	sealed := k.aead.Seal(nil, nil, plain, of.additional(k.prefix))
	text := make([]byte, 0, len(k.prefix)+base64.RawURLEncoding.EncodedLen(len(sealed)))
	return string(base64.RawURLEncoding.AppendEncode(append(text, k.prefix...), sealed)), nil
}

// Open returns the value of a text that was sealed for the same place, with any of the
// keys. The place of a text of the Node system is not checked: it names none.
//
// It fails with [core.ErrSealKeyUnknown] if the key is not configured,
// [core.ErrSealMalformed] if this is no sealed text of a known version,
// [core.ErrSealBroken] if it was changed or sealed for another place, and
// [core.ErrValidation] if of is incomplete.
func (r *Ring) Open(text string, of Of) ([]byte, error) {
	if err := of.validate(); err != nil {
		return nil, err
	}
	first, rest, _ := strings.Cut(text, ":")
	switch {
	case first == version:
		return r.open(rest, of)
	case first == nodeVersion:
		return r.openNode(rest)
	case len(first) == nodeNonce:
		return r.openNode(text)
	case isVersion(first):
		return nil, core.Errorf(core.SealMalformed, "the sealed value has the version %s, which is not known here", first)
	}
	return nil, core.ErrSealMalformed
}

// open reads <key id>:<base64url>.
func (r *Ring) open(rest string, of Of) ([]byte, error) {
	id, body, _ := strings.Cut(rest, ":")
	// The decoder passes over line breaks, and each value has one spelling only.
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || !isID(id) || len(sealed) < overhead || strings.ContainsAny(body, "\r\n") {
		return nil, core.ErrSealMalformed
	}
	k := r.keys[id]
	if k == nil {
		return nil, core.Errorf(core.SealKeyUnknown, "the value is sealed with the key %s, which is not configured", id)
	}
	plain, err := k.aead.Open(nil, nil, sealed, of.additional(k.prefix))
	if err != nil {
		return nil, core.ErrSealBroken
	}
	return plain, nil
}

// isVersion reports whether s is v and a small number. Nothing longer is repeated in an
// error: it may be a secret that was never sealed.
func isVersion(s string) bool {
	digits, ok := strings.CutPrefix(s, "v")
	return ok && digits != "" && len(digits) <= 3 && strings.Trim(digits, "0123456789") == ""
}

// Prefix is what all texts begin with that the current key sealed, and no others, for
// finding the rest in the database: WHERE NOT starts_with(value, $1).
func (r *Ring) Prefix() string { return r.current.prefix }

// NeedsRotation reports whether [Ring.Rotate] has something to do: the text is not of
// the current key and format. It does not say that the text opens.
func (r *Ring) NeedsRotation(text string) bool { return !strings.HasPrefix(text, r.current.prefix) }

// Rotate opens a text and seals the value again with the current key, if it needs that
// ([Ring.NeedsRotation]). Otherwise it returns the text unopened. A text of the Node
// system is bound to of from then on. It fails as Open and Seal do.
func (r *Ring) Rotate(text string, of Of) (rotated string, changed bool, err error) {
	if !r.NeedsRotation(text) {
		return text, false, nil
	}
	plain, err := r.Open(text, of)
	if err != nil {
		return "", false, err
	}
	rotated, err = r.Seal(plain, of)
	return rotated, err == nil, err
}

// String names the current key, and counts the others. It implements [fmt.Stringer].
func (r *Ring) String() string {
	return fmt.Sprintf("ring of %d keys and %d legacy ones, current %s", len(r.keys), len(r.legacy), r.current.id)
}

// GoString implements [fmt.GoStringer].
func (r *Ring) GoString() string { return r.String() }

// Format implements [fmt.Formatter]: the same text for every verb.
func (r *Ring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue implements [slog.LogValuer].
func (r *Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText implements [encoding.TextMarshaler]: the same text as String.
func (r *Ring) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
