package db

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// keep is how long an idempotency key is known.
const keep = 7 * 24 * time.Hour

const (
	// forget removes a few old keys with each new one, so that nobody else needs to.
	forget = `delete from stratum.idempotency where ctid = any (array(
		select ctid from stratum.idempotency where created_at < now() - make_interval(secs => $1) limit 100 for update skip locked))`
	recall = `select action, fingerprint, resources from stratum.idempotency where actor_type = $1 and actor = $2 and key = $3`
)

// Repeated is the error of a change that was made before, with the same idempotency key.
type Repeated struct {
	Resources []string // what it was of: the keys of "after"
}

// Error is for those who forget to handle it.
func (r *Repeated) Error() string { return "this change was made already" }

// Repeats reports whether an error is [Repeated], and what the change was of.
func Repeats(err error) ([]string, bool) {
	var r *Repeated
	if errors.As(err, &r) {
		return r.Resources, true
	}
	return nil, false
}

// once is an idempotency key with what it is used for.
type once struct {
	key, action string
	fingerprint []byte
}

// newOnce is nil if the context has no key.
func newOnce(ctx context.Context, ms []Mutation) (*once, error) {
	key := core.IdempotencyKey(ctx)
	if key == "" || len(ms) == 0 {
		return nil, nil
	}
	if len(key) > core.MaxIdempotencyKey {
		return nil, core.Errorf(core.Validation, "an idempotency key has up to %d bytes", core.MaxIdempotencyKey).With("field", "idempotency_key")
	}
	sum := sha256.New()
	for _, m := range ms {
		if m.Input == nil {
			return nil, core.Errorf(core.Validation, "%s cannot be made with an idempotency key", m.Action).With("field", "idempotency_key")
		}
		text, err := json.Marshal([]any{m.Action, m.Input})
		if err != nil {
			return nil, fmt.Errorf("db: the input of %s: %w", m.Action, err)
		}
		sum.Write(text)
	}
	return &once{key: key, action: ms[len(ms)-1].Action, fingerprint: sum.Sum(nil)}, nil
}

// seen looks for an earlier change, after this one failed: the key may be the reason, or a
// slug that is taken since, or a version that is another by now. It returns nil if there
// was none, or if it cannot be known.
func (o *once) seen(ctx context.Context, on starter, who core.Actor) error {
	rows, err := on.Query(ctx, recall, who.Type, who.ID, o.key)
	if err != nil {
		return nil
	}
	type entry struct {
		Action      string
		Fingerprint []byte
		Resources   []string
	}
	e, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[entry])
	switch {
	case err != nil:
		return nil
	case e.Action != o.action || string(e.Fingerprint) != string(o.fingerprint):
		return core.ErrIdempotencyReused
	}
	return &Repeated{Resources: e.Resources}
}
