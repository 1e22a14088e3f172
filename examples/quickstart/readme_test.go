package quickstart_test

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeShowsThisCode keeps README.md and the example that compiles the same.
func TestReadmeShowsThisCode(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(source), "\t// README\n")
	if len(parts) != 3 {
		t.Fatal("the markers are gone")
	}
	want := strings.ReplaceAll(strings.TrimPrefix(parts[1], "\t"), "\n\t", "\n")
	if !strings.Contains(string(readme), "```go\n"+want+"```") {
		t.Errorf("README.md does not show this code:\n%s", want)
	}
}
