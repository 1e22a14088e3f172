package core_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
)

func TestSecretsDoNotPrint(t *testing.T) {
	s := core.NewSecret("hunter2")
	type config struct {
		Key core.Secret
		own core.Secret
	}
	c := config{s, s}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "config", c)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "config", c)
	said := []string{log.String(), s.GoString(), fmt.Errorf("failed with %v", c).Error()}
	for _, verb := range "bcdeEfFgGiopqsStTUvwxX" {
		for _, flags := range []string{"", "+", "#", " "} {
			format := "%" + flags + string(verb)
			said = append(said, fmt.Sprintf(format, s), fmt.Sprintf(format, c), fmt.Sprintf(format, &c))
		}
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range append(said, string(text)) {
		if strings.Contains(line, "hunter2") || strings.Contains(line, "68756e") || strings.Contains(line, "104 117") {
			t.Error(line)
		}
	}
	if err := json.Unmarshal(text, &c); err == nil || !strings.Contains(err.Error(), "is lost") {
		t.Errorf("what was printed is read as a secret: %v", err)
	}
}

func TestSecrets(t *testing.T) {
	own := []byte("bytes")
	s := core.NewSecret(own)
	clear(own)
	if s.Reveal() != "bytes" || s.Len() != 5 {
		t.Errorf("%q", s.Reveal())
	}
	var zero, read core.Secret
	if err := json.Unmarshal([]byte(`"bytes"`), &read); err != nil || !read.Equal(s) || read == s {
		t.Errorf("read %q, %v", read.Reveal(), err)
	}
	if zero.Reveal() != "" || zero.Len() != 0 || zero.Equal(s) || !zero.Equal(core.NewSecret("")) {
		t.Error("the zero value is an empty secret")
	}
}
