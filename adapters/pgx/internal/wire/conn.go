package wire

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stratum-hq/stratum-go/core"
)

type state uint32

const (
	startup state = iota
	armed
	raw
	released
)

// Marks says what a session may have been left with by the statements that passed.
type Marks uint8

// The marks.
const (
	Dirty    Marks = 1 << iota // settings, temporary tables, cursors, …: a reset undoes it
	Poisoned                   // prepared statements under names that others rely on: only closing helps
)

// errStray is the answer to frames on a connection that nobody has acquired.
var errStray = errors.New("wire: this connection was given back to its pool and carries no scope")

// Conn is a [net.Conn] that scopes. Read and Write may run at the same time, as pgx
// needs it; the other methods are for the time between units of work.
type Conn struct {
	net.Conn
	state atomic.Uint32

	// Each time: the statement is prepared in every segment, as a pooler in
	// transaction mode needs it; and the end of a COPY waits for its beginning. Set it
	// before the first Arm.
	EachTime bool

	// sent says that bytes went to the socket since the last Arm or Raw.
	sent atomic.Bool

	// mu guards what follows; it is never held during I/O on the socket, because the
	// reading side must drain the server while the writing side waits for it.
	mu       sync.Mutex
	err      error // the connection is lost, and why
	scope    scope
	prepared bool // the server has our statement
	tx       byte // status of the last ReadyForQuery
	seg      flight
	rescope  bool // a transaction went on after ROLLBACK: its scope may be gone
	chained  bool // a transaction went on after COMMIT: its scope is gone
	marks    Marks
	idle     time.Time

	w       writer
	reading sync.Mutex // guards r
	r       reader
	h       holdback
}

// flight is the segment that is being sent or answered. There is never more than
// one: what is sent behind an unanswered one is held back.
type flight struct {
	open    bool // frames of it may still follow
	sent    bool // it is complete, and ReadyForQuery has not come
	simple  bool // it is a simple Query
	scoped  bool // it starts with our scope
	implied bool // it started in no transaction: it is one of its own
	lead    int  // Close frames in front of our scope
	copying bool // COPY FROM STDIN has begun or failed: its end may be sent
	expect  string
	at      int // how much of expect has come

	answered // what came back since the last CommandComplete
	ended    ended
	past     bool // work followed a ROLLBACK
	prefixed int  // length of the text in front of the simple Query
}

// answered describes the statement whose answer is coming.
type answered struct {
	described, noData bool
	rows              int
}

// ended says how a transaction ended within a segment.
type ended uint8

const (
	notEnded ended = iota
	byCommit
	byRollback // or ROLLBACK TO SAVEPOINT, which has the same tag
	byCall     // CALL or DO, which may have committed
)

func (f *flight) busy() bool { return f.open || f.sent }

// Wrap returns a connection in start-up.
func Wrap(c net.Conn) *Conn { return &Conn{Conn: c, tx: 'I'} }

func (c *Conn) load() state { return state(c.state.Load()) }

// Arm gives every implicit transaction from now on these settings.
func (c *Conn) Arm(settings ...Setting) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.between(); err != nil {
		return err
	}
	same, err := c.scope.render(settings)
	if err != nil {
		return err
	}
	c.prepared = c.prepared && same
	c.sent.Store(false)
	c.state.Store(uint32(armed))
	return nil
}

// Raw lets work pass without a scope.
func (c *Conn) Raw() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.between(); err != nil {
		return err
	}
	c.sent.Store(false)
	c.state.Store(uint32(raw))
	return nil
}

// Release ends the work of an owner: from now on only a ping passes.
func (c *Conn) Release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.between(); err != nil {
		return err
	}
	c.idle = time.Now()
	c.state.Store(uint32(released))
	return nil
}

// between is nil when nothing is under way: the only time to change the state.
func (c *Conn) between() error {
	switch {
	case c.err != nil:
		return c.err
	case c.load() == startup:
		return nil
	case c.seg.busy() || c.h.pending():
		return errors.New("wire: the connection is busy")
	case c.tx != 'I':
		return errors.New("wire: the connection is in a transaction")
	}
	return nil
}

// Sent reports whether anything has reached the socket since the last Arm or Raw. If
// not, the server knows nothing of the work that failed.
func (c *Conn) Sent() bool { return c.sent.Load() }

// Err returns why the connection was given up on this side, or nil. pgx does not
// always pass on what Read returned.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Idle returns for how long the connection has been released; 0 before its first use.
func (c *Conn) Idle() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle.IsZero() {
		return 0
	}
	return time.Since(c.idle)
}

// Marks returns what was seen since the last call of SetMarks.
func (c *Conn) Marks() Marks {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.marks
}

// SetMarks replaces the marks: with none after a reset, with earlier ones after
// statements of the adapter's own that leave nothing behind.
func (c *Conn) SetMarks(m Marks) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.marks = m
}

// Forget makes the next segment prepare the scope statement again.
func (c *Conn) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prepared = false
}

// fail makes the connection useless and remembers why. The caller holds mu.
func (c *Conn) fail(err error) error {
	if c.err == nil {
		c.err = err
	}
	return c.err
}

func unexpected(kind byte) error {
	return fmt.Errorf("wire: unexpected answer %q to the scope; the connection is closed", kind)
}

// scopeEnded explains itself: the sentence of the sentinel for what is known, and
// a remedy for what is only possible.
func scopeEnded(how ended) error {
	if how == byCall {
		return core.Errorf(core.ScopeEnded, "CALL or DO may have ended the transaction that carried the tenant; "+
			"make it the last statement of its batch, or run it in a transaction or on its own")
	}
	return core.ErrScopeEnded
}
