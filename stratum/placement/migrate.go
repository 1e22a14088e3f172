package placement

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// ErrBusy is the error of [Provisioner.Migrate] when somebody else is at work on the place.
var ErrBusy = errors.New("placement: somebody else is at work on this place")

// aside is how long it may take to read a version although the context has ended.
const aside = 2 * time.Second

// Migrate applies the migrations that a place lacks. It returns the version that it found
// and the one that it left, also with an error, which names the migration that failed; 0
// is one that is not known. Only one Migrate is at work on a place: others wait, or get
// [ErrBusy] if they do not want to.
func (p *Provisioner) Migrate(ctx context.Context, at core.Placement, files fs.FS, wait bool) (from, to int64, err error) {
	latest, err := Latest(files)
	if err != nil {
		return 0, 0, err
	}
	server, name := p.owner, at.Schema
	if at.Strategy == core.DatabasePerTenant {
		if server, name, err = p.server(at); err != nil {
			return 0, 0, err
		}
	}
	if name == "" || name != cleaned(name) {
		return 0, 0, core.Errorf(core.ScopeUnsupported, "the place %q is none that was provisioned", name)
	}
	bring := func(conn *pgx.Conn) (err error) {
		from, err = version(ctx, conn, at)
		to = from
		if err != nil || from >= latest {
			return err
		}
		failed := p.up(ctx, conn, at, files)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), aside)
		defer cancel()
		if reached, e := version(ctx, conn, at); e == nil {
			to = reached
		} else if failed == nil {
			return e
		}
		return failed
	}
	switch at.Strategy {
	case core.SchemaPerTenant:
		err = p.locked(ctx, within(server, "", name), name, wait, bring)
	case core.DatabasePerTenant:
		err = p.locked(ctx, server, name, wait, func(*pgx.Conn) error {
			return p.connected(ctx, within(server, name, "public"), name, bring)
		})
	default:
		err = unsupported(at)
	}
	return from, to, err
}
