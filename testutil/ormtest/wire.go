package ormtest

import (
	"net"
	"sync/atomic"
)

// Wire counts what is sent on the connections of a pool. With pgx:
//
//	pc.ConnConfig.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, c net.Conn) (net.Conn, error) {
//		return wire.Wrap(c), nil
//	}
type Wire struct {
	bytes, trips atomic.Int64
}

// Wrap returns a connection whose traffic is counted.
func (w *Wire) Wrap(c net.Conn) net.Conn { return &counted{Conn: c, wire: w} }

// Sent is the number of bytes that have been sent.
func (w *Wire) Sent() int64 { return w.bytes.Load() }

// RoundTrips is how often something was sent after something had been received.
func (w *Wire) RoundTrips() int64 { return w.trips.Load() }

type counted struct {
	net.Conn
	wire *Wire
	read atomic.Bool
}

func (c *counted) Write(b []byte) (int, error) {
	if c.read.Swap(false) {
		c.wire.trips.Add(1)
	}
	n, err := c.Conn.Write(b)
	c.wire.bytes.Add(int64(n))
	return n, err
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read.Store(true)
	return n, err
}
