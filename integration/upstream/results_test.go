package main

import (
	"bytes"
	"strings"
	"testing"
)

const plainRun = `{"Action":"run","Test":"TestA"}
{"Action":"output","Test":"TestA","Output":"hello\n"}
{"Action":"pass","Test":"TestA"}
{"Action":"skip","Test":"TestB"}
{"Action":"run","Test":"TestC"}
{"Action":"output","Output":"panic\n"}
{"Action":"fail","Package":"p"}
`

func read(t *testing.T, text string) results {
	t.Helper()
	r, _, err := readEvents([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReport(t *testing.T) {
	plain := read(t, plainRun)
	if got, want := plain.count(), "3 tests: 1 passed, 0 failed, 1 skipped, 1 did not end"; got != want {
		t.Errorf("%s instead of %s", got, want)
	}
	for name, c := range map[string]struct {
		scoped   string
		accepted map[string]string
		part     bool
		err      string // a part of the error; empty: none
		out      string // a part of what is printed
	}{
		"the same":             {scoped: plainRun},
		"differs":              {scoped: strings.Replace(plainRun, `"pass"`, `"fail"`, 1), err: "1 tests differ", out: "DIFFERS  TestA: plain pass, scoped fail\nhello"},
		"not run":              {scoped: `{"Action":"skip","Test":"TestB"}`, err: "2 tests differ", out: "TestC: plain did not end, scoped not run"},
		"accepted":             {scoped: strings.Replace(plainRun, `"pass"`, `"fail"`, 1), accepted: map[string]string{"TestA": "why"}, out: "accepted  TestA: plain pass, scoped fail: why"},
		"accepted for nothing": {scoped: plainRun, accepted: map[string]string{"TestA": "why"}, err: "1 tests differ", out: "NO DIFFERENCE  TestA"},
		"accepted, unknown":    {scoped: plainRun, accepted: map[string]string{"TestX": "why"}, err: "TestX"},
		"a part, not in it":    {scoped: plainRun, accepted: map[string]string{"TestX": "why"}, part: true},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := report(&out, plain, read(t, c.scoped), c.accepted, c.part)
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v instead of %q", err, c.err)
			}
			if !strings.Contains(out.String(), c.out) {
				t.Errorf("%q is not in\n%s", c.out, out.String())
			}
		})
	}
}

func TestReadAccepted(t *testing.T) {
	accepted, err := readAccepted("pgx.accepted")
	if err != nil || len(accepted) == 0 {
		t.Fatal(len(accepted), err)
	}
	if none, err := readAccepted(""); err != nil || len(none) != 0 {
		t.Error(none, err)
	}
	if _, err := readAccepted("absent"); err == nil {
		t.Error("no error for a file that is not there")
	}
}
