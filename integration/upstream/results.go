package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// A result is how one test ended, and what it printed.
type result struct {
	outcome string // pass, fail, skip, or "did not end"
	output  string
}

// results are those of one run, by the name of the test.
type results map[string]result

// An event is a line of go test -json.
type event struct{ Action, Package, Test, Output, ImportPath string }

// runTests runs go test and reads its events. Tests that fail are no error; a suite
// that does not build or has no test is.
func runTests(cmd *exec.Cmd, mode string) (results, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	found, rest, err := readEvents(out)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the %s run has no test:\n%s%s", mode, rest, stderr.String())
	}
	return found, nil
}

// readEvents also returns what no test printed.
func readEvents(out []byte) (results, string, error) {
	found := results{}
	var rest strings.Builder
	lines := json.NewDecoder(bytes.NewReader(out))
	for {
		var e event
		if err := lines.Decode(&e); errors.Is(err, io.EOF) {
			return found, rest.String(), nil
		} else if err != nil {
			return nil, "", fmt.Errorf("the output of go test -json: %w", err)
		}
		if e.Test == "" {
			rest.WriteString(e.Output)
			continue
		}
		r, ok := found[e.Test]
		if !ok {
			r.outcome = "did not end"
		}
		r.output += e.Output
		switch e.Action {
		case "pass", "fail", "skip":
			r.outcome = e.Action
		}
		found[e.Test] = r
	}
}

// count says how many tests ended how.
func (r results) count() string {
	by := map[string]int{}
	for _, one := range r {
		by[one.outcome]++
	}
	text := fmt.Sprintf("%d tests: %d passed, %d failed, %d skipped", len(r), by["pass"], by["fail"], by["skip"])
	if n := by["did not end"]; n > 0 {
		text += fmt.Sprintf(", %d did not end", n)
	}
	return text
}

// report prints what differs and returns an error if it is not what was accepted.
// In a part of the suite an accepted difference may be missing.
func report(w io.Writer, plain, scoped results, accepted map[string]string, part bool) error {
	fmt.Fprintf(w, "plain   %s\nscoped  %s\n", plain.count(), scoped.count())
	differ := 0
	names := maps.Clone(plain)
	maps.Copy(names, scoped)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		p, s := plain[name], scoped[name]
		reason, ok := accepted[name]
		delete(accepted, name)
		switch {
		case p.outcome == s.outcome && !ok:
			if p.outcome == "fail" { // a panic ends the run, so say which and why
				fmt.Fprintf(w, "fails on both  %s\n%s", name, p.failure())
			}
		case p.outcome == s.outcome:
			differ++
			fmt.Fprintf(w, "NO DIFFERENCE  %s: it is accepted as one (%s)\n", name, reason)
		case ok:
			fmt.Fprintf(w, "accepted  %s: plain %s, scoped %s: %s\n", name, outcome(p), outcome(s), reason)
		default:
			differ++
			fmt.Fprintf(w, "DIFFERS  %s: plain %s, scoped %s\n%s%s", name, outcome(p), outcome(s), p.failure(), s.failure())
		}
	}
	if len(accepted) > 0 && !part {
		return fmt.Errorf("accepted differences name tests that do not exist: %s", strings.Join(slices.Sorted(maps.Keys(accepted)), ", "))
	}
	if differ > 0 {
		return fmt.Errorf("%d tests differ", differ)
	}
	return nil
}

// failure is what a test printed that did not pass, cut to what a person reads.
func (r result) failure() string {
	if r.outcome == "pass" {
		return ""
	}
	if len(r.output) > maxOutput {
		return r.output[:maxOutput] + "…\n"
	}
	return r.output
}

const maxOutput = 3000

func outcome(r result) string {
	if r.outcome == "" {
		return "not run"
	}
	return r.outcome
}

// readAccepted reads the list of accepted differences.
func readAccepted(file string) (map[string]string, error) {
	accepted := map[string]string{}
	if file == "" {
		return accepted, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := strings.Cut(line, " ")
		if !ok {
			return nil, fmt.Errorf("%s: %q has no reason", file, name)
		}
		accepted[name] = reason
	}
	return accepted, lines.Err()
}
