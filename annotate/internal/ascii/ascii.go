// Package ascii appends numbers, addresses and times as text, in less time than
// the standard library takes, and names the escape sequences that colour a
// terminal. A record has ten or twenty of them, and a run millions of records.
package ascii

// Escape sequences of a terminal. Plain ends what the others begin.
const (
	Bold   = "\x1b[1m"
	Dim    = "\x1b[2m"
	Plain  = "\x1b[0m"
	Red    = "\x1b[31m"
	Yellow = "\x1b[33m"
	Cyan   = "\x1b[36m"
)
