package wire

import (
	"bytes"
	"io"

	"github.com/stratum-hq/stratum-go/core"
)

const (
	bufferSize = 16 << 10 // of the reading side
	bufferKeep = 64 << 10 // a larger buffer, grown for one frame, is given up afterwards
)

// reader is the incoming half. buf[r:w] has come from the socket and not gone out;
// buf[r:pass] of it has been looked at and may go out.
type reader struct {
	buf        []byte
	r, pass, w int
	body       int // bytes of the present frame that pass unseen and are not in buf yet
}

// Read returns what the server sent, without the answers to the scope. As with any
// [net.Conn] several goroutines may call it: pgx drains a connection that it gives up
// while its reader in the background may still be at work.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.reading.Lock()
	defer c.reading.Unlock()
	for {
		if c.r.pass > c.r.r {
			n := copy(p, c.r.buf[c.r.r:c.r.pass])
			c.r.r += n
			return n, nil
		}
		if c.r.body > 0 && c.r.r == c.r.w {
			n, err := c.Conn.Read(p[:min(len(p), c.r.body)])
			c.r.body -= n
			return n, err
		}
		ready, err := c.digest()
		if err != nil {
			return 0, err
		}
		if ready {
			c.advance()
		}
		if c.r.pass > c.r.r || c.r.body > 0 && c.r.r == c.r.w {
			continue
		}
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
}

// fill reads once from the socket, making room first.
func (c *Conn) fill() error {
	r := &c.r
	if r.buf == nil {
		r.buf = make([]byte, bufferSize)
	}
	if r.r > 0 {
		r.w = copy(r.buf, r.buf[r.r:r.w])
		r.r, r.pass = 0, 0
	}
	if r.w == 0 && len(r.buf) > bufferKeep {
		r.buf = make([]byte, bufferSize)
	}
	if r.w == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	n, err := c.Conn.Read(r.buf[r.w:])
	r.w += n
	if n > 0 {
		return nil // an error comes again with the next Read
	}
	if err == nil {
		return io.ErrNoProgress
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err // why the connection was closed on this side
	}
	return err
}

// digest looks at the frames in the buffer until one must go out before the next
// may be removed, or the buffer has no complete frame. ready says that one was among
// them for which something may be held back.
func (c *Conn) digest() (ready bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false, c.err
	}
	r := &c.r
	if c.load() == startup {
		// Decided after the bytes have come, not before they are awaited: pgx reads in
		// the background when a write is slow, and such a read can outlast the start-up.
		r.pass = r.w
		return false, nil
	}
	for i := r.r; ; {
		have := r.buf[i:r.w]
		if len(have) < headerLen {
			return ready, nil
		}
		kind, body, ok := header(have)
		if !ok {
			return false, c.lose(unexpected(kind))
		}
		if !c.whole(kind) {
			if err := c.answer(kind, nil); err != nil {
				return false, c.lose(err)
			}
			ready = ready || kind == beCopyIn
			n := min(headerLen+body, len(have))
			i += n
			r.pass, r.body = i, headerLen+body-n
			if r.body > 0 {
				return ready, nil
			}
			continue
		}
		if len(have) < headerLen+body {
			return ready, nil
		}
		frame := have[:headerLen+body]
		drop, err := c.expected(kind, frame[headerLen:])
		if err == nil && !drop {
			err = c.answer(kind, frame[headerLen:])
		}
		if err != nil {
			return false, c.lose(err)
		}
		ready = ready || kind == beReady || kind == beError || kind == beCopyIn
		if !drop {
			i += len(frame)
			r.pass = i
			continue
		}
		if r.pass > r.r { // what stands in front of it goes out first: moving it would cost more
			copy(r.buf[i:], r.buf[i+len(frame):r.w])
			r.w -= len(frame)
			continue
		}
		i += len(frame)
		r.r, r.pass = i, i
	}
}

// lose closes the connection for a reason. The caller holds mu.
func (c *Conn) lose(err error) error {
	err = c.fail(err)
	_ = c.Conn.Close()
	return err
}

// whole says which frames must be complete in the buffer before they are judged:
// all while the scope's answer is awaited, afterwards those that are read.
func (c *Conn) whole(kind byte) bool {
	switch kind {
	case beCommandComplete, beReady, beError, beNotice:
		return true
	}
	return c.awaited()
}

// awaited says whether answers to the scope are still to come.
func (c *Conn) awaited() bool { return c.seg.at < len(c.seg.expect) }

// expected decides about one frame while answers to the scope are awaited: whether
// it is one of them, and to be removed.
func (c *Conn) expected(kind byte, body []byte) (drop bool, err error) {
	if !c.awaited() {
		return false, nil
	}
	switch kind {
	case beNotice, beParameter, beNotification:
		return false, nil
	case beError:
		// The scope was refused, or something in front of it. Nothing of it follows.
		c.seg.expect = ""
		c.prepared = false
		return false, nil
	case beCloseComplete:
		if c.seg.lead > 0 {
			c.seg.lead--
			return false, nil
		}
	}
	if kind != c.seg.expect[c.seg.at] {
		return false, unexpected(kind)
	}
	switch kind {
	case beParseComplete:
		c.prepared = true
	case beDataRow:
		if !bytes.Equal(body, c.scope.row) {
			return false, unexpected(kind)
		}
	case beCommandComplete:
		if c.seg.simple && string(body) != "SET\x00" {
			return false, unexpected(kind)
		}
	}
	c.seg.at++
	return true, nil
}

// answer follows a frame that passes. body is nil where it is not looked at.
func (c *Conn) answer(kind byte, body []byte) error {
	switch kind {
	case beError, beNotice:
		c.seg.copying = c.seg.copying || kind == beError
		if c.seg.prefixed > 0 {
			shiftPosition(body, c.seg.prefixed)
		}
		return nil
	case beParameter, beNotification, beCloseComplete:
		return nil
	case beReady:
		return c.ready(body)
	}
	if err := c.pastEnd(); err != nil {
		return err
	}
	switch kind {
	case beRowDescription:
		c.seg.described = true
	case beCopyIn:
		c.seg.copying = true
	case beNoData:
		c.seg.noData = true
	case beDataRow:
		c.seg.rows++
	case beCommandComplete:
		c.complete(bytes.TrimSuffix(body, []byte{0}))
		c.seg.answered = answered{}
	}
	return nil
}

// pastEnd judges work that is answered after the transaction of its segment ended.
func (c *Conn) pastEnd() error {
	if c.load() != armed {
		return nil
	}
	switch c.seg.ended {
	case byCommit:
		return scopeEnded(byCommit)
	case byCall:
		if c.seg.implied && !c.seg.simple {
			return scopeEnded(byCall)
		}
	case byRollback:
		c.seg.past = true
	}
	return nil
}

// ready takes the transaction status at the end of a segment.
func (c *Conn) ready(body []byte) error {
	if len(body) != 1 {
		return unexpected(beReady)
	}
	if c.awaited() {
		return unexpected(beReady)
	}
	seg := c.seg
	c.seg = flight{}
	c.tx = body[0]
	if c.load() == armed {
		if seg.past && c.tx == 'I' {
			return core.ErrScopeEnded
		}
		c.chained = c.tx == 'T' && (seg.ended == byCommit || c.chained)
		c.rescope = c.tx != 'I' && (seg.ended == byRollback || c.rescope && !seg.scoped)
	}
	return nil
}
