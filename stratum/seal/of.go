package seal

import (
	"encoding/binary"

	"github.com/stratum-hq/stratum-go/core"
)

// Of names the place that a value belongs to. It is not part of the sealed text, and
// the text opens only with the same one, so all of it must stay what it is as long as
// the value is there: take the primary key, not a name that may change.
type Of struct {
	Tenant core.ID // whose row it is; zero for a row of no tenant
	Table  string  // as in config_entries; not empty
	Row    string  // its primary key, in one spelling; not empty
	Field  string  // the column, or the path inside of it; not empty
}

// validate refuses a place that would fit several values.
func (o Of) validate() error {
	for _, part := range [...]struct{ name, value string }{{"Table", o.Table}, {"Row", o.Row}, {"Field", o.Field}} {
		if part.value == "" {
			return core.Errorf(core.Validation, "Of.%s is empty: a sealed value belongs to one place", part.name).
				With("field", part.name)
		}
	}
	return nil
}

// additional renders the additional data of a text that begins with prefix.
func (o Of) additional(prefix string) []byte {
	var tenant string
	if !o.Tenant.IsZero() {
		tenant = o.Tenant.String()
	}
	return encode(prefix, tenant, o.Table, o.Row, o.Field)
}

// encode is the Pre-Authentication Encoding of PASETO: the number of the pieces, then
// each with its length in front. No two lists have the same one.
func encode(pieces ...string) []byte {
	size := 8
	for _, p := range pieces {
		size += 8 + len(p)
	}
	out := binary.LittleEndian.AppendUint64(make([]byte, 0, size), uint64(len(pieces)))
	for _, p := range pieces {
		out = binary.LittleEndian.AppendUint64(out, uint64(len(p)))
		out = append(out, p...)
	}
	return out
}
