package integration

import (
	"context"
	"database/sql"
	"io"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"github.com/stratum-hq/stratum-go/adapters/bun"
	"github.com/stratum-hq/stratum-go/adapters/ent"
	"github.com/stratum-hq/stratum-go/adapters/gorm"
	"github.com/stratum-hq/stratum-go/adapters/pgx"
)

// A scopeClient does what cases ask for in the way of its users.
type scopeClient interface {
	bodies(ctx context.Context) ([]string, error) // in order
	add(ctx context.Context, code, body string) error
	upsert(ctx context.Context, code, body string) error
	rename(ctx context.Context, from, to string) (int64, error) // every note that begins with from
	remove(ctx context.Context, code string) (int64, error)
	exec(ctx context.Context, query string) error
	// transact runs fn in a transaction; in one already, in a savepoint.
	transact(ctx context.Context, fn func(ctx context.Context, in scopeClient) error) error
}

// A copier is a client that can COPY, a batcher one that can send several at once.
type (
	copier interface {
		copyIn(ctx context.Context, rows [][]any) (int64, error)
		copyOut(ctx context.Context, w io.Writer) error
	}
	batcher interface {
		batch(ctx context.Context, queries ...string) error
	}
)

var scopeClients = map[string]func(testing.TB, *stratumpgx.DB) scopeClient{
	"pgx": func(_ testing.TB, db *stratumpgx.DB) scopeClient { return pgxClient{db} },
	"sql": func(_ testing.TB, db *stratumpgx.DB) scopeClient { return sqlClient{db.SQL(), nil} },
	"gorm": func(t testing.TB, db *stratumpgx.DB) scopeClient {
		g, err := stratumgorm.Open(db, &gorm.Config{Logger: logger.Discard})
		if err != nil {
			t.Fatal(err)
		}
		return gormClient{g}
	},
	"ent": func(_ testing.TB, db *stratumpgx.DB) scopeClient {
		return entClient{stratument.Driver(db)}
	},
	"bun": func(_ testing.TB, db *stratumpgx.DB) scopeClient { return bunClient{stratumbun.Open(db)} },
}

const (
	selectBodies = "select body from note order by body"
	insertNote   = "insert into note (code, body) values ($1, $2)"
	upsertNote   = insertNote + " on conflict (tenant_id, code) do update set body = excluded.body"
	renameNotes  = "update note set body = $2 where body like $1 || '%'"
	deleteNote   = "delete from note where code = $1"
)

// pgxClient is a DB or a transaction of it.
type pgxClient struct {
	db interface {
		Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
		SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
		CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error)
		Begin(ctx context.Context) (pgx.Tx, error)
	}
}

