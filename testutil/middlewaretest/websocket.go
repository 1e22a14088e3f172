package middlewaretest

import (
	"bufio"
	"crypto/sha1" // RFC 6455 wants it
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// As much of RFC 6455 as two sides need that send short, unfragmented text frames.
const (
	websocketKey  = "dGhlIHNhbXBsZSBub25jZQ==" // the sample of section 1.3
	websocketGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

	finalText  = 0x81 // FIN, opcode 1
	finalClose = 0x88 // FIN, opcode 8
	masked     = 0x80
)

// checkWebsocket lets a client talk to a handler that echoes with its tenant's name.
func checkWebsocket(e *env) {
	s := e.admitting(Config{}, func(x Exchange) error {
		ctx, accept := core.Detach(x.Context()), websocketAccept(x.RequestHeader("Sec-WebSocket-Key"))
		return x.Hijack(func(conn net.Conn) {
			fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept)
			for r := bufio.NewReader(conn); ; {
				opcode, text, err := readFrame(r)
				if err != nil || opcode == finalClose {
					_, _ = conn.Write([]byte{finalClose, 0})
					return
				}
				if _, err := conn.Write(frame(slugOf(ctx)+": "+text, nil)); err != nil {
					return
				}
			}
		})
	})
	c := s.dial()
	defer c.Close()
	c.send(handshake("brazil"))
	r := c.head()
	if r.status != 101 || r.header.Get("Sec-WebSocket-Accept") != websocketAccept(websocketKey) {
		e.abort("want 101 Switching Protocols, got %v", r)
	}
	for _, text := range []string{"hello", "again"} {
		c.send(string(frame(text, []byte{1, 2, 3, 4})))
		if opcode, got, err := readFrame(c.r); err != nil || opcode != finalText || got != "brazil: "+text {
			e.broken("want an echo from brazil, got %q, %v", got, err)
		}
		e.wantRefusal(s.get("/", "X-Tenant-ID: nobody"), core.ErrTenantNotFound)
	}
	c.send(string([]byte{finalClose, masked, 1, 2, 3, 4}))
	if opcode, _, err := readFrame(c.r); err != nil || opcode != finalClose {
		e.broken("want a close frame, got %#x, %v", opcode, err)
	}
	refused := s.dial()
	defer refused.Close()
	refused.send(handshake("sleeper"))
	e.wantRefusal(refused.read("GET"), core.ErrTenantSuspended)
}

func handshake(tenant string) string {
	return "GET /socket HTTP/1.1\r\nHost: " + base + "\r\nX-Tenant-ID: " + tenant +
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + websocketKey + "\r\n\r\n"
}

// websocketAccept is the answer to a key, section 4.2.2.
func websocketAccept(key string) string {
	sum := sha1.Sum([]byte(strings.TrimSpace(key) + websocketGUID))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// frame is a text frame, section 5.2; clients mask.
func frame(text string, mask []byte) []byte {
	b := []byte{finalText, byte(len(text))}
	if mask != nil {
		b[1] |= masked
		b = append(b, mask...)
	}
	for i := range len(text) {
		c := text[i]
		if mask != nil {
			c ^= mask[i%4]
		}
		b = append(b, c)
	}
	return b
}

func readFrame(r io.Reader) (opcode byte, text string, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, "", err
	}
	size := int(head[1] &^ masked)
	if size > 125 {
		return 0, "", errors.New("a frame longer than this side reads")
	}
	var mask [4]byte
	if head[1]&masked != 0 {
		if _, err := io.ReadFull(r, mask[:]); err != nil {
			return 0, "", err
		}
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return 0, "", err
	}
	for i := range b {
		b[i] ^= mask[i%4]
	}
	return head[0], string(b), nil
}
