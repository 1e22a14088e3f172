package rls

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/core"
)

// refusal is the SQLSTATE with which the SQL of this package refuses.
const refusal = "ST001"

// translate makes a *core.Error of a refusal by our SQL: message and hint are the sentence, and the
// detail is JSON. A *core.Error stays as it is, and any other error keeps its text and its type.
func translate(what string, err error) error {
	if ours := (*core.Error)(nil); errors.As(err, &ours) {
		return err
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != refusal {
		return fmt.Errorf("rls: %s: %w", what, err)
	}
	e := core.Errorf(core.Validation, "%s. %s", pe.Message, pe.Hint).Wrap(err)
	var details map[string]any
	if json.Unmarshal([]byte(pe.Detail), &details) == nil {
		for key, value := range details {
			if n, ok := value.(float64); ok {
				value = int64(n)
			}
			e = e.With(key, value)
		}
	}
	return e
}

// refused returns the *core.Error that err is.
func refused(err error) *core.Error {
	var e *core.Error
	if errors.As(err, &e) {
		return e
	}
	return core.Errorf(core.Validation, "%w", err)
}
