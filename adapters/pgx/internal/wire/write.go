package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/stratum-hq/stratum-go/core"
)

// directSize is from where on bytes are not copied behind the scope but written by a call of their own.
const directSize = 32 << 10

// writer is the outgoing half.
type writer struct {
	body int    // bytes of a frame's body still to come
	out  []byte // what goes to the socket, when it differs from what was given
}

var errSplit = errors.New("wire: a frame is split over two writes at a place where it must be read")

// ping is the body of the pool's ping, a comment.
const ping = "-- ping\x00"

// Write sends frames, with the scope in front of each implicit transaction.
func (c *Conn) Write(b []byte) (int, error) {
	if c.load() == startup {
		return c.Conn.Write(b)
	}
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		return 0, c.err
	}
	if c.h.pending() {
		c.h.bytes = append(c.h.bytes, b...)
		c.mu.Unlock()
		return len(b), nil
	}
	front, rest, err := c.outgoing(b)
	if err != nil {
		err = c.fail(err)
		c.mu.Unlock()
		_ = c.Conn.Close()
		return 0, err
	}
	c.mu.Unlock()
	if err := c.send(front, rest); err != nil {
		return 0, err
	}
	return len(b), nil
}

// send writes front, which is the writer's buffer, and rest.
func (c *Conn) send(front, rest []byte) error {
	if len(front) > 0 && len(rest) < directSize {
		front = append(front, rest...)
		rest = nil
	}
	if len(front) > 0 {
		c.w.out = front
		if err := c.put(front); err != nil {
			return err
		}
	}
	if len(rest) > 0 {
		return c.put(rest)
	}
	return nil
}

func (c *Conn) put(b []byte) error {
	n, err := c.Conn.Write(b)
	if n > 0 || err == nil {
		c.sent.Store(true)
	}
	return err
}

// outgoing follows the frames in b. What must be sent is front, which lies in the
// writer's own buffer, followed by rest, the tail of b. The caller holds mu.
func (c *Conn) outgoing(b []byte) (front, rest []byte, err error) {
	out, done := c.w.out[:0], 0 // b[:done] is in out
	for i := 0; i < len(b); {
		if c.w.body > 0 {
			n := min(c.w.body, len(b)-i)
			c.w.body -= n
			i += n
			continue
		}
		if len(b)-i < headerLen {
			return nil, nil, errSplit
		}
		kind, body, ok := header(b[i:])
		if !ok {
			return nil, nil, errors.New("wire: a frame has an impossible length")
		}
		frame := b[i:min(len(b), i+headerLen+body)]
		next := i + headerLen
		switch {
		case (kind == feCopyDone || kind == feCopyFail) && c.early():
			c.h.bytes = append(c.h.bytes, b[i:]...)
			return append(out, b[done:i]...), nil, nil
		case kind == feCopyData || kind == feCopyDone || kind == feCopyFail || kind == fePassword || kind == feTerminate:
			c.w.body = body
			i = next
			continue
		case c.seg.sent:
			// Only ReadyForQuery says in which transaction this would run.
			c.h.bytes = append(c.h.bytes, b[i:]...)
			return append(out, b[done:i]...), nil, nil
		}
		if err := c.admit(kind, frame, body); err != nil {
			return nil, nil, err
		}
		c.enter(kind)
		if c.wantsScope(kind) {
			out = append(out, b[done:i]...)
			done = i
			if kind == feQuery {
				if len(frame) < headerLen+body {
					return nil, nil, errSplit
				}
				out = c.prefix(out, frame)
				next += body
				done, body = next, 0
			} else {
				out = c.inject(out)
			}
		}
		c.leave(kind)
		c.w.body = body
		i = next
	}
	return out, b[done:], nil
}

// early says that the server has not answered yet to the COPY that is to be ended. pgx does
// not wait for that. PgBouncer 1.26 takes what comes before the answer for the end of nothing,
// and then never gives the server connection to anybody else.
func (c *Conn) early() bool { return c.EachTime && c.seg.sent && !c.seg.copying }

// admit refuses the frames that may not pass in the present state.
func (c *Conn) admit(kind byte, frame []byte, body int) error {
	switch {
	case kind == feFunctionCall:
		return errors.New("wire: the function call protocol cannot be scoped and is refused")
	case c.load() == released:
		if kind != feQuery || body != len(ping) || string(frame[headerLen:]) != ping {
			return errStray
		}
	case c.chained && c.scope.len() > 0:
		return core.ErrScopeEnded
	case kind == feQuery && c.seg.open:
		return errors.New("wire: a simple query inside an extended one")
	}
	switch kind {
	case feParse, feBind, feDescribe, feExecute, feClose, feFlush, feSync, feQuery:
		return nil
	}
	return fmt.Errorf("wire: a frame of the unknown kind %q", kind)
}

// enter opens a segment at its first frame.
func (c *Conn) enter(kind byte) {
	if !c.seg.open {
		c.seg = flight{open: true, simple: kind == feQuery, implied: c.tx == 'I'}
	}
}

// wantsScope says whether the scope belongs in front of this frame: the first one
// that executes or analyses something, if the segment is a transaction of its own,
// or if ROLLBACK may have taken the scope away.
func (c *Conn) wantsScope(kind byte) bool {
	if c.load() != armed || c.scope.len() == 0 || c.seg.scoped {
		return false
	}
	switch kind {
	case feClose:
		c.seg.lead++
		return false
	case feParse, feBind, feDescribe, feExecute, feQuery:
		return c.tx == 'I' || c.rescope && c.tx == 'T'
	}
	return false
}

// inject appends the scope as extended messages.
func (c *Conn) inject(out []byte) []byte {
	c.seg.scoped = true
	c.seg.expect = "2DC"
	if !c.prepared || c.EachTime {
		out = append(out, c.scope.parse...)
		c.seg.expect = "312DC"
	}
	return append(out, c.scope.exec...)
}

// prefix appends a simple Query with the scope in front of its text.
func (c *Conn) prefix(out, query []byte) []byte {
	c.seg.scoped = true
	c.seg.expect = "CCCCCCCC"[:c.scope.len()]
	c.seg.prefixed = len(c.scope.text)
	out = append(out, feQuery)
	out = binary.BigEndian.AppendUint32(out, uint32(len(query)-1+len(c.scope.text)))
	out = append(out, c.scope.text...)
	return append(out, query[headerLen:]...)
}

// leave closes the segment at its last frame.
func (c *Conn) leave(kind byte) {
	if kind == feSync || kind == feQuery {
		c.seg.open, c.seg.sent = false, true
	}
}
