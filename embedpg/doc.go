// Package embedpg runs a real PostgreSQL that a Go process starts and owns, for
// development and for tests.
//
//	srv, err := embedpg.Start(ctx, embedpg.Config{Database: "shop"})
//	if err != nil {
//		return err
//	}
//	defer srv.Stop()
//	conn, err := pgx.Connect(ctx, srv.URL(embedpg.App, "shop"))
//
// For a database per test see the package pgtest.
//
// # What it needs
//
// The PostgreSQL server programs, version 14 or newer, installed in any usual
// way; nothing is downloaded. [Find] says where they are looked for: the
// environment variable STRATUM_PG_BIN first, then PATH, then the folders of
// Debian, RHEL, Alpine, Homebrew, Postgres.app and npm. No docker, no service,
// no root, no fixed port.
//
// # What it makes
//
// [Start] makes one folder, and in it a data folder, a socket and nothing else; [Server.Stop]
// removes the folder. On Linux it lies in /dev/shm when there is room, otherwise
// in the temporary folder of the system. Durability is switched off: a database
// of this package does not survive a power failure, nor its own Stop.
//
// On Linux in /dev/shm a pristine data folder (some 25 MB) is kept beside them, one for each user
// and PostgreSQL, in the folder stratum-pg-cache-UID, mode 0700. It replaces initdb, which is most of the
// time of a start. It is used only if it belongs to the user and nobody else can
// enter it, and may be deleted at any time.
//
// # Who may connect
//
// The server listens on a Unix socket in a folder that only the user who runs the server
// (and root) can enter; there it trusts everyone. With [Config.TCP] it also listens
// on 127.0.0.1, never on another address, and asks for passwords (SCRAM-SHA-256), which are
// made up at each start and known only to [Server.TCPURL]. The server never sees
// them in clear, so they are in no log and no error.
//
// # Root
//
// PostgreSQL refuses to run as root. A root process starts it as the user
// postgres, or as nobody where there is no such user; that user must be able
// to read the programs. Any other process starts it as itself.
//
// # The end of the process
//
// Stop kills the server and waits for it. If the process dies without Stop, be it
// by kill -9, then on Linux the kernel kills the server within moments, and the
// next Start in the same parent folder removes the folder that was left behind.
// On macOS and the BSDs the server lives on until that next Start, which kills it first.
// Who is dead is told by a file lock, not by a process id that may be in use again.
// A user's leftovers are removed by the same user only.
//
// Windows is not supported: there, the package builds and Start returns an error that wraps
// [errors.ErrUnsupported]. [Attach] works everywhere.
//
// # Roles
//
// Start makes the five roles that the Stratum library tells apart ([Owner], [App],
// [System], [Subtree], [Lib]); see [CreateRoles]. [Server.CreateDatabase] makes
// databases with the grants that they need.
package embedpg
