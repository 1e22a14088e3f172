package wire

// holdback keeps what was sent behind a segment that is not answered yet: only the
// answer tells in which transaction it would run. Behind a pooler the end of a COPY waits,
// too, see early. Its bytes go out one segment at a time, from a goroutine of their own, so
// that the reading side goes on draining the server. The mutex of Conn guards it.
type holdback struct {
	bytes   []byte
	sending bool
}

func (h *holdback) pending() bool { return h.sending || len(h.bytes) > 0 }

// advance sends the next held segment if there is one and its turn has come. The
// caller does not hold mu.
func (c *Conn) advance() {
	c.mu.Lock()
	if len(c.h.bytes) == 0 || c.h.sending || !c.turn(c.h.bytes[0]) || c.err != nil {
		c.mu.Unlock()
		return
	}
	held := c.h.bytes
	c.h.bytes = nil
	front, rest, err := c.outgoing(held)
	if err != nil {
		_ = c.fail(err)
		c.mu.Unlock()
		_ = c.Conn.Close()
		return
	}
	out := append(append([]byte(nil), front...), rest...) // front is the writing side's buffer
	c.h.sending = true
	c.mu.Unlock()
	go c.sendHeld(out)
}

// turn says whether a frame of this kind may follow what was sent.
func (c *Conn) turn(kind byte) bool {
	if kind == feCopyDone || kind == feCopyFail {
		return !c.early()
	}
	return !c.seg.busy()
}

func (c *Conn) sendHeld(out []byte) {
	err := c.put(out)
	c.mu.Lock()
	c.h.sending = false
	if err != nil {
		_ = c.fail(err)
	}
	c.mu.Unlock()
	if err != nil {
		_ = c.Conn.Close()
		return
	}
	c.advance() // its answer may have come before Write returned
}
