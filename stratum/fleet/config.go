package fleet

import (
	"fmt"
	"slices"
	"time"

	"github.com/stratum-hq/stratum-go/core"
)

// Limits of [Config.Parallel].
const (
	DefaultParallel = 4
	MaxParallel     = 100
)

// Config says how [Service.Migrate] goes about it. The zero value is ready to use.
type Config struct {
	// Parallel is how many places are migrated at once, up to 100. Each takes two
	// connections outside any pool, three if it is a database. 0: 4.
	Parallel int

	// Canary are tenants that are migrated first. All others start only if none of these
	// fails, ContinueOnError or not.
	Canary []core.ID

	// Only are the tenants to migrate. Empty: all.
	Only []core.ID

	// ContinueOnError goes on after a place that failed. False: no other one is started.
	ContinueOnError bool

	// Recheck looks into every place, also where the table says that nothing is due: after
	// one was restored from a backup, for instance.
	Recheck bool

	// DryRun reports what is due and connects to no place.
	DryRun bool

	// Progress is told of each place that is done with. It is not called twice at once, and
	// the migrations wait for it. Nil: nobody is told.
	Progress func(Event)
}

// Event tells of a place that [Service.Migrate] is done with.
type Event struct {
	Result
	Done, Total int // places so far, and those that are due as far as is known
}

// Outcome is what became of a place.
type Outcome string

// The outcomes.
const (
	Due        Outcome = "due"         // nothing, in a dry run
	Migrated   Outcome = "migrated"    // it is at the latest version
	Current    Outcome = "current"     // it was there already: somebody else's work, or a table that was wrong
	Failed     Outcome = "failed"      // a migration, or the way to the place; To tells how far it came
	NotStarted Outcome = "not started" // an error or the context ended it before
	Gone       Outcome = "gone"        // the tenant was purged meanwhile
)

// Result is what became of the place of one tenant.
type Result struct {
	Tenant   core.ID
	Slug     string
	Outcome  Outcome
	From, To int64         // versions; the same if nothing was done
	Duration time.Duration // with the waiting for others
	Err      error         // of [Failed] only; it names the tenant, and the migration's version and file
}

// Report has one result for each tenant that was due, those that were made meanwhile
// included.
type Report struct {
	Target  int64 // the version that the migrations lead to
	Results []Result
}

// Count returns how many results have an outcome.
func (r Report) Count(o Outcome) int {
	n := 0
	for _, result := range r.Results {
		if result.Outcome == o {
			n++
		}
	}
	return n
}

// err is the error of Migrate for what failed.
func (r Report) err() error {
	i := slices.IndexFunc(r.Results, func(r Result) bool { return r.Outcome == Failed })
	if i < 0 {
		return nil
	}
	return fmt.Errorf("fleet: %d of %d places failed and %d were not started; the first: %w",
		r.Count(Failed), len(r.Results), r.Count(NotStarted), r.Results[i].Err)
}

func (c Config) validate() (Config, error) {
	if c.Parallel < 0 || c.Parallel > MaxParallel {
		return c, invalid("Parallel", "Config.Parallel is 0 to %d", MaxParallel)
	}
	if c.Parallel == 0 {
		c.Parallel = DefaultParallel
	}
	for _, id := range c.Canary {
		if len(c.Only) > 0 && !slices.Contains(c.Only, id) {
			return c, invalid("Canary", "Config.Canary has the tenant %s, which Config.Only leaves out", id)
		}
	}
	return c, nil
}

func invalid(field, format string, args ...any) error {
	return core.Errorf(core.Validation, format, args...).With("field", field)
}
