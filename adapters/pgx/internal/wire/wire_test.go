package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
)

// script is a socket that records what is written and answers with what it was given.
type script struct {
	net.Conn // nil: only what follows is used
	sent     bytes.Buffer
	answer   bytes.Buffer
	chunk    int // most bytes a Read returns; 0: all
	closed   bool
}

func (s *script) Write(b []byte) (int, error) { return s.sent.Write(b) }

func (s *script) Read(p []byte) (int, error) {
	if s.chunk > 0 && len(p) > s.chunk {
		p = p[:s.chunk]
	}
	return s.answer.Read(p)
}

func (s *script) Close() error { s.closed = true; return nil }

// frame builds one frame.
func frame(kind byte, body string) string {
	b, at := begin(nil, kind)
	return string(end(append(b, body...), at))
}

func tag(s string) string { return frame(beCommandComplete, s+"\x00") }

func ready(status string) string { return frame(beReady, status) }

func row(values ...string) string {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(values)))
	for _, v := range values {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
	}
	return frame(beDataRow, string(b))
}

const tenant = "0190a6b0-0000-7000-8000-000000000001"

var (
	query    = frame(feParse, "\x00select 1\x00\x00\x00") + frame(feBind, "\x00\x00\x00\x00\x00\x00\x00\x00") + frame(feExecute, "\x00\x00\x00\x00\x00")
	syncing  = frame(feSync, "")
	answers  = frame(beParseComplete, "") + frame(beBindComplete, "") + row("1") + tag("SELECT 1")
	scopeRow = frame(beBindComplete, "") + row(tenant) + tag("SELECT 1")
	prepared = frame(beCloseComplete, "") + frame(beParseComplete, "") + scopeRow
)

func armedConn(t *testing.T) (*Conn, *script) {
	t.Helper()
	s := &script{}
	c := Wrap(s)
	if err := c.Arm(Setting{Name: "app.current_tenant_id", Value: []byte(tenant)}); err != nil {
		t.Fatal(err)
	}
	return c, s
}

// exchange writes what and reads all of answer; it returns what the client saw.
func exchange(t *testing.T, c *Conn, s *script, what, answer string) (string, error) {
	t.Helper()
	if n, err := c.Write([]byte(what)); err != nil || n != len(what) {
		return "", err
	}
	s.answer.WriteString(answer)
	got, err := io.ReadAll(c)
	return string(got), err
}

func mustExchange(t *testing.T, c *Conn, s *script, what, answer, want string) {
	t.Helper()
	got, err := exchange(t, c, s, what, answer)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Fatalf("the client saw\n%q, not\n%q", got, want)
	}
}

func TestExtendedSegmentsAreScoped(t *testing.T) {
	c, s := armedConn(t)
	user := answers + ready("I")
	mustExchange(t, c, s, query+syncing, prepared+user, user)
	if sent := s.sent.String(); sent != string(c.scope.parse)+string(c.scope.exec)+query+syncing {
		t.Fatalf("sent %q", sent)
	}
	s.sent.Reset()
	mustExchange(t, c, s, query+syncing, scopeRow+user, user)
	if sent := s.sent.String(); sent != string(c.scope.exec)+query+syncing {
		t.Fatalf("the second time, sent %q", sent)
	}
	c.EachTime = true
	s.sent.Reset()
	mustExchange(t, c, s, query+syncing, prepared+user, user)
	if sent := s.sent.String(); !strings.HasPrefix(sent, string(c.scope.parse)) {
		t.Fatalf("through a pooler, sent %q", sent)
	}
}

func TestEveryChunking(t *testing.T) {
	notice := frame(beNotice, "SNOTICE\x00P7\x00\x00")
	async := frame(beParameter, "a\x00b\x00") + notice + frame(beNotification, "\x00\x00\x00\x00c\x00p\x00")
	big := row(strings.Repeat("x", 3*bufferSize))
	user := frame(beParseComplete, "") + async + frame(beBindComplete, "") + big + row("2") + tag("SELECT 2") + ready("I")
	answer := async + frame(beCloseComplete, "") + frame(beParseComplete, "") + async + scopeRow + user
	for chunk := 1; chunk < 400; chunk += 1 + chunk/16 {
		c, s := armedConn(t)
		s.chunk = chunk
		mustExchange(t, c, s, query+syncing, answer, async+async+user)
	}
}

