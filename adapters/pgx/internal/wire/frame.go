package wire

import (
	"bytes"
	"encoding/binary"
)

// Frame types, named after the protocol's message names (documentation, "Message
// Formats"). Some letters mean different things in the two directions.
const (
	feBind         = 'B'
	feClose        = 'C'
	feCopyData     = 'd'
	feCopyDone     = 'c'
	feCopyFail     = 'f'
	feDescribe     = 'D'
	feExecute      = 'E'
	feFlush        = 'H'
	feFunctionCall = 'F'
	feParse        = 'P'
	fePassword     = 'p'
	feQuery        = 'Q'
	feSync         = 'S'
	feTerminate    = 'X'

	beBindComplete    = '2'
	beCloseComplete   = '3'
	beCommandComplete = 'C'
	beCopyIn          = 'G'
	beDataRow         = 'D'
	beError           = 'E'
	beNoData          = 'n'
	beNotice          = 'N'
	beNotification    = 'A'
	beParameter       = 'S'
	beParseComplete   = '1'
	beReady           = 'Z'
	beRowDescription  = 'T'
)

const headerLen = 5 // type byte and length word

// maxFrame is PostgreSQL's own limit for one message (MaxAllocSize, 1 GB - 1).
const maxFrame = 1<<30 - 1

// header reads the type and the length of the body that follows. ok is false for a length that no frame has.
func header(b []byte) (kind byte, body int, ok bool) {
	n := binary.BigEndian.Uint32(b[1:headerLen])
	if n < 4 || n > maxFrame {
		return 0, 0, false
	}
	return b[0], int(n) - 4, true
}

// begin appends a frame's header with a length to be filled in by end.
func begin(b []byte, kind byte) (out []byte, at int) {
	return append(b, kind, 0, 0, 0, 0), len(b)
}

// end fills in the length of the frame that starts at at.
func end(b []byte, at int) []byte {
	binary.BigEndian.PutUint32(b[at+1:], uint32(len(b)-at-1))
	return b
}

// tagRows splits a command tag such as "SELECT 5" into its words and its last
// number; n is -1 where it has none. "INSERT 0 5" gives "INSERT 0" and 5.
func tagRows(tag []byte) (words []byte, n int) {
	i := bytes.LastIndexByte(tag, ' ')
	if i < 0 || i == len(tag)-1 {
		return tag, -1
	}
	for _, c := range tag[i+1:] {
		if c < '0' || c > '9' {
			return tag, -1
		}
		n = min(n*10+int(c-'0'), 1<<40)
	}
	return tag[:i], n
}

// shiftPosition subtracts by from the position field (P) of an ErrorResponse or
// NoticeResponse body, in place and zero-padded to the same width. Positions count
// characters, and what stood in front of the query was ASCII.
func shiftPosition(body []byte, by int) {
	for len(body) > 1 {
		stop := bytes.IndexByte(body[1:], 0)
		if stop < 0 {
			return
		}
		if value := body[1 : 1+stop]; body[0] == 'P' {
			pos := 0
			for _, c := range value {
				if c < '0' || c > '9' || pos > maxFrame {
					return
				}
				pos = pos*10 + int(c-'0')
			}
			if pos > by {
				pos -= by
				for i := len(value) - 1; i >= 0; i-- {
					value[i] = byte('0' + pos%10)
					pos /= 10
				}
			}
			return
		}
		body = body[stop+2:]
	}
}
