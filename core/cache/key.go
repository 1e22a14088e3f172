package cache

import (
	"crypto/sha256"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// key is a [core.Ref] as the cache keeps it: comparable, bounded, and without secrets.
type key struct {
	kind core.RefKind
	sum  [sha256.Size]byte // of an API key or an overlong text; the id of a reference by id
	text string            // slug or domain
}

// maxText is the longest text that is kept as it is: that of a host name.
const maxText = 253

func keyOf(ref core.Ref) key {
	k := key{kind: ref.Kind()}
	switch {
	case k.kind == core.RefID:
		id := ref.ID()
		copy(k.sum[:], id[:])
	case k.kind == core.RefKey || len(ref.Text()) > maxText:
		k.sum = digest(ref.Text())
	default:
		k.text = ref.Text()
	}
	return k
}

// digest is the SHA-256 of s. A text of usual length is hashed where it costs no
// allocation.
func digest(s string) [sha256.Size]byte {
	var buf [256]byte
	if len(s) <= len(buf) {
		return sha256.Sum256(buf[:copy(buf[:], s)])
	}
	return sha256.Sum256([]byte(s))
}

// keep makes a key and its reference safe beyond the call: their text may lie in a
// buffer that a web framework uses again for the next request.
func keep(k key, ref core.Ref) (key, core.Ref) {
	text := strings.Clone(ref.Text())
	if k.text != "" {
		k.text = text
	}
	switch k.kind {
	case core.RefSlug:
		ref = core.BySlug(text)
	case core.RefDomain:
		ref = core.ByDomain(text)
	case core.RefKey:
		ref = core.ByKey(text)
	}
	return k, ref
}
