package wire

import "bytes"

// complete reads the command tag of a statement that has ended (documentation,
// "CommandComplete"): it may have ended the transaction, changed the session, or
// dropped the scope statement.
func (c *Conn) complete(tag []byte) {
	words, rows := tagRows(tag)
	switch string(words) {
	case "COMMIT", "PREPARE TRANSACTION":
		c.seg.ended = byCommit
	case "ROLLBACK":
		c.seg.ended = byRollback
	case "CALL", "DO":
		c.seg.ended = byCall
		c.marks |= Dirty
	case "SET", "LISTEN", "DECLARE CURSOR", "LOAD":
		c.marks |= Dirty
	case "SELECT":
		// CREATE TABLE AS has this tag too, but nothing to describe and no rows to send.
		if c.seg.noData || c.seg.simple && !c.seg.described || rows > 0 && c.seg.rows == 0 && !c.seg.described {
			c.marks |= Dirty
		}
	case "PREPARE", "DEALLOCATE", "DEALLOCATE ALL", "DISCARD ALL", "DISCARD PLANS":
		c.marks |= Dirty | Poisoned
		c.prepared = false
	default:
		if bytes.HasPrefix(words, []byte("CREATE ")) {
			c.marks |= Dirty
		}
	}
}
