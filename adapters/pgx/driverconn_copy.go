package stratumpgx

import (
	"context"
	"io"
)

// CopyFromText executes sql, a COPY … FROM STDIN, in the scope of ctx, with what r yields
// as its data. It returns the number of rows. PostgreSQL refuses it for a table under
// row-level security; [DB.CopyFrom] finds a way round.
func (c *DriverConn) CopyFromText(ctx context.Context, sql string, r io.Reader) (int64, error) {
	if _, err := c.bind(ctx); err != nil {
		return 0, err
	}
	tag, err := c.unit.conn.PgConn().CopyFrom(ctx, r, sql)
	return tag.RowsAffected(), c.explain(err)
}

// CopyToText executes sql, a COPY … TO STDOUT, in the scope of ctx, and writes its data to
// w. It returns the number of rows.
func (c *DriverConn) CopyToText(ctx context.Context, sql string, w io.Writer) (int64, error) {
	if _, err := c.bind(ctx); err != nil {
		return 0, err
	}
	tag, err := c.unit.conn.PgConn().CopyTo(ctx, w, sql)
	return tag.RowsAffected(), c.explain(err)
}

// WaitNotification waits for a notification of a channel that this connection listens
// to, after a LISTEN in the same scope, until ctx ends. The end of ctx leaves the
// connection usable. LISTEN marks the session, so that it is cleaned when it is given back
// (see [Config.Reset]). Channels are of the whole database: every tenant can listen.
func (c *DriverConn) WaitNotification(ctx context.Context) (channel, payload string, err error) {
	if _, err := c.bind(ctx); err != nil {
		return "", "", err
	}
	n, err := c.unit.conn.WaitForNotification(ctx)
	if err != nil {
		return "", "", c.explain(err)
	}
	return n.Channel, n.Payload, nil
}
