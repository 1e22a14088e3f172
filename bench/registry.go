package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"testing/fstest"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// install starts a server for the library.
func install(ctx context.Context) (*embedpg.Server, error) {
	return embedpg.Start(ctx, embedpg.Config{Database: database})
}

// open opens the library as a program that has these migrations and keeps these spares.
func open(ctx context.Context, server *embedpg.Server, files fs.FS, spares map[core.Strategy]int) (*stratum.Stratum, error) {
	cfg := stratum.Config{AutoMigrate: true, Spares: spares, Logger: slog.New(slog.DiscardHandler)}
	if files != nil {
		cfg.Provision = placement.Config{Owner: server.URL(embedpg.Superuser, database), Migrations: files}
	}
	return stratum.Open(ctx, server.URL(embedpg.Lib, database), cfg)
}

// application has so many migrations, each of which makes a table.
func application(migrations int) fs.FS {
	files := fstest.MapFS{}
	for i := 1; i <= migrations; i++ {
		files[fmt.Sprintf("%05d_t%d.sql", i, i)] = &fstest.MapFile{Data: fmt.Appendf(nil, `-- +goose Up
create table t%[1]d (id bigint generated always as identity primary key, name text not null, made_at timestamptz not null default now());
create index on t%[1]d (name);
`, i)}
	}
	return files
}

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
	if l.server, err = install(ctx); err != nil {
		return l, err
	}
	if l.lib, err = open(ctx, l.server, nil, nil); err != nil {
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
