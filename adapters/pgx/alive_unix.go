//go:build unix

package stratumpgx

import "syscall"

// peek reads one byte without taking it and without waiting.
func peek(raw syscall.RawConn) (state socketState) {
	if raw == nil {
		return socketQuiet
	}
	// Control, not Read: pgx may have left a background read waiting on the socket, and
	// Read would wait for that.
	err := raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case err == syscall.EAGAIN || err == syscall.EWOULDBLOCK || err == syscall.EINTR:
			state = socketQuiet
		case err != nil || n == 0:
			state = socketClosed
		default:
			state = socketData
		}
	})
	if err != nil {
		return socketClosed
	}
	return state
}
