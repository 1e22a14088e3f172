package stratumpgx

import (
	"net"
	"testing"
)

// TestPeek looks at a socket in each state, and while a read waits on it: pgx leaves one
// behind when it has read in the background during a slow write.
func TestPeek(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	raw := rawSocket(near)
	if s := peek(raw); s != socketQuiet {
		t.Error("a quiet socket is", s)
	}
	read := make(chan error)
	begun := make(chan struct{})
	go func() {
		close(begun)
		_, err := near.Read(make([]byte, 1))
		read <- err
	}()
	<-begun
	for range 1000 { // the read is waiting by then, or soon
		if s := peek(raw); s != socketQuiet {
			t.Fatal("a quiet socket with a read waiting is", s)
		}
	}
	if _, err := far.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	await := func(want socketState) {
		t.Helper()
		for peek(raw) != want { // the loopback delivers in its own time; the test's time-out bounds it
		}
	}
	if _, err := far.Write([]byte("y")); err != nil {
		t.Fatal(err)
	}
	await(socketData)
	if _, err := near.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	_ = far.Close()
	await(socketClosed)
	if s := peek(nil); s != socketQuiet {
		t.Error("no socket is", s)
	}
}
