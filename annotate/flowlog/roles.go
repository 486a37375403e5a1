package flowlog

import (
	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
)

// A log names the service end in one of two ways. Where it saw the connection
// begin, it knows: that is stated. Where it did not, or does not say whether it
// did, the roles are what its program made of the first packet that it saw: a
// hint. Where the flags of the record say otherwise it is neither.

// named notes the end that a record names.
func named(in *annotate.Input, side flow.Side, seen bool) {
	if seen {
		in.Stated = side
	} else {
		in.Hint = side
	}
}

// zeekOpened are the states of connections whose SYN, or its answer, Zeek saw.
var zeekOpened = map[string]bool{
	"S0": true, "S1": true, "S2": true, "S3": true, "SF": true, "SH": true, "SHR": true,
	"REJ": true, "RSTO": true, "RSTR": true, "RSTOS0": true, "RSTRH": true,
}

// zeekRoles takes the responder for the service. Of datagrams the originator is who
// sent the first that was seen, unless its port is one of likely_server_ports.
func zeekRoles(in *annotate.Input, state, history []byte) {
	known, seen := true, false
	if in.Protocol == 6 {
		known, seen = zeekOpening(state, history)
	}
	if known {
		named(in, flow.Destination, seen)
	}
}

// zeekOpening reports whether the roles of a TCP connection hold, and whether Zeek
// saw it begin. conn.log shows it by the history: "S" is a SYN of the originator, "h" a
// SYN-ACK of the responder, and "s" and "H" are those of the other end. "^" says that
// Zeek turned the roles round, which is a guess where nothing of the opening
// follows. Without a history the state tells. Other logs do not say.
func zeekOpening(state, history []byte) (known, seen bool) {
	if len(history) == 0 {
		return true, zeekOpened[string(state)]
	}
	var has uint64
	for _, c := range history {
		has |= letter(c)
	}
	return openingOfLetters(has, history[0])
}

// letter gives a bit for a letter of a history.
func letter(c byte) uint64 { return 1 << (c & 63) }

// openingOfLetters is zeekOpening for a history of these letters that begins with
// first.
func openingOfLetters(has uint64, first byte) (known, seen bool) {
	return has&(1<<('H'&63)|1<<('s'&63)) == 0,
		has&(1<<('S'&63)|1<<('h'&63)) != 0 && (has&(1<<('^'&63)) == 0 || first == '^')
}

// flagRoles notes that a program takes an end for the service, of a TCP
// connection of which it has the flags of both directions, each ORed. A SYN of the
// client that is all it sent, or that the server answered with SYN and ACK, shows
// the opening. If only the client sent a SYN, and ACKs too, it may have been a
// SYN-ACK; a server that sent a SYN and no ACK is none.
func flagRoles(in *annotate.Input, side flow.Side, client, server uint64) {
	const both = tcpSYN | tcpACK
	switch c, s := client&both, server&both; {
	case s == tcpSYN, c == both && s&tcpSYN == 0:
	case c&tcpSYN != 0:
		in.Stated = side
	default:
		in.Hint = side
	}
}

// eveRoles reads the roles of an event of Suricata. A flow has the client as
// source, by the first packet that was seen; other events say with a direction
// which end the packet came from.
func eveRoles(in *annotate.Input, event, direction, client, server []byte) {
	side := flow.Destination
	switch {
	case string(direction) == "to_client":
		side = flow.Source
	case string(direction) != "to_server" && string(event) != "flow":
		return
	}
	c, ok := parseHexByte(client)
	s, ok2 := parseHexByte(server)
	if in.Protocol == 6 && string(event) == "flow" && ok && ok2 {
		flagRoles(in, side, uint64(c), uint64(s))
		return
	}
	in.Hint = side
}
