package stratumpgx

import (
	"context"
	"crypto/tls"
	"net"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// idleLimit is how long a connection may rest before it is looked at again.
const idleLimit = time.Second

// alive looks whether the server has hung up on a connection that has rested for a
// while. It costs a system call, no round trip, and sends nothing, so that taking
// another connection instead is always safe. Only if something has arrived on a
// connection that nobody uses, a ping finds out what that means.
func (l *link) alive(ctx context.Context, conn *pgx.Conn) bool {
	if conn.IsClosed() {
		return false
	}
	if l.Idle() < idleLimit {
		return true
	}
	switch peek(rawSocket(l.Conn.Conn)) {
	case socketQuiet:
		return true
	case socketClosed:
		return false
	}
	return conn.Ping(ctx) == nil
}

type socketState uint8

const (
	socketQuiet  socketState = iota // nothing to read, or no way to tell
	socketClosed                    // the peer has closed it, or it is broken
	socketData                      // bytes have arrived
)

// rawSocket finds the socket below TLS, or nil.
func rawSocket(c net.Conn) syscall.RawConn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
