package flowlog

import (
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
)

// What a log that saw the connection begin says of the roles is stated, what one
// that did not says is a hint, and what its own flags contradict is nothing.
func TestRoles(t *testing.T) {
	const src, dst = flow.Source, flow.Destination
	zeek := func(protocol uint8, state, history string) annotate.Input {
		in := annotate.Input{Protocol: protocol}
		zeekRoles(&in, []byte(state), []byte(history))
		return in
	}
	eve := func(protocol uint8, event, direction, client, server string) annotate.Input {
		in := annotate.Input{Protocol: protocol}
		eveRoles(&in, []byte(event), []byte(direction), []byte(client), []byte(server))
		return in
	}
	for _, c := range []struct {
		name         string
		in           annotate.Input
		stated, hint flow.Side
	}{
		{"Zeek, SYN and SYN-ACK", zeek(6, "SF", "ShADadfF"), dst, 0},
		{"Zeek, only the SYN-ACK", zeek(6, "SHR", "^hdf"), dst, 0},
		{"Zeek, only the SYN", zeek(6, "S0", "S"), dst, 0},
		{"Zeek, midstream", zeek(6, "OTH", "DdAa"), 0, dst},
		{"Zeek, turned round by a port", zeek(6, "OTH", "^dDaA"), 0, dst},
		{"Zeek, turned round later", zeek(6, "OTH", "S^aA"), 0, dst},
		{"Zeek, the originator accepted", zeek(6, "OTH", "HdA"), 0, 0},
		{"Zeek, the responder opened", zeek(6, "OTH", "^sHaD"), 0, 0},
		{"Zeek, both opened", zeek(6, "S1", "ShsHaD"), 0, 0},
		{"Zeek without a history", zeek(6, "SF", ""), dst, 0},
		{"Zeek without a history, midstream", zeek(6, "OTH", ""), 0, dst},
		{"Zeek, no conn.log", zeek(6, "", ""), 0, dst},
		{"Zeek, UDP", zeek(17, "SF", "Dd"), 0, dst},
		{"Zeek, UDP turned round", zeek(17, "SHR", "^d"), 0, dst},

		{"EVE, SYN and SYN-ACK", eve(6, "flow", "", "1b", "1b"), dst, 0},
		{"EVE, SYN without an answer", eve(6, "flow", "", "02", "00"), dst, 0},
		{"EVE, refused", eve(6, "flow", "", "02", "14"), dst, 0},
		{"EVE, midstream", eve(6, "flow", "", "18", "10"), 0, dst},
		{"EVE, the SYN was not seen", eve(6, "flow", "", "10", "12"), 0, dst},
		{"EVE, the source answered", eve(6, "flow", "", "12", "10"), 0, 0},
		{"EVE, the destination opened", eve(6, "flow", "", "10", "02"), 0, 0},
		{"EVE, no flags", eve(6, "flow", "", "", ""), 0, dst},
		{"EVE, UDP", eve(17, "flow", "", "", ""), 0, dst},
		{"EVE, a packet of the server", eve(6, "alert", "to_client", "", ""), 0, src},
		{"EVE, a packet of the client", eve(6, "alert", "to_server", "", ""), 0, dst},
		{"EVE, a packet", eve(6, "alert", "", "", ""), 0, 0},
	} {
		if c.in.Stated != c.stated || c.in.Hint != c.hint {
			t.Errorf("%s: stated %v, hint %v; want %v, %v", c.name, c.in.Stated, c.in.Hint, c.stated, c.hint)
		}
	}
}
