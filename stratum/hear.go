package stratum

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/listen"
)

// listen has the database tell of changes, until ctx ends. Before it does, nothing is cached.
func (s *Stratum) listen(ctx context.Context, dsn string, log *slog.Logger) error {
	config, err := pgxpool.ParseConfig(dsn) // takes the parameters of a pool, too
	if err != nil {
		return core.Errorf(core.Validation, "Config.Listen is no connection string").With("field", "Listen")
	}
	s.resolver.Bypass(true)
	s.running.Go(func() {
		listen.Listen(ctx, listen.Config{Conn: config.ConnConfig, Logger: log}, listen.Hearer{
			Changed: s.resolver.InvalidateSubtree,
			All:     s.resolver.Flush,
			Deaf:    s.resolver.Bypass,
		})
	})
	return nil
}
