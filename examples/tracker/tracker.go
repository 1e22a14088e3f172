package tracker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// Env is what a service finds when it starts.
type Env struct {
	Owner   string        // connection string of the tables' owner: for migrations
	App     string        // connection string of the application: for everything else
	Tenants core.Resolver // who the tenants are
	Log     *slog.Logger
}

// Build makes the service of a stack, on an empty database.
type Build func(ctx context.Context, env Env) (*Service, error)

// Service is a service at work.
type Service struct {
	Serve    func(net.Listener) error        // serves until Shutdown, and then returns nil
	Shutdown func(ctx context.Context) error // lets requests finish, and closes the database
}

// HTTP is the service of a handler of net/http. close is called at the end.
func HTTP(h http.Handler, close func()) *Service {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	return &Service{
		Serve: func(l net.Listener) error {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
		Shutdown: func(ctx context.Context) error {
			defer close()
			return server.Shutdown(ctx)
		},
	}
}

// database is the name of the database.
const database = "tracker"

// Main is the main function of the programs: a service on a PostgreSQL of its own, at
// 127.0.0.1:8080 or another PORT, until Ctrl-C. It returns the exit status.
func Main(build Build) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	if err := run(ctx, build, "127.0.0.1:"+port, os.Stdout); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func run(ctx context.Context, build Build, address string, out io.Writer) (err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	pg, err := embedpg.Start(ctx, embedpg.Config{Database: database})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.Stop()) }()
	service, err := build(ctx, Env{
		Owner: pg.URL(embedpg.Owner, database), App: pg.URL(embedpg.App, database),
		Tenants: Tenants(), Log: slog.Default(),
	})
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- service.Serve(l) }()
	fmt.Fprint(out, tryThis("http://"+l.Addr().String()))
	select {
	case err = <-served:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(service.Shutdown(last), <-served)
}

func tryThis(base string) string {
	return fmt.Sprintf(`curl -sS -H 'X-User: ann@acme' -H 'X-Tenant-ID: acme' -d '{"name":"Moon landing"}' %[1]s/projects
curl -sS -H 'X-User: ann@acme' -H 'X-Tenant-ID: acme' -d '{"title":"Build a rocket"}' %[1]s/projects/1/tasks
curl -sS -H 'X-User: ann@acme' -H 'X-Tenant-ID: acme' %[1]s/projects/1
curl -sS -H 'X-User: bob@globex' -H 'X-Tenant-ID: globex' %[1]s/projects/1
curl -sS -H 'X-User: bob@globex' -H 'X-Tenant-ID: acme' %[1]s/projects
`, base)
}
