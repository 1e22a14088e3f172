package stratumpgx_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

// pgbouncer starts a PgBouncer in transaction mode with few server connections in
// front of a database, and returns the connection string through it.
func pgbouncer(t *testing.T, d *pgtest.Database) string {
	t.Helper()
	bin := os.Getenv("STRATUM_PGBOUNCER_BIN")
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil && bin == "" {
			bin = path
		}
	}
	if bin == "" {
		const message = "PgBouncer is not installed; on Debian: apt-get install pgbouncer"
		if os.Getenv(pgtest.EnvRequired) == "1" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	if d.Server().SocketDir() == "" {
		t.Skip("the server was not started by this process")
	}
	folder, err := os.MkdirTemp(filepath.Dir(d.Server().SocketDir()), "bouncer-")
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(d.Server().SocketDir())
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	upstream, err := pgx.ParseConfig(d.URL(embedpg.App))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	users := write("users.txt", `"stratum_app" ""`+"\n")
	config := write("pgbouncer.ini", fmt.Sprintf(`[databases]
app = host=%s port=%d dbname=%s user=stratum_app
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = %s
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = 3
max_client_conn = 100
`, upstream.Host, upstream.Port, d.Name, folder, users))
	if err := os.Chown(folder, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-q", config)
	log := &lockedBuffer{}
	cmd.Stderr = log
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid, Groups: []uint32{}}}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(folder)
	})
	socket := filepath.Join(folder, ".s.PGSQL.6432")
	for deadline := time.Now().Add(10 * time.Second); ; {
		if c, err := net.Dial("unix", socket); err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("PgBouncer does not answer: ", log.String())
		}
		pause(t, 5*time.Millisecond)
	}
	return "postgres://stratum_app@/app?host=" + url.QueryEscape(folder) + "&port=6432"
}

type lockedBuffer struct {
	mu sync.Mutex
	b  []byte
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b = append(b.b, p...)
	return len(p), nil
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.b)
}

// TestThroughPgBouncer: more clients than server connections, two tenants, in every
// mode that a transaction pooler allows.
func TestThroughPgBouncer(t *testing.T) {
	d := database(t)
	dsn := pgbouncer(t, d)
	for _, params := range []string{"", "&default_query_exec_mode=exec", "&default_query_exec_mode=cache_describe", "&default_query_exec_mode=simple_protocol"} {
		t.Run(params, func(t *testing.T) {
			db, err := stratumpgx.Open(t.Context(), dsn+params+"&pool_max_conns=12", stratumpgx.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var wg sync.WaitGroup
			for g := range 12 {
				wg.Go(func() { throughPooler(t, db, g) })
			}
			wg.Wait()
		})
	}
	t.Run("soak", func(t *testing.T) {
		db, err := stratumpgx.Open(t.Context(), dsn+"&pool_max_conns=8", stratumpgx.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		f := &fuzzer{t: t, db: db, pooled: true, succeeded: new(sync.Map)}
		f.run(*soak / 10)
	})
}

func throughPooler(t *testing.T, db *stratumpgx.DB, g int) {
	tenant, want := tenantA, notesOfA
	if g%2 == 1 {
		tenant, want = tenantB, notesOfB
	}
	check := func(how string, n int, err error) {
		if err != nil || n != want {
			t.Errorf("%s: %s sees %d notes, %v", how, tenant.Slug, n, err)
		}
	}
	for range 20 {
		n, err := sqlCount(as(tenant), db.SQL())
		check("sql", n, err)
		err = db.QueryRow(as(tenant), "select count(*) from note where id <= $1", 30).Scan(&n)
		check("pgx", n, err)
		err = db.BeginTxFunc(as(tenant), pgx.TxOptions{IsoLevel: pgx.Serializable, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			return tx.QueryRow(context.Background(), "select count(*) from note where id <= $1", 30).Scan(&n)
		})
		check("transaction", n, err)
		b := &pgx.Batch{}
		for range 5 {
			b.Queue("select count(*) from note where id <= $1", 30).QueryRow(func(row pgx.Row) error {
				err := row.Scan(&n)
				check("batch", n, err)
				return err
			})
		}
		if err := db.SendBatch(as(tenant), b).Close(); err != nil {
			t.Error(err)
		}
		if err := db.BeginFunc(as(tenant), func(tx pgx.Tx) error {
			_, err := tx.CopyFrom(as(tenant), pgx.Identifier{"note"}, []string{"body"}, bodies(60))
			if err == nil {
				err = core.ErrInternal // roll back
			}
			return err
		}); err != core.ErrInternal {
			t.Error(err)
		}
	}
}
