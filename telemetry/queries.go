package telemetry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/stratum-hq/stratum-go/core"
)

// Queries traces what pgx does: queries, batches, COPY, preparing, and slow acquisition of
// connections. It is for the field Tracer of a pgx.ConnConfig.
type Queries struct{ t *Telemetry }

var (
	_ pgx.QueryTracer       = (*Queries)(nil)
	_ pgx.BatchTracer       = (*Queries)(nil)
	_ pgx.CopyFromTracer    = (*Queries)(nil)
	_ pgx.PrepareTracer     = (*Queries)(nil)
	_ pgxpool.AcquireTracer = (*Queries)(nil)
)

// Queries returns the tracer of queries. Where there is another one already, put both into
// a multitracer.Tracer of pgx.
func (t *Telemetry) Queries() *Queries { return &Queries{t} }

// start begins a span if there is one around it. name is the operation, or says more.
func (q *Queries) start(ctx context.Context, conn *pgx.Conn, name string, own ...attribute.KeyValue) context.Context {
	attrs := make([]attribute.KeyValue, 0, 12)
	attrs = append(attrs, server(conn)...)
	attrs = appendScope(append(attrs, own...), ctx)
	ctx, _ = q.t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	return ctx
}

// serverKey is where a connection keeps what server returns.
const serverKey = scopeName

// server says where a connection leads. pgx copies a configuration that it is asked for, so
// it is asked once for each connection.
func server(conn *pgx.Conn) []attribute.KeyValue {
	data := conn.PgConn().CustomData()
	if known, ok := data[serverKey].([]attribute.KeyValue); ok {
		return known
	}
	cfg := conn.Config()
	attrs := []attribute.KeyValue{
		semconv.DBSystemNamePostgreSQL, semconv.DBNamespace(cfg.Database),
		semconv.ServerAddress(cfg.Host), semconv.ServerPort(int(cfg.Port)),
	}
	data[serverKey] = attrs
	return attrs
}

// recording reports whether ctx has a span that a new one would be a child of.
func recording(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// appendScope says on whose behalf work is done. Inside a transaction a context may say
// nothing, and inherits what the spans around it say.
func appendScope(attrs []attribute.KeyValue, ctx context.Context) []attribute.KeyValue {
	scope, err := core.ScopeFrom(ctx)
	if err != nil {
		return append(attrs, ScopeKey.String("none"))
	}
	attrs = append(attrs, ScopeKey.String(scope.Mode.String()))
	if scope.Mode == core.ModeSystem {
		return append(attrs, ReasonKey.String(scope.Reason))
	}
	return append(attrs, TenantKey.String(scope.Tenant.String()))
}

// end ends the span that start began. If it began none, that of ctx does not record.
func end(ctx context.Context, err error, attrs ...attribute.KeyValue) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attrs...)
	fail(span, err)
	span.End()
}

// fail reports what kind of error there was. The message of an error may repeat data.
func fail(span trace.Span, err error) {
	if err == nil {
		return
	}
	var pe *pgconn.PgError
	kind := ""
	switch {
	case errors.As(err, &pe):
		kind = pe.Code
		span.SetAttributes(semconv.DBResponseStatusCode(pe.Code))
	case errors.Is(err, context.Canceled):
		kind = "context.Canceled"
	case errors.Is(err, context.DeadlineExceeded):
		kind = "context.DeadlineExceeded"
	default:
		if code := codeOf(err); code != otherCode {
			kind = string(code)
		} else {
			kind = fmt.Sprintf("%T", err)
		}
	}
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
	span.SetStatus(codes.Error, kind)
}

// TraceQueryStart implements [pgx.QueryTracer].
func (q *Queries) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if !recording(ctx) {
		return ctx
	}
	return q.start(ctx, conn, summary(data.SQL), q.statement(data.SQL)...)
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (q *Queries) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	if data.CommandTag.Select() && recording(ctx) {
		end(ctx, data.Err, semconv.DBResponseReturnedRows(int(data.CommandTag.RowsAffected())))
		return
	}
	end(ctx, data.Err)
}

