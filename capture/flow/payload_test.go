package flow

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/portannot/portannot/capture/packet"
)

// segment makes a TCP segment of the first of a test's two ends, or of the other.
func segment(back bool, flags uint8, seq uint32, data string) packet.Summary {
	s := packet.Summary{IPVersion: 4, Protocol: packet.TCP, TCPFlags: flags, Sequence: seq, SrcPort: 40000, DstPort: 80,
		Src: [16]byte{10}, Dst: [16]byte{11}, Payload: []byte(data), PayloadLen: uint32(len(data))}
	if back {
		s.SrcPort, s.DstPort, s.Src, s.Dst = s.DstPort, s.SrcPort, s.Dst, s.Src
	}
	return s
}

// cut leaves n bytes of a summary's payload, as a snap length does.
func cut(s packet.Summary, n int) packet.Summary {
	s.Payload = s.Payload[:n]
	return s
}

func TestPayloadOfStreams(t *testing.T) {
	const (
		syn, ack, rst = packet.SYN, packet.ACK, packet.RST
		top           = 1<<32 - 3
	)
	var gap []packet.Summary
	gap = append(gap, segment(false, syn, 9, ""), segment(false, ack, 10, "ab"))
	for i := range uint32(maxMisfits) {
		gap = append(gap, segment(false, ack, 100+i, "x"))
	}
	gap = append(gap, segment(false, ack, 12, "cd"))
	for _, c := range []struct {
		name string
		sums []packet.Summary
		want string // data and length of both directions
	}{
		{"in order", []packet.Summary{segment(false, syn, 9, ""), segment(true, syn|ack, 70, ""), segment(false, ack, 10, "GET "), segment(true, ack, 71, "HTTP"), segment(false, ack, 14, "/")}, `"GET /" 5, "HTTP" 4`},
		{"no opening", []packet.Summary{segment(false, ack, 500, "ab"), segment(false, ack, 502, "cd")}, `"abcd" 4, "" 0`},
		{"retransmitted", []packet.Summary{segment(false, ack, 500, "ab"), segment(false, ack, 500, "ab"), segment(false, ack, 502, "cd"), segment(false, ack, 500, "ab")}, `"abcd" 4, "" 0`},
		{"keep-alive", []packet.Summary{segment(false, ack, 500, "ab"), segment(false, ack, 501, "b"), segment(false, ack, 502, "c")}, `"abc" 3, "" 0`},
		{"the second segment comes first", []packet.Summary{segment(false, syn, 9, ""), segment(false, ack, 12, "cd"), segment(false, ack, 10, "ab"), segment(false, ack, 12, "cd")}, `"abcd" 4, "" 0`},
		{"the first segment is not there", []packet.Summary{segment(true, syn|ack, 9, ""), segment(true, ack, 12, "cd")}, `"" 2, "" 0`},
		{"wraps", []packet.Summary{segment(false, syn, top, ""), segment(false, ack, top+1, "ab"), segment(false, ack, 0, "cd")}, `"abcd" 4, "" 0`},
		{"data with the SYN", []packet.Summary{segment(false, syn, 9, "ab"), segment(false, ack, 12, "cd")}, `"abcd" 4, "" 0`},
		{"reset with a text", []packet.Summary{segment(false, syn, 9, ""), segment(true, rst, 0, "go away")}, `"" 0, "" 0`},
		{"snap length", []packet.Summary{cut(segment(false, ack, 500, "abcdef"), 3), segment(false, ack, 506, "gh")}, `"abc" 6, "" 0`},
		{"nothing captured", []packet.Summary{cut(segment(false, ack, 500, "abcdef"), 0)}, `"" 6, "" 0`},
		{"a gap", gap, `"ab" 2, "" 0`},
		{"enough", []packet.Summary{segment(false, ack, 500, "0123456789"), segment(false, ack, 510, "abcdefghijklm"), segment(false, ack, 523, "n")}, `"0123456789abcdefghij" 23, "" 0`},
	} {
		tb := NewTable(Options{Payload: 20})
		tb.Add(c.sums)
		res := tb.Results()
		var f Flow
		res.Fill(0, &f)
		p, q := f.Payload[0], f.Payload[1]
		if got := fmt.Sprintf("%q %d, %q %d", p.Data, p.Len, q.Data, q.Len); got != c.want || res.Len() != 1 {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestHeads: behind a first datagram that may be of RTP, or that is very short,
// the heads of those that may be of RTP are held, and there is an end to waiting.
func TestHeads(t *testing.T) {
	rtp := func(n byte) string {
		return "\x80\x61\x00" + string(n) + "\x00\x00\x00\xa0\x12\x34\x56\x78" + "a frame of sound"
	}
	head := func(n byte) string { return rtp(n)[:HeadBytes] }
	const report = "\x80\xc9\x00\x01\x12\x34\x56\x78\x80\xca\x00\x01\x12\x34"
	dns := "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03org\x00\x00\x01\x00\x01"
	for _, c := range []struct {
		name  string
		sent  []string
		heads string
		done  bool
	}{
		{"a stream", []string{rtp(1), rtp(2), rtp(3), rtp(4), rtp(5)}, head(2) + head(3) + head(4), true},
		{"it begins", []string{rtp(1), rtp(2)}, head(2), false},
		{"behind a short one", []string{"TEST\x00", rtp(1), rtp(2), rtp(3)}, head(1) + head(2) + head(3), true},
		{"behind several", []string{"\r\n", "\r\n", rtp(1), "\r\n", rtp(2)}, head(1) + head(2), false},
		{"a report between", []string{rtp(1), report, rtp(2)}, head(2), false},
		{"behind something else", []string{dns, rtp(1), rtp(2)}, "", true},
		{"nothing like it", append([]string{"\r\n"}, slices.Repeat([]string{dns}, maxMisfits)...), "", true},
		{"nothing like it for long", append(append([]string{"\r\n"}, slices.Repeat([]string{dns}, maxMisfits)...), rtp(1)), "", true},
	} {
		for _, size := range []int{20, 5, MaxPayload} { // room for the first datagram, and for less
			tb := NewTable(Options{Payload: size})
			for _, data := range c.sent {
				s := packet.Summary{IPVersion: 4, Protocol: packet.UDP, SrcPort: 4000, DstPort: 5004, Src: [16]byte{10}, Dst: [16]byte{11}, Payload: []byte(data), PayloadLen: uint32(len(data))}
				tb.Add([]packet.Summary{s})
			}
			res := tb.Results()
			var f Flow
			res.Fill(0, &f)
			p := &f.Payload[0]
			if first := c.sent[0]; string(p.Heads) != c.heads || string(p.Data) != first[:min(size, len(first))] || int(p.Len) != len(first) {
				t.Errorf("%s, %d bytes kept: %q %q %d", c.name, size, p.Data, p.Heads, p.Len)
			}
			if done := tb.v4.at(0).marks&(markDone|markDone<<1) != 0; done != c.done {
				t.Errorf("%s: done %v", c.name, done)
			}
		}
	}
}

// talks makes n flows of one packet with payload each, of both IP versions.
func talks(r *rand.Rand, n int) []packet.Summary {
	sums := make([]packet.Summary, n)
	for i := range sums {
		data := make([]byte, 1+r.Intn(400))
		r.Read(data)
		sums[i] = packet.Summary{Number: uint64(i + 1), Time: int64(i) * int64(time.Second), IPVersion: 4 + 2*uint8(r.Intn(2)), Protocol: packet.UDP,
			SrcPort: uint16(i), DstPort: 53, Payload: data, PayloadLen: uint32(len(data))}
		sums[i].Src, sums[i].Dst = [16]byte{10, byte(i >> 16)}, [16]byte{11}
	}
	return sums
}

// TestPayloadMemory: when there is no more room, flows go on without their
// payload, which ones does not depend on how the packets are handed over, and
// what early flows held is used again.
func TestPayloadMemory(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	sums := talks(r, 3000)
	run := func(opt Options, batch int) (lines []string, lost int, st Stats) {
		opt.Payload = 256
		note := func(f *Flow) {
			p := &f.Payload[0]
			s := &sums[f.Number-1]
			if p.Lost {
				lost++
				if p.Len != 0 || len(p.Data) != 0 {
					t.Errorf("flow %d: lost, and has %d bytes", f.Number, len(p.Data))
				}
			} else if !bytes.Equal(p.Data, s.Payload[:min(len(s.Payload), 256)]) || p.Len != s.PayloadLen {
				t.Errorf("flow %d: %d bytes of %d", f.Number, len(p.Data), p.Len)
			}
			lines = append(lines, flowLine(f))
		}
		opt.Emit = note
		tb := NewTable(opt)
		for rest := sums; len(rest) > 0; {
			n := min(batch, len(rest))
			tb.Add(rest[:n])
			rest = rest[n:]
		}
		res := tb.Results()
		var f Flow
		for i := range res.Len() {
			res.Fill(i, &f)
			note(&f)
		}
		return lines, lost, tb.Stats()
	}
	full, lost, st := run(Options{PayloadMemory: 200 << 10}, 1)
	if lost < 1000 || lost > 2500 || st.PayloadLost != uint64(lost) || len(full) != len(sums) {
		t.Errorf("%d of %d flows lost their payload, %+v", lost, len(full), st)
	}
	for _, batch := range []int{7, 64, 1000, 3000} {
		if other, _, _ := run(Options{PayloadMemory: 200 << 10}, batch); !slices.Equal(full, other) {
			t.Errorf("in batches of %d the flows are others", batch)
		}
	}
	for name, opt := range map[string]Options{
		"evicted": {PayloadMemory: 200 << 10, MaxFlows: 300},
		"prompt":  {PayloadMemory: 200 << 10, MaxFlows: 300, Idle: time.Minute, Prompt: true},
	} {
		if lines, lost, _ := run(opt, 64); lost != 0 || len(lines) != len(sums) {
			t.Errorf("%s: %d of %d flows lost their payload, though few are held at a time", name, lost, len(lines))
		}
	}
	if lines, _, st := run(Options{}, 64); st.PayloadLost != 0 || len(lines) != len(sums) {
		t.Errorf("with the usual memory: %+v", st)
	}
}

// TestNoPayloadByDefault: a table that was not asked keeps none.
func TestNoPayloadByDefault(t *testing.T) {
	tb := NewTable(Options{})
	tb.Add([]packet.Summary{segment(false, packet.ACK, 1, "abc")})
	res := tb.Results()
	var f Flow
	res.Fill(0, &f)
	if f.Payload[0].Len != 0 || f.Payload[0].Data != nil || len(tb.v4.payloads) != 0 || len(tb.v4.arena.chunks) != 0 {
		t.Errorf("payload %+v", f.Payload)
	}
}

// TestEntryIsACacheLine: what each packet touches of a flow is 64 bytes.
func TestEntryIsACacheLine(t *testing.T) {
	if n := unsafe.Sizeof(entry[key4]{}); n != 64 {
		t.Errorf("an entry has %d bytes", n)
	}
}

// TestNote: a note stands in the place of a payload that is complete at both
// ends, is made from what would have been kept, and leaves its memory to others.
func TestNote(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	var sums []packet.Summary
	for i := range 3000 { // one end, both ends, or none say something
		said := talks(r, 1)[0]
		said.SrcPort, said.Number = uint16(i), uint64(2*i+1)
		answer := said
		answer.Src, answer.Dst, answer.SrcPort, answer.DstPort, answer.Number = said.Dst, said.Src, said.DstPort, said.SrcPort, said.Number+1
		if i%3 == 0 {
			answer.Payload, answer.PayloadLen = nil, 0
		}
		sums = append(sums, said, answer)
	}
	words := func(dst []byte, f *Flow) []byte {
		p, q := &f.Payload[0], &f.Payload[1]
		dst = fmt.Appendf(dst, "%v %v %d %d %d ", f.Source, f.Destination, f.Protocol, p.Len, q.Len)
		return append(append(dst, p.Data[:min(4, len(p.Data))]...), q.Data[:min(4, len(q.Data))]...)
	}
	run := func(opt Options, batch int) (lines []string, kept int) {
		opt.Payload = 128
		tb := NewTable(opt)
		for rest := sums; len(rest) > 0; {
			n := min(batch, len(rest))
			tb.Add(rest[:n])
			rest = rest[n:]
		}
		for _, a := range []*arena{&tb.v4.arena, &tb.v6.arena} {
			kept += max(0, len(a.chunks)-1)*arenaChunk + a.top
		}
		res := tb.Results()
		var f Flow
		for i := range res.Len() {
			res.Fill(i, &f)
			note := f.Note
			switch {
			case f.Payload[0].Lost || f.Payload[1].Lost:
				note = []byte("lost")
			case note == nil:
				note = words(nil, &f)
			case len(f.Payload[0].Data)+len(f.Payload[1].Data) > 0:
				t.Errorf("%v: a note, and the payload", f.Source)
			case f.Number%6 == 1:
				t.Errorf("%v: a note, though one end said nothing", f.Source)
			}
			lines = append(lines, string(note))
		}
		return lines, kept
	}
	want, all := run(Options{}, 64)
	got, some := run(Options{Note: words}, 64)
	if !slices.Equal(got, want) {
		t.Error("notes differ from what the payload gives")
	}
	if some > all*2/3 {
		t.Errorf("%d bytes are held with notes, %d without", some, all)
	}
	for name, note := range map[string]func([]byte, *Flow) []byte{
		"empty": func(dst []byte, _ *Flow) []byte { return dst },
		"long":  func(dst []byte, _ *Flow) []byte { return append(dst, make([]byte, 129)...) },
	} {
		if got, _ := run(Options{Note: note}, 64); !slices.Equal(got, want) {
			t.Errorf("%s notes are taken", name)
		}
	}
	little, _ := run(Options{Note: words, PayloadMemory: 150 << 10}, 1)
	if n := len(slices.DeleteFunc(slices.Clone(little), func(s string) bool { return s != "lost" })); n == 0 || n == len(little) {
		t.Errorf("%d flows lost their payload", n)
	}
	for _, batch := range []int{7, 64, 6000} {
		if got, _ := run(Options{Note: words, PayloadMemory: 150 << 10}, batch); !slices.Equal(got, little) {
			t.Errorf("in batches of %d the flows are others", batch)
		}
	}
}
