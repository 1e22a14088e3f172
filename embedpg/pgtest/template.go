package pgtest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// template is a database that was set up once, to be copied.
type template struct {
	name string
	make func() error // once; later calls return the same error
}

// NewWith is [New] for a database that already went through setup. The first test
// of the process with this key runs setup, as the superuser, in a template; every
// test gets a copy. One key must stand for one setup. If setup fails, all tests with
// the key fail with its error.
func NewWith(t testing.TB, key string, setup func(ctx context.Context, superuser *pgx.Conn) error) *Database {
	t.Helper()
	server := process.serverOf(t)
	tpl := process.template(server, key, setup)
	if err := tpl.make(); err != nil {
		t.Fatalf("pgtest: template %q: %v", key, err)
	}
	return clone(t, server, tpl.name)
}

// template returns the template of a key; it need not have been made yet.
func (s *shared) template(server *embedpg.Server, key string, setup func(context.Context, *pgx.Conn) error) *template {
	s.mu.Lock()
	defer s.mu.Unlock()
	if tpl, ok := s.templates[key]; ok {
		return tpl
	}
	if s.templates == nil {
		s.templates = make(map[string]*template)
	}
	name := fmt.Sprintf("%s_t%d", s.prefix, len(s.templates))
	tpl := &template{name: name}
	tpl.make = sync.OnceValue(func() error { return makeTemplate(server, name, setup) })
	s.templates[key] = tpl
	return tpl
}

// makeTemplate has a context of its own: the end of the test that happened to be
// the first must not spoil the template of the others.
func makeTemplate(server *embedpg.Server, name string, setup func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := server.CreateDatabase(ctx, name, ""); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, server.URL(embedpg.Superuser, name))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := setup(ctx, conn); err != nil {
		return err
	}
	if err := conn.Close(ctx); err != nil {
		return err
	}
	// From here on nobody can get into it, and be in the way of copying. A database
	// cannot do this to itself.
	admin, err := pgx.Connect(ctx, server.URL(embedpg.Superuser, "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	_, err = admin.Exec(ctx, "ALTER DATABASE "+pgx.Identifier{name}.Sanitize()+" ALLOW_CONNECTIONS false")
	return err
}
