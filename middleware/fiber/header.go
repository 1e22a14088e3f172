package stratumfiber

import (
	"bytes"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"
)

// values are those of a header, and whether all of them stood in the head of the
// request under that name. fasthttp puts trailers among the headers (but RFC 9110,
// section 6.5.1), and takes names with a space behind them (but RFC 9112, section 5.1):
// a proxy in front did not look there, so that a header which is not sound names
// nobody, and counts as one that occurs twice.
func (r Request) values(name string) (values [][]byte, sound bool) {
	header := &r.c.Request().Header
	if r.c.App().Config().DisableHeaderNormalizing {
		values = r.inAnyCase(name)
	} else {
		values = header.PeekAll(name)
	}
	length := header.ContentLength() // -1 says chunks, which trailers can follow; 0 perhaps, that they were empty
	if length != -1 && length != 0 && !bytes.Contains(header.RawHeaders(), []byte(" :")) {
		return values, true
	}
	exact, spaced := r.sent(name)
	chunks, spacedChunks := r.sent(fiber.HeaderTransferEncoding)
	return values, spaced == 0 && (chunks+spacedChunks == 0 || len(values) <= exact)
}

// inAnyCase is PeekAll where names are kept as they were sent.
func (r Request) inAnyCase(name string) (values [][]byte) {
	for key, value := range r.c.Request().Header.All() {
		if strings.EqualFold(utils.UnsafeString(key), name) {
			values = append(values, value)
		}
	}
	return values
}

// sent counts the lines of a header in the head of the request as it came in.
func (r Request) sent(name string) (exact, spaced int) {
	for line := range bytes.Lines(r.c.Request().Header.RawHeaders()) {
		key, _, _ := bytes.Cut(line, []byte(":"))
		switch trimmed := bytes.TrimRight(key, " "); {
		case !strings.EqualFold(utils.UnsafeString(trimmed), name):
		case len(trimmed) == len(key):
			exact++
		default:
			spaced++
		}
	}
	return exact, spaced
}
