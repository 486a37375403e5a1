package flowlog

import (
	"bytes"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/flow"
)

// actions are the words that filters have for what they did with a flow, in
// lower case. Words that some filters write for both are not here.
var actions = map[string]annotate.Outcome{
	"accept": annotate.Passed, "accepted": annotate.Passed, "allow": annotate.Passed, "allowed": annotate.Passed,
	"permit": annotate.Passed, "permitted": annotate.Passed, "pass": annotate.Passed, "passed": annotate.Passed,
	"forwarded": annotate.Passed, "redirected": annotate.Passed, "translated": annotate.Passed,
	"reject": annotate.Denied, "rejected": annotate.Denied, "deny": annotate.Denied, "denied": annotate.Denied,
	"drop": annotate.Denied, "dropped": annotate.Denied, "block": annotate.Denied, "blocked": annotate.Denied,
	"discard": annotate.Denied, "discarded": annotate.Denied,
	// Our own words.
	"answered": annotate.Answered, "refused": annotate.Refused, "attempted": annotate.Attempted, "one-way": annotate.OneWay,
}

// actionOutcome reads the word of a filter, in any case.
func actionOutcome(word []byte) annotate.Outcome {
	var lower [16]byte
	if len(word) > len(lower) {
		return annotate.NoOutcome
	}
	for i, c := range word {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return actions[string(lower[:len(word)])]
}

// zeekStates are the values of Zeek's conn_state, for a transport whose peers
// must answer, by what the documentation of base/protocols/conn says of them.
// "OTH" is a connection whose opening was not seen.
var zeekStates = map[string]annotate.Outcome{
	"S0": annotate.Attempted, "RSTOS0": annotate.Attempted, "SH": annotate.Attempted,
	"REJ": annotate.Refused,
	"S1":  annotate.Answered, "S2": annotate.Answered, "S3": annotate.Answered, "SF": annotate.Answered,
	"RSTO": annotate.Answered, "RSTR": annotate.Answered, "RSTRH": annotate.Answered, "SHR": annotate.Answered,
}

// zeekOutcome reads conn_state, and the history, in which capitals are what the
// originator sent. For UDP, S0 and SHR say that one end alone was heard.
func zeekOutcome(protocol uint8, state, history []byte) annotate.Outcome {
	o := zeekStates[string(state)]
	switch {
	case protocol == 17 && (string(state) == "S0" || string(state) == "SHR"):
		return annotate.OneWay
	case string(state) == "OTH" && bytes.ContainsAny(history, "DA") && bytes.ContainsAny(history, "da"):
		return annotate.Answered
	}
	return o
}

// ownStates are the names of flow.State.
var ownStates = func() map[string]annotate.Outcome {
	m := map[string]annotate.Outcome{}
	for s := flow.StateUnknown + 1; s <= flow.OneWay; s++ {
		m[s.String()] = annotate.OutcomeOf(s)
	}
	return m
}()

// ownOutcome reads portannot.state.
func ownOutcome(state []byte) annotate.Outcome { return ownStates[string(state)] }

// eveOutcome reads a flow event of EVE: the packets of both directions and, for
// TCP, the flags of both, in hexadecimal. Its state is no help: "closed" is also
// that of a connection that was refused.
func eveOutcome(r *Record, v *values) annotate.Outcome {
	if v.is(fieldOutcome, "drop") {
		return annotate.Denied
	}
	answers, ok := parseUint(v.get(fieldDestinationPackets), 1<<62)
	if !v.is(fieldKind, "flow") || !ok {
		return annotate.NoOutcome
	}
	answer, known := parseHexByte(v.get(fieldAnswerFlags))
	switch known = known && r.Flow.Protocol == 6; {
	case answers == 0 && r.Flow.Protocol == 6:
		return annotate.Attempted
	case answers == 0:
		return annotate.OneWay
	case known && answer&tcpRST != 0 && answer&tcpSYN == 0 && answers == 1:
		return annotate.Refused
	case r.Flow.Protocol == 6 && !known && answers == 1: // a SYN-ACK, or a reset
		return annotate.NoOutcome
	}
	if _, ports := iana.TransportOf(r.Flow.Protocol); !ports {
		return annotate.NoOutcome
	}
	return annotate.Answered
}

// parseHexByte reads one or two hexadecimal digits.
func parseHexByte(b []byte) (n uint8, ok bool) {
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | (c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | (c | 0x20 - 'a' + 10)
		default:
			return 0, false
		}
	}
	return n, len(b) == 1 || len(b) == 2
}

// wordByte reports what stands in words, and in the names of hosts.
func wordByte(c byte) bool { return c|0x20-'a' <= 25 || c-'0' <= 9 || c == '.' }

// prefixVerdict gives the word for what was done in a text that a user put
// before a record of netfilter: "[UFW BLOCK]", "FINAL_REJECT: ",
// "Shorewall:net-fw:DROP:". It gives nil if there is none, or if two contradict.
func prefixVerdict(prefix []byte) (verdict []byte) {
	for from := 0; from < len(prefix); {
		end := from
		for end < len(prefix) && wordByte(prefix[end]) {
			end++
		}
		if word := prefix[from:end]; actionOutcome(word) != annotate.NoOutcome {
			if verdict != nil && actionOutcome(word) != actionOutcome(verdict) {
				return nil
			}
			verdict = word
		}
		from = end + 1
	}
	return verdict
}