func (c pgxClient) bodies(ctx context.Context) ([]string, error) {
	rows, _ := c.db.Query(ctx, selectBodies)
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (c pgxClient) affected(ctx context.Context, query string, args ...any) (int64, error) {
	rows, _ := c.db.Query(ctx, query, args...)
	rows.Close()
	return rows.CommandTag().RowsAffected(), rows.Err()
}

func (c pgxClient) add(ctx context.Context, code, body string) error {
	_, err := c.affected(ctx, insertNote, code, body)
	return err
}

func (c pgxClient) upsert(ctx context.Context, code, body string) error {
	_, err := c.affected(ctx, upsertNote, code, body)
	return err
}

func (c pgxClient) rename(ctx context.Context, from, to string) (int64, error) {
	return c.affected(ctx, renameNotes, from, to)
}

func (c pgxClient) remove(ctx context.Context, code string) (int64, error) {
	return c.affected(ctx, deleteNote, code)
}

func (c pgxClient) exec(ctx context.Context, query string) error {
	_, err := c.affected(ctx, query)
	return err
}

func (c pgxClient) transact(ctx context.Context, fn func(context.Context, scopeClient) error) error {
	tx, err := c.db.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := fn(ctx, pgxClient{tx}); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

func (c pgxClient) copyIn(ctx context.Context, rows [][]any) (int64, error) {
	return c.db.CopyFrom(ctx, pgx.Identifier{"note"}, []string{"code", "body"}, pgx.CopyFromRows(rows))
}

func (c pgxClient) copyOut(ctx context.Context, w io.Writer) error {
	_, err := c.db.(*stratumpgx.DB).CopyTo(ctx, w, "copy note (body) to stdout")
	return err
}

func (c pgxClient) batch(ctx context.Context, queries ...string) error {
	b := &pgx.Batch{}
	for _, q := range queries {
		b.Queue(q)
	}
	return c.db.SendBatch(ctx, b).Close()
}

// sqlClient is a *sql.DB or a transaction of it.
type sqlClient struct {
	db *sql.DB
	tx *sql.Tx
}

func (c sqlClient) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if c.tx != nil {
		return c.tx.QueryContext(ctx, query, args...)
	}
	return c.db.QueryContext(ctx, query, args...)
}

func (c sqlClient) affected(ctx context.Context, query string, args ...any) (int64, error) {
	var run interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	} = c.db
	if c.tx != nil {
		run = c.tx
	}
	result, err := run.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func scan(rows *sql.Rows, err error) (bodies []string, _ error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, rows.Err()
}

func (c sqlClient) bodies(ctx context.Context) ([]string, error) {
	return scan(c.query(ctx, selectBodies))
}

func (c sqlClient) add(ctx context.Context, code, body string) error {
	_, err := c.affected(ctx, insertNote, code, body)
	return err
}

func (c sqlClient) upsert(ctx context.Context, code, body string) error {
	_, err := c.affected(ctx, upsertNote, code, body)
	return err
}

func (c sqlClient) rename(ctx context.Context, from, to string) (int64, error) {
	return c.affected(ctx, renameNotes, from, to)
}

func (c sqlClient) remove(ctx context.Context, code string) (int64, error) {
	return c.affected(ctx, deleteNote, code)
}

func (c sqlClient) exec(ctx context.Context, query string) error {
	_, err := c.affected(ctx, query)
	return err
}

func (c sqlClient) transact(ctx context.Context, fn func(context.Context, scopeClient) error) error {
	if c.tx != nil { // database/sql has no savepoints of its own
		if err := c.exec(ctx, "savepoint inner_one"); err != nil {
			return err
		}
		if err := fn(ctx, c); err != nil {
			if back := c.exec(ctx, "rollback to inner_one"); back != nil {
				return back
			}
			return err
		}
		return c.exec(ctx, "release inner_one")
	}
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := fn(ctx, sqlClient{c.db, tx}); err != nil {
		return err
	}
	return tx.Commit()
}

func (c sqlClient) copyIn(context.Context, [][]any) (int64, error) { return -1, nil } // see DriverConn.CopyFromText

func (c sqlClient) copyOut(ctx context.Context, w io.Writer) error {
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(dc any) error {
		_, err := dc.(*stratumpgx.DriverConn).CopyToText(ctx, "copy note (body) to stdout", w)
		return err
	})
}

// gormClient is GORM's own way.
type gormClient struct{ db *gorm.DB }

type gormNote struct {
	ID         int64
	Code, Body string
}

func (gormNote) TableName() string { return "note" }

func (c gormClient) bodies(ctx context.Context) (bodies []string, err error) {
	err = c.db.WithContext(ctx).Model(&gormNote{}).Order("body").Pluck("body", &bodies).Error
	return bodies, err
}

func (c gormClient) add(ctx context.Context, code, body string) error {
	return c.db.WithContext(ctx).Create(&gormNote{Code: code, Body: body}).Error
}

func (c gormClient) upsert(ctx context.Context, code, body string) error {
	return c.db.WithContext(ctx).Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "tenant_id"}, {Name: "code"}},
		DoUpdates: clause.AssignmentColumns([]string{"body"}),
	}).Create(&gormNote{Code: code, Body: body}).Error
}

func (c gormClient) rename(ctx context.Context, from, to string) (int64, error) {
	r := c.db.WithContext(ctx).Model(&gormNote{}).Where("body like ?", from+"%").Update("body", to)
	return r.RowsAffected, r.Error
}

func (c gormClient) remove(ctx context.Context, code string) (int64, error) {
	r := c.db.WithContext(ctx).Where("code = ?", code).Delete(&gormNote{})
	return r.RowsAffected, r.Error
}

func (c gormClient) exec(ctx context.Context, query string) error {
	return c.db.WithContext(ctx).Exec(query).Error
}

func (c gormClient) transact(ctx context.Context, fn func(context.Context, scopeClient) error) error {
	return c.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return fn(ctx, gormClient{tx}) })
}

