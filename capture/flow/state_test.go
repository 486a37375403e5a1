package flow

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/capture/packet"
)

// conversation reads packets between 10.0.0.0:40000 and 11.0.0.0:80, one a line: ">"
// or "<", the TCP flags or the SCTP chunk, the sequence number or initiate tag, the
// acknowledgment number or verification tag, and what may follow: payload as "len=5",
// the time in seconds as "at=60". Packets are a millisecond apart.
func conversation(t *testing.T, lines string) (sums []packet.Summary) {
	chunks := map[string]packet.Signal{"INIT": packet.Init, "INIT-ACK": packet.InitAck, "COOKIE": packet.Confirm, "DATA": packet.Data,
		"SHUTDOWN": packet.Shutdown, "ABORT": packet.Abort}
	now := int64(1e18)
	for line := range strings.Lines(lines) {
		var dir, what string
		s := packet.Summary{Number: uint64(len(sums) + 1), IPVersion: 4, Protocol: packet.TCP, SrcPort: 40000, DstPort: 80,
			Src: [16]byte{10}, Dst: [16]byte{11}, IPLen: 40, FrameLen: 54}
		if _, err := fmt.Sscan(line, &dir, &what, &s.Sequence, &s.Ack); err != nil {
			if strings.TrimSpace(line) == "" {
				continue
			}
			t.Fatalf("%q: %v", line, err)
		}
		now += 1e6
		for _, word := range strings.Fields(line)[4:] {
			var n int64
			if _, err := fmt.Sscanf(word, "at=%d", &n); err == nil {
				now = 1e18 + n*1e9
			} else if _, err := fmt.Sscanf(word, "len=%d", &n); err == nil {
				s.PayloadLen, s.Payload = uint32(n), make([]byte, n)
			} else {
				t.Fatalf("%q: %q", line, word)
			}
		}
		s.Time = now
		if signal, ok := chunks[what]; ok {
			s.Protocol, s.Signal = packet.SCTP, signal
		} else {
			for _, letter := range what {
				s.TCPFlags |= 1 << strings.IndexRune("FSRPA", letter)
			}
		}
		if dir == "<" {
			s.SrcPort, s.DstPort, s.Src, s.Dst = s.DstPort, s.SrcPort, s.Dst, s.Src
		}
		sums = append(sums, s)
	}
	return sums
}

// flowWords gives flows in words: state, side of the server, and packets each way.
func flowWords(res *Results) string {
	var list []string
	var f Flow
	for i := range res.Len() {
		res.Fill(i, &f)
		list = append(list, fmt.Sprint(f.State, " ", f.Opening.Server, " ", f.Forward.Packets, "/", f.Reverse.Packets))
	}
	return strings.Join(list, ", ")
}

