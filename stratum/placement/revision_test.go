package placement_test

import (
	"testing"
	"testing/fstest"

	"github.com/stratum-hq/stratum-go/stratum/placement"
)

// The revision is another one whenever what is made may be, and only then.
func TestRevision(t *testing.T) {
	t.Parallel()
	files := func(change func(fstest.MapFS)) placement.Config {
		m := notes()
		change(m)
		return placement.Config{Migrations: m}
	}
	seen := map[string]int{}
	for i, cfg := range []placement.Config{
		{},
		{Revision: "2"},
		{App: "other"},
		{NoRoles: true},
		{TemplateSchema: "x"},
		{TemplateDatabase: "x"},
		files(func(fstest.MapFS) {}),
		files(func(m fstest.MapFS) { m["00001_note.sql"].Data[30] ^= 1 }),
		files(func(m fstest.MapFS) { m["00001_note.sql"].Data = append(m["00001_note.sql"].Data, 0xfe) }),
		files(func(m fstest.MapFS) { m["00001_note.sql"].Data = append(m["00001_note.sql"].Data, 0xff) }),
		files(func(m fstest.MapFS) { m["00002_note.sql"] = m["00001_note.sql"]; delete(m, "00001_note.sql") }),
		files(func(m fstest.MapFS) { m["00002_tag.sql"] = file("") }),
	} {
		cfg.Owner = "host=/x"
		p := provisioner(t, cfg)
		if other, ok := seen[p.Revision()]; ok {
			t.Errorf("%d and %d have the same revision", other, i)
		}
		seen[p.Revision()] = i
		if again := provisioner(t, cfg).Revision(); again != p.Revision() {
			t.Errorf("%d: %s and %s", i, again, p.Revision())
		}
	}
	// Where it is, and what goose does not read, does not matter.
	plain := provisioner(t, placement.Config{Owner: "host=/x", Migrations: notes()})
	same := files(func(m fstest.MapFS) { m["README.md"] = file("") })
	same.Owner, same.Databases, same.App, same.Servers = "host=/y", "host=/z", "stratum_app", map[string]string{"eu": "host=/eu"}
	if got := provisioner(t, same).Revision(); got != plain.Revision() {
		t.Errorf("%s, want %s", got, plain.Revision())
	}
}
