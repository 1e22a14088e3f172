package stratumtest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/stratum-hq/stratum-go/core"
)

// SQLSTATEs that attacks are judged by.
const (
	insufficientPrivilege = "42501" // row-level security, too
	notSupported          = "0A000"
	raised                = "P0001"
	uniqueViolation       = "23505"
	exclusionViolation    = "23P01"
	foreignKeyViolation   = "23503"
	notNullViolation      = "23502"
	checkViolation        = "23514"
	lockNotAvailable      = "55P03"
	divisionByZero        = "22012"
)

// state returns the SQLSTATE of an error of the server, or "". Drivers offer it by a method.
func state(err error) string {
	var s interface{ SQLState() string }
	if errors.As(err, &s) {
		return s.SQLState()
	}
	return ""
}

// field returns a field of an error of the server, by the first name that the driver's
// error has. Drivers agree on no method, but all export the fields.
func field(err error, names ...string) string {
	var s interface{ SQLState() string }
	if !errors.As(err, &s) {
		return ""
	}
	b, jsonErr := json.Marshal(s)
	fields := map[string]any{}
	if jsonErr != nil || json.Unmarshal(b, &fields) != nil {
		return ""
	}
	for _, n := range names {
		if v, ok := fields[n].(string); ok && v != "" {
			return v
		}
	}
	return ""
}

// full is an error with the detail that the server sent.
func full(err error) string {
	if d := field(err, "Detail"); d != "" {
		return fmt.Sprintf("%v (%s)", err, d)
	}
	return err.Error()
}

// answer is what the error of an attack says.
type answer uint8

const (
	accepted answer = iota // no error
	refused                // by a privilege, a policy, a trigger, or the adapter
	unclear                // something else went wrong: nothing was proven
)

// judge judges the error of an attack.
func judge(err error) answer {
	var e *core.Error
	switch s := state(err); {
	case err == nil:
		return accepted
	case s == insufficientPrivilege, s == notSupported, s == raised,
		s == "55000", // a view that cannot be written
		s == "25006", // a read-only transaction
		s == "428C9", // a generated column
		s == "25001": // not in a transaction
		return refused
	case s == "" && errors.As(err, &e):
		return refused
	}
	return unclear
}

// constrained reports whether a constraint stopped the statement. Policies are checked
// before constraints, so they had let the row pass.
func constrained(err error) bool {
	switch state(err) {
	case uniqueViolation, exclusionViolation, foreignKeyViolation, notNullViolation:
		return true
	}
	return false
}
