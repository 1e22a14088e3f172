package core

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text or key that does not print itself: package fmt, logs, JSON and the like
// show [redacted]. It is behind a pointer, because fmt reads fields that are not exported,
// and some verbs any field, without asking their methods. Two of the same text are not
// equal to ==; see [Secret.Equal]. The zero value is empty.
//
// Every byte counts: a line break at the end is part of it.
type Secret struct{ text *string }

const redacted = "[redacted]"

// NewSecret returns a Secret of a copy of text.
func NewSecret[T ~string | ~[]byte](text T) Secret {
	s := string(text)
	return Secret{text: &s}
}

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Len is its length in bytes.
func (s Secret) Len() int { return len(s.Reveal()) }

// Equal compares in constant time, but for the lengths.
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(o.Reveal())) == 1
}

// String implements [fmt.Stringer].
func (Secret) String() string { return redacted }

// GoString implements [fmt.GoStringer].
func (Secret) GoString() string { return redacted }

// Format implements [fmt.Formatter]: the same text for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements [slog.LogValuer].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler], which JSON, XML and YAML follow.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText implements [encoding.TextUnmarshaler], for reading a configuration. It
// refuses what MarshalText writes, which is not the secret any more.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == redacted {
		return fmt.Errorf("a secret was written as %s, and is lost", redacted)
	}
	*s = NewSecret(text)
	return nil
}
