package seal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/stratum/seal"
)

const url = "postgres://app_acme:Wq3vT7xN2mK9@db-7.eu.internal:5432/acme?sslmode=verify-full"

func TestAllocs(t *testing.T) {
	r := ring(t, seal.Config{Keys: []seal.Key{docKey}})
	plain, text := []byte(url), sealed(t, r, url, docOf)
	for name, c := range map[string]struct {
		most float64
		f    func()
	}{
		"Seal":          {5, func() { _, _ = r.Seal(plain, docOf) }},
		"Open":          {4, func() { _, _ = r.Open(text, docOf) }},
		"NeedsRotation": {0, func() { r.NeedsRotation(text) }},
	} {
		n := testing.AllocsPerRun(200, c.f)
		t.Logf("%s: %.0f allocations", name, n)
		if n > c.most {
			t.Errorf("%s allocates %.0f times, more than %.0f", name, n, c.most)
		}
	}
}

func BenchmarkSealOpen(b *testing.B) {
	r := ring(b, seal.Config{Keys: []seal.Key{docKey}})
	for _, plain := range []string{url, strings.Repeat("x", 4<<10), strings.Repeat("x", seal.MaxPlain)} {
		text := sealed(b, r, plain, docOf)
		run := func(name string, f func() error) {
			b.Run(fmt.Sprintf("%s/%d", name, len(plain)), func(b *testing.B) {
				b.SetBytes(int64(len(plain)))
				b.ReportAllocs()
				for b.Loop() {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		bytes := []byte(plain)
		run("Seal", func() error { _, err := r.Seal(bytes, docOf); return err })
		run("Open", func() error { _, err := r.Open(text, docOf); return err })
	}
}