func TestLongErrorIsReadWhole(t *testing.T) {
	c, s := armedConn(t)
	long := strings.Repeat("y", 10*bufferSize)
	shift := len("set local app.current_tenant_id='" + tenant + "'; ")
	got, err := exchange(t, c, s, frame(feQuery, "selec\x00"), frame(beError, "SERROR\x00M"+long+"\x00P74\x00\x00")+ready("I"))
	if err != nil || !strings.Contains(got, "P0"+string(rune('0'+74-shift))+"\x00") {
		t.Fatal(err, got[max(0, len(got)-20):], shift)
	}
}

func TestSimpleQueriesArePrefixed(t *testing.T) {
	c, s := armedConn(t)
	user := frame(beRowDescription, "…") + row("1") + tag("SELECT 1") + ready("I")
	mustExchange(t, c, s, frame(feQuery, "select 1\x00"), tag("SET")+user, user)
	want := frame(feQuery, "set local app.current_tenant_id='"+tenant+"'; select 1\x00")
	if s.sent.String() != want {
		t.Fatalf("sent %q, not %q", s.sent.String(), want)
	}
}

func TestNothingIsAddedInTransactions(t *testing.T) {
	for _, status := range []string{"T", "E"} {
		c, s := armedConn(t)
		mustExchange(t, c, s, frame(feQuery, "begin\x00"), tag("SET")+tag("BEGIN")+ready(status), tag("BEGIN")+ready(status))
		s.sent.Reset()
		mustExchange(t, c, s, query+syncing, answers+ready(status), answers+ready(status))
		if s.sent.String() != query+syncing {
			t.Fatalf("in %s, sent %q", status, s.sent.String())
		}
	}
}

func TestNothingIsAddedBeforeCloseAndSync(t *testing.T) {
	c, s := armedConn(t)
	closing := frame(feClose, "Sold\x00")
	done := frame(beCloseComplete, "")
	mustExchange(t, c, s, closing+closing+syncing, done+done+ready("I"), done+done+ready("I"))
	if s.sent.String() != closing+closing+syncing {
		t.Fatalf("sent %q", s.sent.String())
	}
	user := done + answers + ready("I")
	mustExchange(t, c, s, closing+query+syncing, done+prepared+answers+ready("I"), user)
}

func TestWrongAnswersCloseTheConnection(t *testing.T) {
	other := strings.Replace(tenant, "1", "2", 1)
	for name, answer := range map[string]string{
		"another tenant":    frame(beCloseComplete, "") + frame(beParseComplete, "") + frame(beBindComplete, "") + row(other) + tag("SELECT 1") + answers + ready("I"),
		"no row":            frame(beCloseComplete, "") + frame(beParseComplete, "") + frame(beBindComplete, "") + tag("SELECT 0") + answers + ready("I"),
		"no scope":          answers + ready("I"),
		"ready at once":     ready("I"),
		"impossible length": "D\x00\x00\x00\x01",
	} {
		c, s := armedConn(t)
		if got, err := exchange(t, c, s, query+syncing, answer); err == nil || strings.Contains(got, row("1")) || !s.closed {
			t.Errorf("%s: the client saw %q, %v, closed %v", name, got, err, s.closed)
		}
		if _, err := c.Write([]byte(query + syncing)); err == nil {
			t.Errorf("%s: the connection still works", name)
		}
	}
}

func TestErrorInFrontOfTheScope(t *testing.T) {
	c, s := armedConn(t)
	mustExchange(t, c, s, query+syncing, prepared+answers+ready("I"), answers+ready("I"))
	failure := frame(beError, "SERROR\x00C26000\x00\x00") + ready("I")
	mustExchange(t, c, s, query+syncing, failure, failure)
	s.sent.Reset()
	mustExchange(t, c, s, query+syncing, prepared+answers+ready("I"), answers+ready("I"))
	if !strings.HasPrefix(s.sent.String(), string(c.scope.parse)) {
		t.Fatal("after an error the statement was not prepared again")
	}
}

