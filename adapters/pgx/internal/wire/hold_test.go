package wire

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// server reads frames from a pipe.
type server struct {
	t *testing.T
	r *bufio.Reader
	c net.Conn
}

func (s server) segment() string {
	s.t.Helper()
	var b strings.Builder
	for {
		head := make([]byte, headerLen)
		if _, err := io.ReadFull(s.r, head); err != nil {
			s.t.Error(err)
			return ""
		}
		kind, n, _ := header(head)
		body := make([]byte, n)
		if _, err := io.ReadFull(s.r, body); err != nil {
			s.t.Error(err)
			return ""
		}
		b.Write(head)
		b.Write(body)
		if kind == feSync || kind == feQuery {
			return b.String()
		}
	}
}

// TestPipelinedSegmentsWait sends three segments at once, as a pipeline does: the
// first commits the transaction it stands in. The scope of the others depends on that.
func TestPipelinedSegmentsWait(t *testing.T) {
	client, far := net.Pipe()
	defer far.Close()
	c := Wrap(client)
	defer c.Close()
	if err := c.Arm(Setting{Name: "app.current_tenant_id", Value: []byte(tenant)}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	s := server{t, bufio.NewReader(far), far}
	go func() {
		defer close(done)
		s.segment()
		io.WriteString(far, tag("SET")+tag("BEGIN")+ready("T"))
		if got := s.segment(); got != query+syncing {
			t.Errorf("in the transaction, got %q", got)
		}
		if n := s.r.Buffered(); n > 0 {
			t.Errorf("%d bytes came before the answer to what stands in front of them", n)
		}
		io.WriteString(far, frame(beBindComplete, "")+tag("COMMIT")+ready("I"))
		for _, scope := range []string{prepared, scopeRow} {
			if got := s.segment(); !strings.Contains(got, tenant) {
				t.Errorf("after the commit, got %q", got)
			}
			io.WriteString(far, scope+answers+ready("I"))
		}
	}()
	read := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
			t.Fatalf("read %q, not %q: %v", got, want, err)
		}
	}
	write := func(what string) {
		t.Helper()
		if _, err := c.Write([]byte(what)); err != nil {
			t.Fatal(err)
		}
	}
	write(frame(feQuery, "begin\x00"))
	read(tag("BEGIN") + ready("T"))
	write(query + syncing + query + syncing)
	write(query)
	write(syncing)
	read(frame(beBindComplete, "") + tag("COMMIT") + ready("I"))
	read(answers + ready("I"))
	read(answers + ready("I"))
	<-done
}

// announced says when a Read begins.
type announced struct {
	net.Conn
	reading chan<- struct{}
}

func (a announced) Read(p []byte) (int, error) {
	a.reading <- struct{}{}
	return a.Conn.Read(p)
}

// TestReadThatOutlastsTheStartUp: pgx reads in the background while a write is slow, so
// a Read may begin in one state and return in another.
func TestReadThatOutlastsTheStartUp(t *testing.T) {
	client, far := net.Pipe()
	defer far.Close()
	reading := make(chan struct{}, 100)
	c := Wrap(announced{client, reading})
	defer c.Close()
	got := make(chan string)
	go func() {
		b := make([]byte, len(answers)+len(ready("I")))
		_, _ = io.ReadFull(c, b)
		got <- string(b)
	}()
	<-reading
	if err := c.Arm(Setting{Name: "app.current_tenant_id", Value: []byte(tenant)}); err != nil {
		t.Fatal(err)
	}
	go func() {
		s := server{t, bufio.NewReader(far), far}
		s.segment()
		_, _ = io.WriteString(far, prepared+answers+ready("I"))
	}()
	if _, err := c.Write([]byte(query + syncing)); err != nil {
		t.Fatal(err)
	}
	if seen := <-got; seen != answers+ready("I") {
		t.Fatalf("the client saw %q", seen)
	}
}

// pgx gives a connection up while its background reader waits for the server, and drains
// it from another goroutine. Between them they read everything once.
func TestSeveralRead(t *testing.T) {
	client, far := net.Pipe()
	c := Wrap(client)
	defer c.Close()
	if err := c.Raw(); err != nil {
		t.Fatal(err)
	}
	const frames = 2000
	go func() {
		defer far.Close()
		io.ReadFull(far, make([]byte, len(query+syncing)))
		for range frames {
			io.WriteString(far, row("x"))
		}
	}()
	if _, err := c.Write([]byte(query + syncing)); err != nil {
		t.Fatal(err)
	}
	var got [3]int64
	var readers sync.WaitGroup
	for i := range got {
		readers.Go(func() {
			n, err := io.Copy(io.Discard, c)
			if err != nil {
				t.Error(err)
			}
			got[i] = n
		})
	}
	readers.Wait()
	if sum := got[0] + got[1] + got[2]; sum != int64(frames*len(row("x"))) {
		t.Errorf("%d bytes of %d", sum, frames*len(row("x")))
	}
}

// TestEndOfCopyWaits: behind a pooler the end of a COPY follows the answer that it has
// begun, or that it has failed; what stands behind it still waits for ReadyForQuery.
func TestEndOfCopyWaits(t *testing.T) {
	copying, data := frame(feQuery, "copy t from stdin\x00"), frame(feCopyData, "1\n")
	for _, end := range []string{frame(feCopyDone, ""), frame(feCopyFail, "no\x00")} {
		for _, answer := range []string{frame(beCopyIn, "\x00\x00\x00"), frame(beError, "SERROR\x00\x00")} {
			client, far := net.Pipe()
			c := Wrap(client)
			c.EachTime = true
			if err := c.Raw(); err != nil {
				t.Fatal(err)
			}
			read := func(from io.Reader, want string) {
				t.Helper()
				got := make([]byte, len(want))
				if _, err := io.ReadFull(from, got); err != nil || string(got) != want {
					t.Errorf("read %q, not %q: %v", got, want, err)
				}
			}
			written := make(chan struct{})
			go func() {
				defer close(written)
				for _, what := range []string{copying, data, end, copying} {
					if _, err := io.WriteString(c, what); err != nil {
						t.Error(err)
					}
				}
			}()
			read(far, copying+data)
			<-written // nobody reads at the other end of the pipe: the rest is held
			for _, step := range []struct{ answer, then string }{{answer, end}, {tag("COPY 1") + ready("I"), copying}} {
				go io.WriteString(far, step.answer)
				read(c, step.answer)
				read(far, step.then)
			}
			_ = c.Close()
			_ = far.Close()
		}
	}
}