// TraceBatchStart implements [pgx.BatchTracer].
func (q *Queries) TraceBatchStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	if !recording(ctx) {
		return ctx
	}
	attrs := []attribute.KeyValue{semconv.DBOperationName("BATCH")}
	if data.Batch != nil {
		queued := data.Batch.QueuedQueries
		attrs = append(attrs, semconv.DBOperationBatchSize(len(queued)))
		if op, same := sharedOperation(queued); same {
			attrs[0] = semconv.DBOperationName("BATCH " + op)
		}
	}
	return q.start(ctx, conn, attrs[0].Value.AsString(), attrs...)
}

// sharedOperation is the operation of all queries of a batch, if it is one.
func sharedOperation(queued []*pgx.QueuedQuery) (string, bool) {
	shared := ""
	for i, query := range queued {
		op := operation(query.SQL)
		if i > 0 && op != shared {
			return "", false
		}
		shared = op
	}
	return shared, shared != ""
}

// TraceBatchQuery implements [pgx.BatchTracer]: a query that fails says so on the span
// of its batch.
func (q *Queries) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	if span := trace.SpanFromContext(ctx); data.Err != nil && span.IsRecording() {
		fail(span, data.Err)
	}
}

// TraceBatchEnd implements [pgx.BatchTracer].
func (q *Queries) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	end(ctx, data.Err)
}

// TraceCopyFromStart implements [pgx.CopyFromTracer].
func (q *Queries) TraceCopyFromStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceCopyFromStartData) context.Context {
	if !recording(ctx) {
		return ctx
	}
	attrs := []attribute.KeyValue{semconv.DBOperationName("COPY")}
	name := "COPY"
	if t := data.TableName; len(t) > 0 && t[0] != "pg_temp" { // a staging table has another name each time
		table := strings.Join(t, ".")
		attrs = append(attrs, semconv.DBCollectionName(table))
		name += " " + table
	}
	return q.start(ctx, conn, name, attrs...)
}

// TraceCopyFromEnd implements [pgx.CopyFromTracer].
func (q *Queries) TraceCopyFromEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceCopyFromEndData) {
	end(ctx, data.Err)
}

// TracePrepareStart implements [pgx.PrepareTracer].
func (q *Queries) TracePrepareStart(ctx context.Context, conn *pgx.Conn, data pgx.TracePrepareStartData) context.Context {
	if !recording(ctx) {
		return ctx
	}
	attrs := append(q.statement(data.SQL), semconv.DBOperationName("PREPARE")) // the last one of a key counts
	return q.start(ctx, conn, "PREPARE "+summary(data.SQL), attrs...)
}

// TracePrepareEnd implements [pgx.PrepareTracer].
func (q *Queries) TracePrepareEnd(ctx context.Context, _ *pgx.Conn, data pgx.TracePrepareEndData) {
	end(ctx, data.Err)
}

type acquireKey struct{}

// TraceAcquireStart implements [pgxpool.AcquireTracer].
func (q *Queries) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	if !recording(ctx) {
		return ctx
	}
	return context.WithValue(ctx, acquireKey{}, time.Now())
}

// TraceAcquireEnd implements [pgxpool.AcquireTracer]. What took no time leaves no span.
func (q *Queries) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	started, ok := ctx.Value(acquireKey{}).(time.Time)
	if !ok || data.Err == nil && time.Since(started) < q.t.cfg.SlowAcquire {
		return
	}
	attrs := appendScope([]attribute.KeyValue{semconv.DBSystemNamePostgreSQL}, ctx)
	_, span := q.t.tracer.Start(ctx, "pool.acquire", trace.WithTimestamp(started), trace.WithAttributes(attrs...))
	fail(span, data.Err)
	span.End()
}

// statement is what a span says of a statement.
func (q *Queries) statement(sql string) []attribute.KeyValue {
	attrs := make([]attribute.KeyValue, 0, 4)
	if op := operation(sql); op != "" {
		attrs = append(attrs, semconv.DBOperationName(op))
	}
	attrs = append(attrs, semconv.DBQuerySummary(summary(sql)))
	if q.t.cfg.QueryText {
		attrs = append(attrs, semconv.DBQueryText(sql))
	}
	return attrs
}
