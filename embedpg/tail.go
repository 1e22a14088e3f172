package embedpg

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// tailSize is how much of the log an error may quote.
const tailSize = 4 << 10

// tail is a writer that remembers the end of what was written to it, and passes
// everything on to another writer, if there is one.
type tail struct {
	mu  sync.Mutex
	end []byte
	to  io.Writer
}

// Write never fails: a full disk under the user's log must not stop the server.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p...)
	if n := len(t.end) - tailSize; n > 0 {
		t.end = append(t.end[:0], t.end[n:]...)
	}
	if t.to != nil {
		_, _ = t.to.Write(p)
	}
	return len(p), nil
}

// String is the last whole lines.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	end := t.end
	if len(end) == tailSize {
		if i := bytes.IndexByte(end, '\n'); i >= 0 {
			end = end[i+1:]
		}
	}
	return strings.TrimSpace(string(end))
}

// reset forgets what was written so far.
func (t *tail) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = t.end[:0]
}

// withLog is an error together with the end of the log.
type withLog struct {
	err error
	log string
}

// explain adds the log to an error, if it says anything.
func explain(err error, log *tail) error {
	if text := log.String(); text != "" {
		return &withLog{err, text}
	}
	return err
}

func (e *withLog) Error() string {
	return e.err.Error() + "; the log ends:\n\t" + strings.ReplaceAll(e.log, "\n", "\n\t")
}

func (e *withLog) Unwrap() error { return e.err }
