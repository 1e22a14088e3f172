package ormtest_test

import (
	"fmt"
	"io"
	"net"

	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

// A harness wraps the connections of its pool, so that the suite sees whether work was
// refused before anything was sent. Here a client asks twice and sends three lines.
func Example() {
	client, server := net.Pipe()
	go func() {
		for _, n := range []int{6, 12} {
			_, _ = io.ReadFull(server, make([]byte, n))
			_, _ = server.Write([]byte("ok\n"))
		}
	}()

	wire := new(ormtest.Wire)
	conn := wire.Wrap(client)
	defer conn.Close()
	answer := make([]byte, 3)
	for _, flush := range [][]string{{"begin\n"}, {"update\n", "done\n"}} {
		for _, line := range flush {
			_, _ = io.WriteString(conn, line)
		}
		_, _ = io.ReadFull(conn, answer)
	}
	fmt.Println(wire.Sent(), "bytes;", wire.RoundTrips(), "time more after an answer")
	// Output: 18 bytes; 1 time more after an answer
}