func TestStates(t *testing.T) {
	for _, c := range []struct{ name, packets, want string }{
		{"SYN alone", "> S 100 0", "attempted destination 1/0"},
		{"SYN retransmitted", "> S 100 0\n> S 100 0", "attempted destination 2/0"},
		{"SYN answered by RST", "> S 100 0\n< RA 0 101", "refused destination 1/1"},
		{"SYN answered by a RST without ACK", "> S 100 0\n< R 0 0", "refused destination 1/1"},
		{"SYN-ACK without the third packet", "> S 100 0\n< SA 500 101", "half-open destination 1/1"},
		{"SYN scan", "> S 100 0\n< SA 500 101\n> R 101 0", "reset destination 2/1"},
		{"handshake", "> S 100 0\n< SA 500 101\n> A 101 501", "established destination 2/1"},
		{"only the client's half seen", "> S 100 0\n> A 101 501\n> A 150 600", "established destination 3/0"},
		{"closed", "> S 100 0\n< SA 500 101\n> A 101 501\n> FA 101 501\n< FA 501 102\n> A 102 502", "closed destination 4/2"},
		{"reset", "> S 100 0\n< SA 500 101\n> A 101 501\n< R 501 0", "reset destination 2/2"},
		{"starts with SYN-ACK", "> SA 500 101\n< A 101 501", "established source 1/1"},
		{"lone SYN-ACK", "> SA 500 101", "half-open source 1/0"},
		{"midstream", "> A 101 501\n< A 501 101", "midstream none 1/1"},
		{"one way", "> A 101 501\n> A 101 601", "one-way none 2/0"},
		{"lone RST", "> R 101 0", "reset none 1/0"},
		{"simultaneous open", "> S 100 0\n< S 500 0\n> SA 100 501\n< A 501 101", "established none 2/2"},
		{"SYN with data, which the answer acknowledges", "> S 100 0 len=9\n< SA 500 110\n> A 110 501", "established destination 2/1"},
		{"SYN with data, refused", "> S 100 0 len=9\n< RA 0 110", "refused destination 1/1"},
		{"SYN-ACK not captured, data follows", "> S 100 0\n< A 501 150 len=5", "established destination 1/1"},

		// RFC 9293 section 3.10.7.3, RFC 5961 section 4.
		{"challenge ACK", "> S 100 0\n< A 777 333", "attempted destination 1/1"},
		{"challenge ACK, reset, and the same number again",
			"> S 100 0\n< A 777 333\n> R 333 0\n> S 100 0\n< SA 500 101\n> A 101 501", "established destination 4/2"},
		{"RST for another number", "> S 100 0\n< RA 0 7777\n< SA 500 101\n> A 101 501", "established destination 2/2"},
		{"SYN-ACK for another number", "> S 100 0\n< SA 500 7777", "attempted destination 1/1"},
		{"what is left of the connection before", "> S 100 0\n> FA 4294960000 9\n< FA 9 4294960001", "attempted destination 2/1"},

		// The same number: one connection.
		{"refused, and accepted at the second try",
			"> S 100 0\n< RA 0 101\n> S 100 0\n< SA 500 101\n> A 101 501\n> PA 101 501 len=5", "established destination 4/2"},
		{"refused twice", "> S 100 0\n< RA 0 101\n> S 100 0\n< RA 0 101", "refused destination 2/2"},
		{"accepted at the second try, then reset", "> S 100 0\n< RA 0 101\n> S 100 0\n< SA 500 101\n> A 101 501\n< R 501 0", "reset destination 3/3"},
		{"SYN retransmitted behind its answer", "> S 100 0\n< SA 500 101\n> S 100 0\n< SA 500 101\n> A 101 501", "established destination 3/2"},
		{"SYN stored behind its connection",
			"< SA 500 101 at=1\n> A 101 501\n> PA 101 501 len=5\n< FA 501 106\n> FA 106 502\n> S 100 0 at=0", "closed source 2/4"},
		{"SYN stored behind its connection, no acceptance seen", "< PA 501 106 len=5 at=1\n> PA 101 501 len=5\n> S 100 0 at=0", "established source 1/2"},

		// Another number (design, section 5).
		{"after the end", "> S 100 0\n< SA 500 101\n> A 101 501\n> FA 101 501\n< FA 501 102\n> S 900 0", "closed destination 3/2, attempted destination 1/0"},
		{"after a reset", "> S 100 0\n< RA 0 101\n> S 900 0\n< SA 500 901", "refused destination 1/1, half-open destination 1/1"},
		{"never answered", "> S 100 0\n> S 900 0\n< SA 500 901", "attempted destination 1/0, half-open destination 1/1"},
		{"one way only", "> S 100 0\n> A 101 501\n> S 900 0\n> A 901 501", "established destination 2/0, established destination 2/0"},
		{"answered by SYN-ACK", "> S 100 0\n< SA 500 101\n> A 101 501\n> S 900 0\n> S 900 0\n< SA 700 901\n> A 901 701",
			"established destination 2/1, established destination 3/1"},
		{"answered by RST", "> S 100 0\n< SA 500 101\n> A 101 501\n> S 900 0\n< RA 0 901", "established destination 2/1, refused destination 1/1"},
		{"with data, answered", "> S 100 0\n< SA 500 101\n> A 101 501\n> S 900 0 len=3\n< SA 700 904\n> A 904 701",
			"established destination 2/1, established destination 2/1"},
		{"midstream, answered", "> A 101 501\n< A 501 101\n> S 900 0\n< SA 700 901", "midstream none 1/1, half-open destination 1/1"},
		{"the other way, answered", "> S 100 0\n< SA 500 101\n> A 101 501\n< S 900 0\n> SA 700 901", "established destination 2/1, half-open destination 1/1"},
		{"forged, on a live connection", "> S 100 0\n< SA 500 101\n> A 101 501\n> S 900 0\n< A 501 101\n> A 101 501", "established destination 4/2"},
		{"many forged", "> S 100 0\n< SA 500 101\n> A 101 501\n> S 900 0\n> S 901 0\n< S 77 0\n< A 501 101\n> FA 101 501\n< FA 501 102",
			"closed destination 5/4"},
		{"forged, and its answer refused by the connection", "> S 100 0\n< SA 500 101\n> A 101 501\n> S 900 0\n< SA 700 7777", "established destination 3/2"},
		{"half closed", "> S 100 0\n< SA 500 101\n> A 101 501\n> FA 101 501\n> S 900 0\n< SA 700 901",
			"established destination 3/1, half-open destination 1/1"},
		{"challenged, reset, again", "> S 100 0\n< SA 500 101\n> A 101 501\n> S 900 0\n< A 501 101\n> R 101 0\n> S 900 0\n< SA 700 901\n> A 901 701",
			"reset destination 3/2, established destination 3/1"},

		// SCTP: tags in place of numbers.
		{"association", "> INIT 11 0\n< INIT-ACK 22 11\n> COOKIE 0 22\n< COOKIE 0 11\n> DATA 0 22", "established destination 3/2"},
		{"INIT aborted", "> INIT 11 0\n< ABORT 0 11", "refused destination 1/1"},
		{"INIT repeated", "> INIT 11 0\n> INIT 11 0\n< INIT-ACK 22 11", "half-open destination 2/1"},
		{"unexpected INIT, answered and nothing more (RFC 9260 section 5.2.2)",
			"> INIT 11 0\n< INIT-ACK 22 11\n> COOKIE 0 22\n< COOKIE 0 11\n> INIT 99 0\n< INIT-ACK 33 99\n> DATA 0 22", "established destination 4/3"},
		{"restart (RFC 9260 section 5.2.4)",
			"> INIT 11 0\n< INIT-ACK 22 11\n> COOKIE 0 22\n< COOKIE 0 11\n> INIT 99 0\n< INIT-ACK 33 99\n> COOKIE 0 33\n< COOKIE 0 99\n> DATA 0 33",
			"established destination 2/2, established destination 3/2"},
		{"new INIT aborted", "> INIT 11 0\n< INIT-ACK 22 11\n> COOKIE 0 22\n> INIT 99 0\n< ABORT 0 99", "established destination 2/1, refused destination 1/1"},
	} {
		tb := NewTable(Options{})
		sums := conversation(t, c.packets)
		tb.Add(sums)
		got := flowWords(tb.Results())
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		// One at a time it is the same.
		tb = NewTable(Options{})
		for i := range sums {
			tb.Add(sums[i : i+1])
		}
		if again := flowWords(tb.Results()); again != got {
			t.Errorf("%s, one packet at a time: %s", c.name, again)
		}
	}
}

