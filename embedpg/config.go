package embedpg

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Config says how [Start] starts a server. The zero Config is a good one: the newest
// PostgreSQL that [Find] finds, on a Unix socket, without a port.
type Config struct {
	// BinDir is the folder that holds initdb and postgres. Empty: what [Find] returns.
	BinDir string

	// Dir is the folder in which the server's own folder is made; it must exist, and
	// be reachable by the user that runs the server. Keep it short: a socket's path
	// ends at about 100 bytes. Empty: /dev/shm on Linux with 512 MB free there, else the
	// system's folder for temporary files.
	Dir string

	// TCP makes the server listen on 127.0.0.1 too, with passwords. Default: only on
	// the Unix socket.
	TCP bool

	// Port is the TCP port; it needs TCP. 0: any free one.
	Port int

	// Settings are server settings, like "work_mem": "64MB". They win over the
	// settings of this package, except those that decide who may connect and where
	// the data is, which are refused. Nil: none.
	Settings map[string]string

	// Log receives what initdb and the server print. Write is never called by two
	// goroutines at once; its errors are ignored. Nil: only the last lines are
	// kept, for the error of a failed start.
	Log io.Writer

	// Database is created by Start, like [Server.CreateDatabase] with no template,
	// and is what an empty database name means to [Server.URL]. Empty: none is
	// created, and an empty name means "postgres".
	Database string
}

// reserved are the settings that [Config] decides itself, with the field that does.
var reserved = map[string]string{
	"listen_addresses":        "TCP",
	"port":                    "Port",
	"unix_socket_directories": "Dir",
	"unix_socket_permissions": "Dir",
	"data_directory":          "Dir",
	"hba_file":                "TCP",
	"config_file":             "Settings",
}

// check refuses what contradicts itself.
func (c Config) check() error {
	if c.Port != 0 && !c.TCP {
		return fmt.Errorf("Config.Port is %d, but Config.TCP is false", c.Port)
	}
	if c.Port < 0 || c.Port > 65535 {
		return fmt.Errorf("Config.Port: %d is no port", c.Port)
	}
	for name, value := range c.Settings {
		if field, ok := reserved[strings.ToLower(name)]; ok {
			return fmt.Errorf("Config.Settings: %s is decided by Config.%s", name, field)
		}
		if name == "" || strings.ContainsAny(name, "= \x00") || strings.Contains(value, "\x00") {
			return fmt.Errorf("Config.Settings: %q is no setting", name)
		}
	}
	if c.Database != "" {
		return checkName(c.Database)
	}
	return nil
}

// fast are the settings of every server: no durability, room for many tests.
var fast = []string{
	"fsync=off",
	"synchronous_commit=off",
	"full_page_writes=off",
	"max_connections=200",
	"log_checkpoints=off", // each CREATE DATABASE is one
}

// arguments is the command line of postgres.
func (c Config) arguments(f *folder, port int) []string {
	listen := ""
	if c.TCP {
		listen = localhost
	}
	settings := slices.Concat(fast, []string{
		"listen_addresses=" + listen,
		fmt.Sprintf("port=%d", port),
		"unix_socket_directories=" + f.sockets(),
		"unix_socket_permissions=0700", // root is not asked
		"hba_file=" + f.hba(),
	})
	for name, value := range c.Settings {
		settings = append(settings, name+"="+value)
	}
	args := []string{"-D", f.data()}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}
