package core

import (
	"crypto/rand"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// ID identifies a tenant. It is a UUID (RFC 9562); new ones are version 7, so
// that they sort by creation. The zero ID is no tenant.
type ID [16]byte

const hyphenated = 36 // length of the canonical text form

// ParseID reads any usual spelling of a UUID: hyphenated or not, upper or lower
// case, in braces, or with the prefix urn:uuid:. The error is [ErrTenantRefInvalid].
// The zero UUID parses; it is still no tenant (see [ID.IsZero]).
func ParseID(s string) (ID, error) {
	t := s
	if len(t) > 9 && strings.EqualFold(t[:9], "urn:uuid:") {
		t = t[9:]
	} else if len(t) > 2 && t[0] == '{' && t[len(t)-1] == '}' {
		t = t[1 : len(t)-1]
	}
	var id ID
	switch len(t) {
	case 32:
		if _, err := hex.Decode(id[:], []byte(t)); err == nil {
			return id, nil
		}
	case hyphenated:
		if id.decodeHyphenated(t) {
			return id, nil
		}
	}
	return ID{}, Errorf(TenantRefInvalid, "%q is not a UUID", clip(s))
}

func (id *ID) decodeHyphenated(s string) bool {
	if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	var digits [32]byte
	n := copy(digits[:], s[:8])
	n += copy(digits[n:], s[9:13])
	n += copy(digits[n:], s[14:18])
	n += copy(digits[n:], s[19:23])
	copy(digits[n:], s[24:])
	_, err := hex.Decode(id[:], digits[:])
	return err == nil
}

// MustParseID is [ParseID] for constants and tests; it panics on anything that is no UUID.
func MustParseID(s string) ID {
	id, err := ParseID(s)
	if err != nil {
		panic(err)
	}
	return id
}

// NewID makes a UUIDv7: 48 bits of Unix milliseconds, 12 bits of the fraction of
// the millisecond (RFC 9562, section 6.2, method 3), and 62 random bits.
func NewID() ID {
	var id ID
	_, _ = rand.Read(id[8:]) // never fails: crypto/rand ends the program instead
	now := time.Now()
	ms := now.UnixMilli()
	binary.BigEndian.PutUint64(id[:8], uint64(ms)<<16)
	fraction := uint16(now.Nanosecond() % 1e6 * 4096 / 1e6)
	binary.BigEndian.PutUint16(id[6:8], 0x7000|fraction)
	id[8] = id[8]&0x3f | 0x80
	return id
}

// IsZero reports whether id is the zero value, which is no tenant.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the canonical form: lower case, hyphenated, 36 bytes.
func (id ID) String() string {
	b, _ := id.AppendText(make([]byte, 0, hyphenated))
	return string(b)
}

// AppendText appends the canonical form to b. It implements [encoding.TextAppender] and never fails.
func (id ID) AppendText(b []byte) ([]byte, error) {
	b = hex.AppendEncode(b, id[0:4])
	b = append(b, '-')
	b = hex.AppendEncode(b, id[4:6])
	b = append(b, '-')
	b = hex.AppendEncode(b, id[6:8])
	b = append(b, '-')
	b = hex.AppendEncode(b, id[8:10])
	b = append(b, '-')
	return hex.AppendEncode(b, id[10:]), nil
}

// MarshalText returns the canonical form; JSON uses it too.
func (id ID) MarshalText() ([]byte, error) {
	return id.AppendText(make([]byte, 0, hyphenated))
}

// UnmarshalText reads any spelling that [ParseID] reads.
func (id *ID) UnmarshalText(b []byte) error {
	parsed, err := ParseID(string(b))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// Value implements [driver.Valuer]: the canonical text, or NULL for the zero ID,
// so that "no tenant" never becomes a row of tenant 00000000-….
func (id ID) Value() (driver.Value, error) {
	if id.IsZero() {
		return nil, nil
	}
	return id.String(), nil
}

// Scan implements [database/sql.Scanner] for text, for the 16 raw bytes, and for NULL (the zero ID).
func (id *ID) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*id = ID{}
		return nil
	case string:
		return id.UnmarshalText([]byte(v))
	case [16]byte:
		*id = v
		return nil
	case []byte:
		if len(v) == len(id) {
			copy(id[:], v)
			return nil
		}
		return id.UnmarshalText(v)
	}
	return fmt.Errorf("core.ID cannot be read from a %T", src)
}

// clip bounds what an error repeats of its input.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
