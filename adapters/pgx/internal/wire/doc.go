// Package wire scopes a PostgreSQL connection below the client library.
//
// A [Conn] stands between pgx and the socket and reads the frames of protocol 3.0
// in both directions. In front of every implicit transaction it sends a scope, a
// handful of transaction-local settings, in the same flush; the answers to it are
// taken out of what comes back. Neither side notices: no extra round trip, no
// allocation, and batches, pipelines, tracers and every exec mode work unchanged.
//
// PostgreSQL treats everything up to a Sync as one implicit transaction
// (documentation, "Extended Query", "Pipelining"), and the statements of one simple
// Query likewise, so the scope is in force for exactly that long.
//
// # Rules
//
//   - The scope goes in front of a segment, the frames up to a Sync or Query, only when
//     the server was last heard to be idle. A segment sent while an earlier one is
//     unanswered is held back until ReadyForQuery tells.
//   - Extended segments get Bind and Execute of a named statement, which is prepared at
//     first use, or each time through a pooler. Simple queries get SET LOCAL as text,
//     since PostgreSQL 18 keeps a transaction open in which extended messages stand in
//     front of a Query. No SQL is ever inspected.
//   - Of the answer, exactly the expected frames are removed, and the settings that the
//     server repeats must be the ones asked for. Anything else closes the connection.
//   - A transaction that ends in the middle of a segment takes the scope with it. What
//     comes after is [core.ErrScopeEnded] instead of an empty result.
//   - Command tags tell what a session may have been left with ([Conn.Marks]).
//
// There are four states. [Wrap] starts in start-up, in which bytes pass unseen. After
// that a connection is armed with a scope, raw (frames are followed, nothing is added),
// or released: then only the pool's ping and Terminate pass.
package wire