func TestEndedTransactions(t *testing.T) {
	bound := frame(beBindComplete, "")
	for _, test := range []struct {
		name, what, answer string
		begin, ended       bool
	}{
		{"commit, more", query + query + syncing, bound + tag("COMMIT") + bound + tag("SELECT 0") + ready("I"), false, true},
		{"commit, nothing", query + syncing, bound + tag("COMMIT") + ready("I"), false, false},
		{"commit, error", query + query + syncing, bound + tag("COMMIT") + frame(beError, "C42601\x00\x00") + ready("I"), false, false},
		{"commit in a transaction, more", query + query + syncing, bound + tag("COMMIT") + bound + tag("SELECT 0") + ready("I"), true, true},
		{"rollback in a transaction, more", query + query + syncing, bound + tag("ROLLBACK") + bound + tag("SELECT 0") + ready("I"), true, true},
		{"rollback to savepoint, more", query + query + syncing, bound + tag("ROLLBACK") + bound + tag("SELECT 0") + ready("T"), true, false},
		{"call, more", query + query + syncing, bound + tag("CALL") + bound + tag("SELECT 0") + ready("I"), false, true},
		{"call in a transaction, more", query + query + syncing, bound + tag("CALL") + bound + tag("SELECT 0") + ready("T"), true, false},
		{"simple commit, more", frame(feQuery, "commit; select 1\x00"), tag("COMMIT") + frame(beRowDescription, "") + tag("SELECT 0") + ready("I"), false, true},
	} {
		c, s := armedConn(t)
		scope := prepared
		if test.what[0] == feQuery {
			scope = tag("SET")
		}
		if test.begin {
			mustExchange(t, c, s, frame(feQuery, "begin\x00"), tag("SET")+tag("BEGIN")+ready("T"), tag("BEGIN")+ready("T"))
			scope = ""
		}
		got, err := exchange(t, c, s, test.what, scope+test.answer)
		if ended := errors.Is(err, core.ErrScopeEnded); ended != test.ended || !ended && err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if test.ended && strings.HasSuffix(got, ready("I")) {
			t.Errorf("%s: the end came through", test.name)
		}
	}
}

func TestChainedTransactionIsRefused(t *testing.T) {
	c, s := armedConn(t)
	mustExchange(t, c, s, frame(feQuery, "begin\x00"), tag("SET")+tag("BEGIN")+ready("T"), tag("BEGIN")+ready("T"))
	mustExchange(t, c, s, frame(feQuery, "commit and chain\x00"), tag("COMMIT")+ready("T"), tag("COMMIT")+ready("T"))
	if _, err := c.Write([]byte(query + syncing)); !errors.Is(err, core.ErrScopeEnded) || !s.closed {
		t.Fatal(err, s.closed)
	}
}

func TestScopeIsRenewedAfterRollbackInATransaction(t *testing.T) {
	c, s := armedConn(t)
	mustExchange(t, c, s, frame(feQuery, "begin\x00"), tag("SET")+tag("BEGIN")+ready("T"), tag("BEGIN")+ready("T"))
	mustExchange(t, c, s, frame(feQuery, "rollback and chain\x00"), tag("ROLLBACK")+ready("T"), tag("ROLLBACK")+ready("T"))
	s.sent.Reset()
	mustExchange(t, c, s, query+syncing, prepared+answers+ready("T"), answers+ready("T"))
	if !strings.Contains(s.sent.String(), tenant) {
		t.Fatal("the scope was not renewed")
	}
	s.sent.Reset()
	mustExchange(t, c, s, query+syncing, answers+ready("T"), answers+ready("T"))
	if strings.Contains(s.sent.String(), tenant) {
		t.Fatal("the scope was renewed twice")
	}
}

