package wire

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// FuzzRead feeds arbitrary answers, cut at arbitrary places, to an armed connection with
// a scoped segment under way. Whatever comes: no panic, nothing that the server did
// not send, and no row before the scope's own answer was seen to be right.
func FuzzRead(f *testing.F) {
	f.Add([]byte(prepared+answers+ready("I")), uint8(7))
	f.Add([]byte(scopeRow+answers+ready("T")), uint8(1))
	f.Add([]byte(frame(beError, "SERROR\x00P7\x00\x00")+ready("I")), uint8(0))
	f.Add([]byte(prepared+tag("COMMIT")+answers+ready("I")), uint8(3))
	f.Add([]byte(answers+prepared+ready("I")), uint8(9))
	f.Fuzz(func(t *testing.T, answer []byte, chunk uint8) {
		s := &script{chunk: int(chunk)}
		c := Wrap(s)
		if err := c.Arm(Setting{Name: "app.current_tenant_id", Value: []byte(tenant)}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(query + syncing)); err != nil {
			t.Fatal(err)
		}
		s.answer.Write(answer)
		got, err := io.ReadAll(c)
		if len(got) > len(answer) {
			t.Fatalf("%d bytes came out of %d", len(got), len(answer))
		}
		right := bytes.Contains(answer, []byte(row(tenant)))
		if rows := leadingRows(got); rows && !right {
			t.Fatalf("a row passed without the scope's answer: %q, %v", got, err)
		}
	})
}

// leadingRows says whether a row comes before any error.
func leadingRows(b []byte) bool {
	for len(b) >= headerLen {
		kind, n, ok := header(b)
		if !ok || kind == beError {
			return false
		}
		if kind == beDataRow {
			return true
		}
		b = b[min(len(b), headerLen+n):]
	}
	return false
}

// FuzzWrite sends arbitrary bytes in arbitrary pieces. No panic; and what reaches the
// socket of an armed, idle connection never executes anything without the scope.
func FuzzWrite(f *testing.F) {
	f.Add([]byte(query+syncing), []byte(syncing))
	f.Add([]byte(frame(feQuery, "select 1\x00")), []byte(query))
	f.Add([]byte(frame(feClose, "Sx\x00")+query+syncing), []byte{})
	f.Add([]byte(frame(feCopyData, "x")+frame(feTerminate, "")), []byte(query))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		s := &script{}
		c := Wrap(s)
		if err := c.Arm(Setting{Name: "app.current_tenant_id", Value: []byte(tenant)}); err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{first, second} {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
		sent := s.sent.String()
		for rest := sent; len(rest) >= headerLen; {
			kind, n, ok := header([]byte(rest))
			if !ok {
				return
			}
			switch kind {
			case feExecute, feBind, feQuery:
				before := sent[:len(sent)-len(rest)] + rest[:min(len(rest), headerLen+n)]
				if !strings.Contains(before, tenant) {
					t.Fatalf("%q was sent without the scope: %q", kind, sent)
				}
			}
			rest = rest[min(len(rest), headerLen+n):]
		}
	})
}
