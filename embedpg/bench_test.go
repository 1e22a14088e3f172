package embedpg_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg"
)

// BenchmarkStart is from nothing to the first query and back to nothing: in memory
// with the cache, and on disk with initdb.
func BenchmarkStart(b *testing.B) {
	needServer(b)
	for name, dir := range map[string]string{"default": "", "initdb": publicDir(b, "")} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				srv, err := embedpg.Start(b.Context(), embedpg.Config{Dir: dir, TCP: true})
				check(b, err)
				b.StopTimer()
				check(b, srv.Stop())
				b.StartTimer()
			}
		})
	}
}

// BenchmarkCreateDatabase copies a template of 40 tables, and drops the copy.
func BenchmarkCreateDatabase(b *testing.B) {
	srv := start(b, embedpg.Config{Database: "template"})
	var sql strings.Builder
	for i := range 40 {
		fmt.Fprintf(&sql, "CREATE TABLE t%d (id int PRIMARY KEY, a text, b uuid UNIQUE);", i)
	}
	exec1(b, srv, "template", sql.String())
	for _, template := range []string{"", "template"} {
		b.Run("template="+template, func(b *testing.B) {
			for b.Loop() {
				check(b, srv.CreateDatabase(b.Context(), "copy", template))
				b.StopTimer()
				check(b, srv.DropDatabase(b.Context(), "copy"))
				b.StartTimer()
			}
		})
	}
}

func BenchmarkDropDatabase(b *testing.B) {
	srv := start(b, embedpg.Config{})
	for b.Loop() {
		b.StopTimer()
		check(b, srv.CreateDatabase(b.Context(), "copy", ""))
		b.StartTimer()
		check(b, srv.DropDatabase(b.Context(), "copy"))
	}
}