// TestParts: a flow that is cut keeps its source, its server and its identifier,
// whether a packet or the clock cuts it.
func TestParts(t *testing.T) {
	sums := conversation(t, `
		> S 100 0
		< SA 500 101
		> A 101 501
		< PA 501 101 len=5 at=100
		> A 101 506
		< PA 506 101 len=5 at=200
		> S 9000 0 at=300
		< SA 700 9001`)
	const want = "part 1 of 40000, server destination false, 2/1; part 2 of 40000, server destination true, 1/1; " +
		"part 3 of 40000, server destination true, 0/1; part 1 of 40000, server destination false, 1/1; 2 identifiers"
	for _, live := range []bool{false, true} {
		var parts []string
		ids := map[uint64]bool{}
		emit := func(f *Flow) {
			parts = append(parts, fmt.Sprintf("part %d of %d, server %v %v, %d/%d", f.Part, f.Source.Port(), f.Opening.Server, f.Opening.Inherited,
				f.Forward.Packets, f.Reverse.Packets))
			ids[f.ID] = true
		}
		tb := NewTable(Options{Idle: 60 * time.Second, Prompt: live, Emit: emit})
		for i := range sums {
			if live {
				tb.Expire(sums[i].Time)
			}
			tb.Add(sums[i : i+1])
		}
		res := tb.Results()
		var f Flow
		for i := range res.Len() {
			res.Fill(i, &f)
			emit(&f)
		}
		if got := fmt.Sprintf("%s; %d identifiers", strings.Join(parts, "; "), len(ids)); got != want {
			t.Errorf("live %v:\n got %s\nwant %s", live, got, want)
		}
	}
}

// TestIDs: flows that begin at the same time between the same ends, as in a capture
// without times, have different identifiers, and a second run gives the same ones.
func TestIDs(t *testing.T) {
	sums := conversation(t, "> S 100 0\n< RA 0 101\n> S 900 0\n< RA 0 901\n> S 7000 0")
	run := func() (ids []uint64) {
		tb := NewTable(Options{})
		for i := range sums {
			s := sums[i]
			s.Time = 0
			tb.Add([]packet.Summary{s})
		}
		res := tb.Results()
		var f Flow
		for i := range res.Len() {
			res.Fill(i, &f)
			ids = append(ids, f.ID)
		}
		return ids
	}
	ids := run()
	if len(ids) != 3 || ids[0] == ids[1] || ids[1] == ids[2] || ids[0] == ids[2] || ids[0] == 0 {
		t.Errorf("identifiers %x", ids)
	}
	if again := run(); !slices.Equal(ids, again) {
		t.Errorf("a second run: %x, before %x", again, ids)
	}
}
