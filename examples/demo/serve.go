package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path"
	"time"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumhttp "github.com/stratum-hq/stratum-go/middleware/nethttp"
)

// handler puts the one middleware in front of the routes. A request may name its tenant
// in three places; if it does so in several, they must agree.
func handler(resolver core.Resolver, db *stratumpgx.DB, log *slog.Logger) http.Handler {
	middleware := stratumhttp.Middleware(resolver, stratumhttp.Config{
		Extract: extract.Agree(
			extract.Subdomain("localhost"),
			extract.Header("X-Tenant-ID"),
			extract.PathAfter("/t/"),
		),
		Logger: log,
		// A real service also has Authorize here, which decides whether the caller may act
		// in the tenant. Without it, as the log says, whoever gets here may.
	})
	return middleware(clean(routes(&shop{db: db, log: log})))
}

// routes are the same below / and below /t/{tenant}/. Whose data they serve is in the
// context of the request, and nowhere else.
func routes(s *shop) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.answer(notFound))
	for _, prefix := range []string{"", "/t/{tenant}"} {
		mux.HandleFunc(prefix+"/invoices", s.answer(methodNotAllowed("GET, HEAD, POST")))
		mux.HandleFunc("GET "+prefix+"/invoices", s.answer(s.listInvoices))
		mux.HandleFunc("POST "+prefix+"/invoices", s.answer(s.createInvoice))
		mux.HandleFunc(prefix+"/invoices/{id}", s.answer(methodNotAllowed("GET, HEAD")))
		mux.HandleFunc("GET "+prefix+"/invoices/{id}", s.answer(s.getInvoice))
		mux.HandleFunc(prefix+"/report", s.answer(methodNotAllowed("GET, HEAD")))
		mux.HandleFunc("GET "+prefix+"/report", s.answer(s.report))
	}
	return mux
}

// clean answers for paths like //invoices, which the mux would redirect.
func clean(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path.Clean("/"+r.URL.Path) {
			write(w, nothingHere())
			return
		}
		next.ServeHTTP(w, r)
	})
}

// serving is an HTTP server at work.
type serving struct {
	server *http.Server
	failed chan error
}

func serve(l net.Listener, resolver core.Resolver, db *stratumpgx.DB, log *slog.Logger) *serving {
	s := &serving{
		server: &http.Server{
			Handler:           handler(resolver, db, log),
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
			ReadHeaderTimeout: 10 * time.Second,
			ReadTimeout:       time.Minute,
			WriteTimeout:      time.Minute,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    64 << 10,
		},
		failed: make(chan error, 1),
	}
	go func() { s.failed <- s.server.Serve(l) }()
	return s
}

// stop lets requests finish for five seconds.
func (s *serving) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = s.server.Close() // Ctrl-C means the end, whoever still waits
	}
	if e := <-s.failed; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
