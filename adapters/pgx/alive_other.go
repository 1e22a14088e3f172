//go:build !unix

package stratumpgx

import "syscall"

// peek cannot tell on this system; a dead connection shows at its first use.
func peek(syscall.RawConn) socketState { return socketQuiet }
