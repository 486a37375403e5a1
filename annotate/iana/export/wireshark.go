package export

import (
	"bufio"
	_ "embed" // for the post-dissector
	"fmt"
	"io"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// postDissector is the script behind the tables.
//
//go:embed wireshark.lua
var postDissector string

// wiresharkLetters are what the script has for each status.
var wiresharkLetters = [...]struct {
	letter byte
	status iana.Status
}{
	{'a', iana.Assigned}, {'r', iana.Reserved}, {'u', iana.Unassigned}, {'d', iana.Dynamic}, {'?', iana.Unknown},
}

// WriteWireshark writes a Lua script for Wireshark and tshark: a post-dissector
// that adds status and name of both ports to TCP, UDP and SCTP packets, and those of
// the service where a handshake, a multicast address or the ports tell which end it
// is. The registry in it has a line for each span of ports with one status and
// preferred name.
func WriteWireshark(w io.Writer, r *iana.Registry) error {
	return engineWriter(w, "Wireshark", func(w *bufio.Writer) {
		w.WriteString("-- Post-dissector for Wireshark and tshark, fields portannot.*.\n" + comments(r, "-- "))
		fmt.Fprintf(w, "\nlocal caveat = \"%s\"\nlocal statuses = {", iana.Caveat)
		for _, l := range wiresharkLetters {
			fmt.Fprintf(w, ` ["%c"] = "%v",`, l.letter, l.status)
		}
		w.WriteString(" }\n\n-- Spans of ports by transport: the letter of the status, the first port, the name.\nlocal registry = {}\n")
		for _, t := range [...]iana.Transport{iana.TCP, iana.UDP, iana.SCTP} {
			fmt.Fprintf(w, "registry.%v = \"\\\n", t)
			for port := range 1 << 16 {
				e := r.Lookup(t, uint16(port))
				if port > 0 {
					if last := r.Lookup(t, uint16(port-1)); last.Status == e.Status && last.Name() == e.Name() {
						continue
					}
				}
				fmt.Fprintf(w, "%c%d", wiresharkLetter(e.Status), port)
				if name := e.Name(); name != "" {
					w.WriteByte(' ')
					w.WriteString(luaText(name))
				}
				w.WriteString("\\n\\\n")
			}
			w.WriteString("\"\n")
		}
		w.WriteString(postDissector)
	})
}

func wiresharkLetter(s iana.Status) byte {
	for _, l := range wiresharkLetters {
		if l.status == s {
			return l.letter
		}
	}
	return '?'
}

// luaText escapes text for a literal in quotation marks whose lines are values.
func luaText(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\n':
			b.WriteByte(' ')
		case c == '"' || c == '\\' || c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
