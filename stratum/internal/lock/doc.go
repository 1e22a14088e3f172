// Package lock holds names on a PostgreSQL server for as long as a connection lives.
//
//	err := lock.Wait(ctx, conn, "provisioning of 0198a1b2-…")
//
// These are advisory locks of the session. The server lets go of one when the
// connection's backend ends, which is when it has finished what it was doing: whoever
// gets the lock afterwards knows that nothing of the former holder still runs, whether it
// went away in peace, was cancelled or was killed. They belong to one database.
package lock