func TestStates(t *testing.T) {
	c, s := armedConn(t)
	if err := c.Release(); err != nil {
		t.Fatal(err)
	}
	mustExchange(t, c, s, frame(feQuery, ping), frame('I', "")+ready("I"), frame('I', "")+ready("I"))
	if strings.Contains(s.sent.String(), "set local") {
		t.Fatal("the pool's ping was scoped")
	}
	if _, err := c.Write([]byte(frame(feQuery, "select 1\x00"))); !errors.Is(err, errStray) || !s.closed {
		t.Fatal("a query passed on a released connection:", err)
	}

	c, s = armedConn(t)
	if err := c.Raw(); err != nil {
		t.Fatal(err)
	}
	mustExchange(t, c, s, query+syncing, answers+ready("I"), answers+ready("I"))
	if strings.Contains(s.sent.String(), tenant) {
		t.Fatal("a raw connection was scoped")
	}
	if _, err := c.Write([]byte(query)); err != nil {
		t.Fatal(err)
	}
	if err := c.Release(); err == nil {
		t.Fatal("a busy connection was released")
	}
}

func TestRefusedFrames(t *testing.T) {
	for name, what := range map[string]string{
		"function call":     frame(feFunctionCall, "\x00"),
		"unknown kind":      frame('?', ""),
		"query inside":      query + frame(feQuery, "select 1\x00"),
		"split header":      query + "S\x00",
		"split query":       frame(feQuery, "select 1\x00")[:9],
		"impossible length": "S\x00\x00\x00\x03",
	} {
		c, s := armedConn(t)
		if _, err := c.Write([]byte(what)); err == nil || !s.closed {
			t.Errorf("%s passed: %v", name, err)
		}
	}
}

func TestValuesThatCouldBreakOut(t *testing.T) {
	c := Wrap(&script{})
	for _, v := range []string{"x'; drop table t; --", `a\`, "a\x00b", "é", "a\nb"} {
		if err := c.Arm(Setting{Name: "app.current_tenant_id", Value: []byte(v)}); err == nil {
			t.Errorf("%q was accepted", v)
		}
	}
}

func TestSeveralSettings(t *testing.T) {
	s := &script{}
	c := Wrap(s)
	if err := c.Arm(Setting{Name: "app.current_tenant_id", Value: []byte(tenant)}, Setting{Name: "search_path", Value: []byte(`"t_1"`), List: true}); err != nil {
		t.Fatal(err)
	}
	scope := frame(beCloseComplete, "") + frame(beParseComplete, "") + frame(beBindComplete, "") + row(tenant, `"t_1"`) + tag("SELECT 1")
	mustExchange(t, c, s, query+syncing, scope+answers+ready("I"), answers+ready("I"))
	user := tag("SELECT 0") + ready("I")
	mustExchange(t, c, s, frame(feQuery, "select\x00"), tag("SET")+tag("SET")+user, user)
}

func TestMarks(t *testing.T) {
	desc, none := frame(beRowDescription, ""), frame(beNoData, "")
	for _, test := range []struct {
		answer string
		want   Marks
	}{
		{tag("SELECT 0"), 0},
		{desc + tag("SELECT 0"), 0},
		{row("1") + tag("SELECT 1"), 0},
		{none + tag("SELECT 5"), Dirty},
		{none + tag("SELECT 0"), Dirty},
		{tag("SELECT 5"), Dirty},
		{none + tag("SET"), Dirty},
		{none + tag("CREATE TABLE"), Dirty},
		{none + tag("CREATE TABLE AS"), Dirty},
		{none + tag("DO"), Dirty},
		{none + tag("CALL"), Dirty},
		{none + tag("LISTEN"), Dirty},
		{none + tag("DECLARE CURSOR"), Dirty},
		{none + tag("PREPARE"), Dirty | Poisoned},
		{none + tag("DEALLOCATE ALL"), Dirty | Poisoned},
		{none + tag("DISCARD ALL"), Dirty | Poisoned},
		{none + tag("INSERT 0 1"), 0},
		{none + tag("UPDATE 3"), 0},
		{none + tag("NOTIFY"), 0},
	} {
		c, s := armedConn(t)
		user := frame(beBindComplete, "") + test.answer + ready("I")
		mustExchange(t, c, s, query+syncing, prepared+user, user)
		if c.Marks() != test.want {
			t.Errorf("%q: marks %b, not %b", test.answer, c.Marks(), test.want)
		}
	}
}
