package fleet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/placement"
)

// aside is how long it may take to write a version although the context has ended.
const aside = 2 * time.Second

// Migrate brings every place that is behind to the version that the migrations lead to,
// that of tenants in whatever state. Nothing due costs one query.
//
// The report is there with an error, too, which is the context's if that ended it, or
// else that of the first place that failed. Wrong input is [core.ErrValidation] with the
// detail "field"; without stratum.Config.Provision, places that are behind are
// [core.ErrScopeUnsupported]. What failed or was not started stays due.
func (s *Service) Migrate(ctx context.Context, files fs.FS, cfg Config) (Report, error) {
	cfg, err := cfg.validate()
	if err != nil {
		return Report{}, err
	}
	target, err := placement.Latest(files)
	if err != nil {
		return Report{}, err
	}
	limit := target
	if cfg.Recheck {
		limit = math.MaxInt64
	}
	due, err := s.below(ctx, limit, cfg.Only, core.ID{}, 0)
	r := &run{service: s, files: files, cfg: cfg, report: Report{Target: target}}
	if err != nil || len(due) == 0 {
		return r.report, err
	}
	if err := errors.Join(s.exist(ctx, "Canary", cfg.Canary), s.exist(ctx, "Only", cfg.Only)); err != nil {
		return r.report, err
	}
	if cfg.DryRun {
		for _, p := range due {
			r.report.Results = append(r.report.Results, Result{Tenant: p.Tenant, Slug: p.Slug, Outcome: Due, From: p.Version, To: p.Version})
		}
		return r.report, nil
	}
	if s.places == nil {
		return r.report, core.Errorf(core.ScopeUnsupported, "there are %d places to migrate, and stratum.Config.Provision does not say how", len(due))
	}
	if err := r.all(ctx, due); err != nil {
		return r.report, err
	}
	return r.report, r.report.err()
}

// run is one call of Migrate.
type run struct {
	service *Service
	files   fs.FS
	cfg     Config

	mu     sync.Mutex // guards what follows, and is held while Progress is called
	report Report
	total  int
	failed int
	halted bool // a canary failed
}

// all migrates the canaries, then the others, then those that were made meanwhile by
// programs that do not know the latest migrations.
func (r *run) all(ctx context.Context, due []Place) error {
	seen := make(map[core.ID]bool)
	var canaries, others []Place
	for _, p := range due {
		if slices.Contains(r.cfg.Canary, p.Tenant) {
			canaries = append(canaries, p)
		} else {
			others = append(others, p)
		}
	}
	r.total = len(due)
	r.group(ctx, canaries)
	r.halted = r.failed > 0
	for {
		r.group(ctx, others)
		if r.stopped(ctx) {
			return context.Cause(ctx)
		}
		for _, result := range r.report.Results {
			seen[result.Tenant] = true
		}
		more, err := r.service.below(ctx, r.report.Target, r.cfg.Only, core.ID{}, 0)
		if err != nil {
			return err
		}
		others = slices.DeleteFunc(more, func(p Place) bool { return seen[p.Tenant] })
		if len(others) == 0 {
			return nil
		}
		r.total += len(others)
	}
}

// group migrates places, those last at which somebody else is at work: a second process
// finds other ones to do first.
func (r *run) group(ctx context.Context, places []Place) {
	r.pass(ctx, r.pass(ctx, places, false), true)
}

// pass goes over places once, and returns those for which it would have to wait.
func (r *run) pass(ctx context.Context, places []Place, wait bool) (busy []Place) {
	var wg sync.WaitGroup
	next := make(chan Place)
	for range min(r.cfg.Parallel, len(places)) {
		wg.Go(func() {
			for p := range next {
				result := Result{Tenant: p.Tenant, Slug: p.Slug, Outcome: NotStarted, From: p.Version, To: p.Version}
				if !r.stopped(ctx) {
					began := time.Now()
					err := r.one(ctx, p, &result, wait)
					if errors.Is(err, placement.ErrBusy) {
						r.mu.Lock()
						busy = append(busy, p)
						r.mu.Unlock()
						continue
					}
					result.Duration = time.Since(began)
					if err != nil {
						result.Outcome, result.Err = Failed, fmt.Errorf("tenant %s (%s): %w", p.Slug, p.Tenant, err)
					}
				}
				r.done(result)
			}
		})
	}
	for _, p := range places {
		next <- p
	}
	close(next)
	wg.Wait()
	return busy
}

// stopped reports whether no other place is to be started.
func (r *run) stopped(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ctx.Err() != nil || r.halted || !r.cfg.ContinueOnError && r.failed > 0
}

func (r *run) done(result Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Results = append(r.report.Results, result)
	if result.Outcome == Failed {
		r.failed++
	}
	if r.cfg.Progress != nil {
		r.cfg.Progress(Event{Result: result, Done: len(r.report.Results), Total: r.total})
	}
}

// one migrates one place, and makes the table say what is true there.
func (r *run) one(ctx context.Context, p Place, result *Result, wait bool) error {
	s := r.service
	told, there, err := s.version(ctx, p.Tenant) // another process may have been here
	switch {
	case err != nil:
		return err
	case !there:
		result.Outcome = Gone
		return nil
	case told >= r.report.Target && !r.cfg.Recheck:
		result.Outcome, result.From, result.To = Current, told, told
		return nil
	}
	from, to, err := s.places.Migrate(ctx, p.Placement, r.files, wait)
	if errors.Is(err, placement.ErrBusy) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), aside)
	defer cancel()
	if err == nil || to > 0 { // else it is not known
		result.From, result.To = from, to
		if to != told {
			err = errors.Join(err, s.record(ctx, p.Tenant, to))
		}
	}
	switch {
	case err == nil && from >= r.report.Target:
		result.Outcome = Current
	case err == nil:
		result.Outcome = Migrated
	default:
		if _, there, e := s.version(ctx, p.Tenant); e == nil && !there {
			result.Outcome = Gone
			return nil
		}
	}
	return err
}
