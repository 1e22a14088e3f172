package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/integration/upstream/suite"
)

// options are the flags of the command.
type options struct {
	src, module, pkg, patch, accepted string
	root                              string // of this repository
	env                               string // where the suite looks for its connection string
	run, skip                         string
}

func main() {
	var o options
	flag.StringVar(&o.src, "src", "", "checkout of the suite")
	flag.StringVar(&o.module, "module", ".", "folder of the suite's go.mod in it")
	flag.StringVar(&o.pkg, "package", ".", "the package, from there")
	flag.StringVar(&o.patch, "patch", "", "patch to apply to a copy of the checkout")
	flag.StringVar(&o.accepted, "accepted", "", "list of accepted differences")
	flag.StringVar(&o.root, "root", ".", "root of this repository")
	flag.StringVar(&o.env, "env", "DATABASE_URL", "environment variable in which the suite looks for its connection string")
	flag.StringVar(&o.run, "run", "", "only the tests that match, as of go test")
	flag.StringVar(&o.skip, "skip", "", "but not those that match")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := compare(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "upstream:", err)
		os.Exit(1)
	}
}

// compare runs the suite twice and reports.
func compare(ctx context.Context, o options) (err error) {
	accepted, err := readAccepted(o.accepted)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "stratum-upstream-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := prepare(ctx, o, dir); err != nil {
		return err
	}
	server, err := embedpg.Start(ctx, embedpg.Config{TCP: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	plain, err := runOn(ctx, o, dir, server, "plain")
	if err != nil {
		return err
	}
	scoped, err := runOn(ctx, o, dir, server, "scoped")
	if err != nil {
		return err
	}
	return report(os.Stdout, plain, scoped, accepted, o.run != "" || o.skip != "")
}

// prepare makes the copy, patches it and writes its workspace.
func prepare(ctx context.Context, o options, dir string) error {
	source := filepath.Join(dir, "src")
	if err := os.CopyFS(source, os.DirFS(o.src)); err != nil {
		return err
	}
	patch, err := filepath.Abs(o.patch)
	if err != nil {
		return err
	}
	root, err := filepath.Abs(o.root)
	if err != nil {
		return err
	}
	// A copy from the module cache is read-only.
	if err := command(ctx, dir, nil, "chmod", "-R", "u+w", source).Run(); err != nil {
		return fmt.Errorf("making the copy writable: %w", err)
	}
	if out, err := command(ctx, source, nil, "git", "apply", "--unidiff-zero", patch).CombinedOutput(); err != nil {
		return fmt.Errorf("the patch %s does not fit the checkout: %w\n%s", patch, err, out)
	}
	use := []string{"work", "init", filepath.Join(source, o.module)}
	for _, module := range []string{"core", "adapters/pgx", "embedpg", "integration"} {
		use = append(use, filepath.Join(root, module))
	}
	if out, err := command(ctx, dir, []string{"GOWORK="}, "go", use...).CombinedOutput(); err != nil {
		return fmt.Errorf("writing the workspace: %w\n%s", err, out)
	}
	return nil
}

// runOn runs the suite on a database of its own.
func runOn(ctx context.Context, o options, dir string, server *embedpg.Server, mode string) (results, error) {
	name := "upstream_" + mode
	if err := server.CreateDatabase(ctx, name, ""); err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, server.URL(embedpg.Superuser, name))
	if err != nil {
		return nil, err
	}
	owner := pgx.Identifier{embedpg.App}.Sanitize()
	_, err = conn.Exec(ctx, "ALTER DATABASE "+pgx.Identifier{name}.Sanitize()+" OWNER TO "+owner+";ALTER SCHEMA public OWNER TO "+owner, pgx.QueryExecModeSimpleProtocol)
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return nil, err
	}
	env := []string{"GOWORK=" + filepath.Join(dir, "go.work"), "GOFLAGS=-buildvcs=false", o.env + "=" + server.TCPURL(embedpg.App, name)}
	if mode == "scoped" {
		env = append(env, suite.EnvScoped+"=1")
	}
	args := []string{"test", "-json", "-count=1", "-timeout=10m", "-run=" + o.run, "-skip=" + o.skip, o.pkg}
	return runTests(command(ctx, filepath.Join(dir, "src", o.module), env, "go", args...), mode)
}

func command(ctx context.Context, dir string, env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	return cmd
}
