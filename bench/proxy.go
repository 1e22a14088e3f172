package main

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// proxy passes bytes on after a delay, each way, and counts turns: how often a
// client speaks after the server has. That is what a round trip is.
type proxy struct {
	listener net.Listener
	upstream string
	delay    time.Duration
	turns    atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]bool // nil once closed
	wg    sync.WaitGroup
}

func newProxy(upstream string, delay time.Duration) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, upstream: upstream, delay: delay, conns: make(map[net.Conn]bool)}
	p.wg.Go(p.accept)
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.upstream)
		if err != nil {
			_ = client.Close()
			continue
		}
		if !p.keep(client, server) {
			return
		}
		last := new(atomic.Int32) // who spoke last
		p.wg.Go(func() { p.relay(server, client, func() { p.turn(last, 1) }) })
		p.wg.Go(func() { p.relay(client, server, func() { last.Store(2) }) })
	}
}

func (p *proxy) turn(last *atomic.Int32, who int32) {
	if last.Swap(who) != who {
		p.turns.Add(1)
	}
}

// keep remembers connections for close. It reports false, and closes them, once the proxy is closed.
func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.conns == nil {
			_ = c.Close()
			continue
		}
		p.conns[c] = true
	}
	return p.conns != nil
}

// chunk is what was read, and when it may go on.
type chunk struct {
	bytes []byte
	due   time.Time
}

// relay copies from src to dst. Reading goes on while earlier bytes wait, so that the
// delay is latency and no limit on throughput.
func (p *proxy) relay(dst, src net.Conn, spoke func()) {
	defer dst.Close()
	defer src.Close()
	waiting := make(chan chunk, 1024)
	var writer sync.WaitGroup
	writer.Go(func() {
		for c := range waiting {
			sleep(time.Until(c.due))
			if _, err := dst.Write(c.bytes); err != nil {
				_ = src.Close()
			}
		}
	})
	for {
		b := make([]byte, 16<<10)
		n, err := src.Read(b)
		if n > 0 {
			spoke()
			waiting <- chunk{b[:n], time.Now().Add(p.delay)}
		}
		if err != nil {
			break
		}
	}
	close(waiting)
	writer.Wait()
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	for c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
	p.mu.Unlock()
	p.wg.Wait()
}
