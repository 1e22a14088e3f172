package pgtest

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Child starts a copy of the test binary with one more variable in its environment, as
// NAME=value, and waits until it prints the line. TestMain finds the variable and does what
// it says instead of the tests. Its standard input stays open, so that to read it is to wait.
// kill ends it as kill -9 does, and so does the end of the test.
func Child(t testing.TB, variable, line string) (kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), variable)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = stdin.Close()
	}
	t.Cleanup(kill)
	for lines := bufio.NewReader(stdout); ; {
		got, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the child ended before it said %q: %v", line, err)
		}
		if strings.TrimSpace(got) == line {
			return kill
		}
	}
}
