package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Setting is one transaction-local setting of a scope. The value is written into
// simple queries as a literal, or as it is if it is a list of identifiers: SET would
// take a literal for a single one. It must consist of letters, digits and -_.," and
// spaces, and be spelled as the server shows it.
type Setting struct {
	Name  string
	Value []byte
	List  bool
}

// statement is the name of our prepared statement.
const statement = "stratum_scope"

// scope is a list of settings, rendered once into every form in which it is sent
// and expected. Its buffers are reused.
type scope struct {
	names []string
	parse []byte // Close and Parse of the statement; Close, so that whatever has the name is gone
	exec  []byte // Bind and Execute
	text  []byte // SET LOCAL …; for simple queries
	row   []byte // body of the DataRow that the statement must answer with
}

func (s *scope) len() int { return len(s.names) }

// render fills s. same reports whether the statement stayed the same, and with it
// what the server may have prepared.
func (s *scope) render(settings []Setting) (same bool, err error) {
	same = len(settings) == len(s.names)
	for i := range settings {
		same = same && settings[i].Name == s.names[i]
		for _, c := range settings[i].Value {
			if !plain(c) {
				return false, fmt.Errorf("wire: the value of %s has a character that a scope cannot carry", settings[i].Name)
			}
		}
	}
	if !same {
		s.names = s.names[:0]
		for i := range settings {
			s.names = append(s.names, settings[i].Name)
		}
		s.renderParse()
	}
	s.renderExec(settings)
	s.renderText(settings)
	return same, nil
}

func plain(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return bytes.IndexByte([]byte("-_.,\" "), c) >= 0
}

func (s *scope) renderParse() {
	b, at := begin(s.parse[:0], feClose)
	b = append(b, 'S')
	b = append(b, statement...)
	b = end(append(b, 0), at)

	b, at = begin(b, feParse)
	b = append(b, statement...)
	b = append(b, 0)
	for i, name := range s.names {
		if i == 0 {
			b = append(b, "select "...)
		} else {
			b = append(b, ", "...)
		}
		// Qualified, since SQL of the application may have left a search_path behind.
		b = fmt.Appendf(b, "pg_catalog.set_config('%s', $%d, true)", name, i+1)
	}
	b = append(b, 0, 0, 0) // end of text, no parameter types
	s.parse = end(b, at)
}

func (s *scope) renderExec(settings []Setting) {
	b, at := begin(s.exec[:0], feBind)
	b = append(b, 0) // unnamed portal
	b = append(b, statement...)
	b = append(b, 0, 0, 0) // all parameters as text
	b = binary.BigEndian.AppendUint16(b, uint16(len(settings)))
	row := binary.BigEndian.AppendUint16(s.row[:0], uint16(len(settings)))
	for i := range settings {
		n := uint32(len(settings[i].Value))
		b = append(binary.BigEndian.AppendUint32(b, n), settings[i].Value...)
		row = append(binary.BigEndian.AppendUint32(row, n), settings[i].Value...)
	}
	b = end(append(b, 0, 0), at) // all results as text
	b, at = begin(b, feExecute)
	s.exec = end(append(b, 0, 0, 0, 0, 0), at) // unnamed portal, no row limit
	s.row = row
}

func (s *scope) renderText(settings []Setting) {
	b := s.text[:0]
	for i := range settings {
		b = append(b, "set local "...)
		b = append(b, settings[i].Name...)
		b = append(b, '=')
		if settings[i].List {
			b = append(b, settings[i].Value...)
		} else {
			b = append(b, '\'')
			b = append(b, settings[i].Value...)
			b = append(b, '\'')
		}
		b = append(b, ';')
	}
	s.text = append(b, ' ')
}
