package embedpg

import (
	"net"
	"strconv"
	"sync"
)

// localhost is the only address that a server listens on.
const localhost = "127.0.0.1"

// Server is a running PostgreSQL: one that [Start] started, or one that [Attach] found. Its
// methods may be called by several goroutines at once.
type Server struct {
	admins    admins
	super     string // the superuser's name
	version   int
	database  string   // what an empty name means
	empty     string   // the template of empty databases
	prepared  sync.Map // names of databases whose schema public has the right rights
	address   address
	passwords map[string]string // by role; nil if none are needed

	// Of a started server only.
	proc   *process
	folder *folder
	log    *tail
	stop   func() error // once
}

// String names the server and holds no secret.
func (s *Server) String() string {
	if s.folder != nil {
		return "PostgreSQL in " + s.folder.path
	}
	return "PostgreSQL at " + net.JoinHostPort(s.admins.config.Host, strconv.Itoa(int(s.admins.config.Port)))
}

// GoString is [Server.String], so that no way of printing shows passwords.
func (s *Server) GoString() string { return s.String() }

// Version is the server's version as a number, 150018 for 15.18.
func (s *Server) Version() int { return s.version }

// SocketDir is the folder of the server's Unix socket; empty for an attached
// server that was reached over TCP.
func (s *Server) SocketDir() string { return s.address.socketDir }

// Addr is host and port of the TCP listener; empty without one.
func (s *Server) Addr() string {
	if s.address.host == "" {
		return ""
	}
	return net.JoinHostPort(s.address.host, strconv.Itoa(s.address.port))
}

// Done is closed when a started server has ended: by Stop, or because it died. For an attached
// server it is nil.
func (s *Server) Done() <-chan struct{} {
	if s.proc == nil {
		return nil
	}
	return s.proc.done
}

// Stop kills the server, waits for its end and removes its folder. Connections break. It may be
// called several times, from several goroutines: all get the first one's result.
// An attached server goes on; only this package's connections to it are closed.
func (s *Server) Stop() error {
	s.admins.close()
	if s.stop == nil {
		return nil
	}
	return s.stop()
}

// stopOnce makes [Server.Stop] of what has been started so far.
func (s *Server) stopOnce() func() error {
	return sync.OnceValue(func() error {
		if s.proc == nil {
			return s.folder.remove()
		}
		died := s.proc.ended()
		err := s.proc.stop()
		if died {
			err = explain(s.deathOf(s.proc), s.log)
		}
		if e := s.folder.remove(); err == nil {
			err = e
		}
		return err
	})
}