// entClient is ent's driver, below its generated code; that is conformance's in adapters/ent.
type entClient struct{ d dialect.ExecQuerier }

func (c entClient) bodies(ctx context.Context) ([]string, error) { return entBodies(ctx, c.d) }

func entBodies(ctx context.Context, d dialect.ExecQuerier) ([]string, error) {
	query, args := entsql.Dialect(dialect.Postgres).Select("body").From(entsql.Table("note")).OrderBy("body").Query()
	var rows entsql.Rows
	if err := d.Query(ctx, query, args, &rows); err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var bodies []string
	return bodies, entsql.ScanSlice(&rows, &bodies)
}

func entExec(ctx context.Context, d dialect.ExecQuerier, q interface{ Query() (string, []any) }) (int64, error) {
	query, args := q.Query()
	var result sql.Result
	if err := d.Exec(ctx, query, args, &result); err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (c entClient) add(ctx context.Context, code, body string) error {
	_, err := entExec(ctx, c.d, entsql.Dialect(dialect.Postgres).Insert("note").Columns("code", "body").Values(code, body))
	return err
}

func (c entClient) upsert(ctx context.Context, code, body string) error {
	_, err := entExec(ctx, c.d, entsql.Dialect(dialect.Postgres).Insert("note").Columns("code", "body").Values(code, body).
		OnConflict(entsql.ConflictColumns("tenant_id", "code"), entsql.ResolveWithNewValues()))
	return err
}

func (c entClient) rename(ctx context.Context, from, to string) (int64, error) {
	return entExec(ctx, c.d, entsql.Dialect(dialect.Postgres).Update("note").Set("body", to).Where(entsql.HasPrefix("body", from)))
}

func (c entClient) remove(ctx context.Context, code string) (int64, error) {
	return entExec(ctx, c.d, entsql.Dialect(dialect.Postgres).Delete("note").Where(entsql.EQ("code", code)))
}

func (c entClient) exec(ctx context.Context, query string) error {
	return c.d.Exec(ctx, query, []any{}, nil)
}

func (c entClient) transact(ctx context.Context, fn func(context.Context, scopeClient) error) error {
	if tx, ok := c.d.(dialect.Tx); ok { // ent has no savepoints of its own
		inner := sqlClient{tx: tx.(*entsql.Tx).ExecQuerier.(*sql.Tx)}
		return inner.transact(ctx, func(ctx context.Context, _ scopeClient) error { return fn(ctx, c) })
	}
	tx, err := c.d.(dialect.Driver).Tx(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := fn(ctx, entClient{tx}); err != nil {
		return err
	}
	return tx.Commit()
}

// bunClient is bun's own way.
type bunClient struct{ db bun.IDB }

type bunNote struct {
	bun.BaseModel `bun:"table:note"`

	ID         int64 `bun:",pk,autoincrement"`
	Code, Body string
}

func (c bunClient) bodies(ctx context.Context) (bodies []string, err error) {
	err = c.db.NewSelect().Model((*bunNote)(nil)).Column("body").Order("body").Scan(ctx, &bodies)
	return bodies, err
}

func (c bunClient) add(ctx context.Context, code, body string) error {
	_, err := c.db.NewInsert().Model(&bunNote{Code: code, Body: body}).Exec(ctx)
	return err
}

func (c bunClient) upsert(ctx context.Context, code, body string) error {
	_, err := c.db.NewInsert().Model(&bunNote{Code: code, Body: body}).On("CONFLICT (tenant_id, code) DO UPDATE").Set("body = EXCLUDED.body").Exec(ctx)
	return err
}

func (c bunClient) rename(ctx context.Context, from, to string) (int64, error) {
	r, err := c.db.NewUpdate().Model((*bunNote)(nil)).Set("body = ?", to).Where("body like ?", from+"%").Exec(ctx)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (c bunClient) remove(ctx context.Context, code string) (int64, error) {
	r, err := c.db.NewDelete().Model((*bunNote)(nil)).Where("code = ?", code).Exec(ctx)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (c bunClient) exec(ctx context.Context, query string) error {
	_, err := c.db.ExecContext(ctx, strings.ReplaceAll(query, "?", `\?`))
	return err
}

func (c bunClient) transact(ctx context.Context, fn func(context.Context, scopeClient) error) error {
	return c.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return fn(ctx, bunClient{tx}) })
}
