package rls

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"

	"github.com/stratum-hq/stratum-go/core"
)

// Baseline lists known findings, so that a database with a history can be checked for new ones. It is a file
// to commit: sorted JSON that a reviewer can read.
//
//	report, err := rls.Check(ctx, conn, rls.CheckConfig{})
//	err = report.Baseline().Write(file)
type Baseline struct {
	Version  int             `json:"version"` // 1
	Findings []BaselineEntry `json:"findings"`
}

// BaselineEntry is a known finding. Its message may change, with a count for instance, and it stays the same.
type BaselineEntry struct {
	Rule   string `json:"rule"`
	Object string `json:"object"`
}

// baselineVersion is the version of the file's format.
const baselineVersion = 1

// ReadBaseline reads a file that [Baseline.Write] wrote. Another format is an error of the code [core.Validation].
func ReadBaseline(r io.Reader) (*Baseline, error) {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	var b Baseline
	if err := dec.Decode(&b); err != nil {
		return nil, core.Errorf(core.Validation, "the baseline is not readable: %w", err).With("field", "Baseline")
	}
	if b.Version != baselineVersion {
		return nil, core.Errorf(core.Validation, "the baseline has version %d, and %d is known", b.Version, baselineVersion).With("field", "Baseline")
	}
	return &b, nil
}

// Write writes the baseline.
func (b *Baseline) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(b)
}

// Baseline makes a baseline of all findings, those suppressed now included.
func (r *Report) Baseline() *Baseline {
	b := &Baseline{Version: baselineVersion, Findings: []BaselineEntry{}}
	for _, f := range slices.Concat(r.Findings, r.Suppressed) {
		b.Findings = append(b.Findings, BaselineEntry{f.Rule, f.Object})
	}
	slices.SortFunc(b.Findings, BaselineEntry.compare)
	b.Findings = slices.Compact(b.Findings)
	return b
}

func (e BaselineEntry) compare(other BaselineEntry) int {
	return cmp.Or(cmp.Compare(e.Rule, other.Rule), cmp.Compare(e.Object, other.Object))
}

// apply moves known findings to Suppressed, and tells which entries matched none. b may be nil.
func (b *Baseline) apply(r *Report) {
	if b == nil {
		return
	}
	met := map[BaselineEntry]bool{}
	for _, e := range b.Findings {
		met[e] = false
	}
	kept := []Finding{}
	for _, f := range r.Findings {
		e := BaselineEntry{f.Rule, f.Object}
		if _, known := met[e]; known {
			met[e] = true
			r.Suppressed = append(r.Suppressed, f)
		} else {
			kept = append(kept, f)
		}
	}
	r.Findings = kept
	for e, found := range met {
		// What was not looked at may still be there.
		if !found && !slices.ContainsFunc(r.Unchecked, func(u Unchecked) bool { return u.Rule == e.Rule && u.Object == e.Object }) {
			r.Stale = append(r.Stale, e)
		}
	}
	slices.SortFunc(r.Stale, BaselineEntry.compare)
}

// fingerprint identifies a finding from one run to the next, as SARIF's partialFingerprints do.
func (f Finding) fingerprint() string {
	sum := sha256.Sum256([]byte(f.Rule + "\x00" + f.Object))
	return hex.EncodeToString(sum[:16])
}
