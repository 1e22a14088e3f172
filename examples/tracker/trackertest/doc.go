// Package trackertest is the test that the four programs share: the same requests, and
// the proof that no tenant reaches another's rows.
package trackertest
