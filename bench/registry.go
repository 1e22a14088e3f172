package main

import (
	"context"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// looked is a registry with one tenant in it, on a server of its own.
type looked struct {
	server *embedpg.Server
	lib    *stratum.Stratum
	direct core.Resolver // asks the database each time
	slug   string
}

func registry(ctx context.Context) (l *looked, err error) {
	l = &looked{slug: "acme"}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.server, err = embedpg.Start(ctx, embedpg.Config{Database: database}); err != nil {
		return l, err
	}
	if l.lib, err = stratum.Open(ctx, l.server.URL(embedpg.Lib, database), stratum.Config{AutoMigrate: true}); err != nil {
		return l, err
	}
	if _, err = l.lib.Tenants.Create(ctx, tenant.New{Name: "Acme", Slug: l.slug}); err != nil {
		return l, err
	}
	l.direct = core.ResolverFunc(l.lib.Tenants.Resolve)
	return l, nil
}

func (l *looked) close() {
	if l.lib != nil {
		l.lib.Close()
	}
	if l.server != nil {
		_ = l.server.Stop()
	}
}
