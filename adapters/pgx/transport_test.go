package stratumpgx_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// TestTransports runs the same work over a Unix socket, TCP with SCRAM, and TLS with
// SCRAM, where channel binding would be possible.
func TestTransports(t *testing.T) {
	// The key must belong to the server's user, whom only a started server tells.
	folder, err := os.MkdirTemp("", "stratum-tls-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	first := database(t)
	if first.Server().SocketDir() == "" {
		t.Skip("the server was not started by this process, so its user is not known")
	}
	certificate(t, folder, first.Server().SocketDir())
	ctx := context.Background()
	server, err := embedpg.Start(ctx, embedpg.Config{TCP: true, Settings: map[string]string{
		"ssl": "on", "ssl_cert_file": filepath.Join(folder, "cert.pem"), "ssl_key_file": filepath.Join(folder, "key.pem"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	if err := server.CreateDatabase(ctx, "transport", ""); err != nil {
		t.Fatal(err)
	}
	admin, err := pgx.Connect(ctx, server.URL(embedpg.Superuser, "transport"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec(ctx, schema); err != nil {
		t.Fatal(err)
	}
	_ = admin.Close(ctx)

	tcp := server.TCPURL(embedpg.App, "transport")
	for name, dsn := range map[string]string{
		"unix socket": server.URL(embedpg.App, "transport"),
		"tcp":         with(tcp, "sslmode=disable"),
		"tls":         with(tcp, "sslmode=verify-ca&sslrootcert="+filepath.Join(folder, "cert.pem")),
		"tls, prefer": with(tcp, "sslmode=require&channel_binding=prefer"),
	} {
		t.Run(name, func(t *testing.T) {
			db, err := stratumpgx.Open(t.Context(), dsn, stratumpgx.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for range 3 {
				if n := count(t, as(tenantA), db); n != notesOfA {
					t.Fatalf("A sees %d notes", n)
				}
				mustSQLCount(t, as(tenantB), db.SQL(), notesOfB)
			}
			var size int
			big := make([]byte, 3<<20) // larger than every buffer on the way
			if err := db.QueryRow(as(tenantA), "select length($1::bytea)", big).Scan(&size); err != nil || size != len(big) {
				t.Fatal(size, err)
			}
			if err := db.QueryRow(as(tenantA), "select $1::bytea", big).Scan(&big); err != nil || len(big) != size {
				t.Fatal(len(big), err)
			}
			pause(t, 1100*time.Millisecond) // the liveness check looks below TLS
			if n := count(t, as(tenantB), db); n != notesOfB {
				t.Fatalf("B sees %d notes", n)
			}
		})
	}
}

// with adds parameters to a connection URL.
func with(dsn, params string) string {
	for _, c := range dsn {
		if c == '?' {
			return dsn + "&" + params
		}
	}
	return dsn + "?" + params
}

// certificate writes cert.pem and key.pem for 127.0.0.1, owned by the owner of a folder.
func certificate(t *testing.T, folder, ownerOf string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(ownerOf)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
}
