package flowlog

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
)

// Nearly all lines of nearly all logs of Zeek are of TCP or UDP, with both
// ports, as many columns as they should have, and ports that other lines had
// too. What is added to such a line is known as soon as its two ports are read, and
// what it says of the opening. Where it did not see one, the addresses decide too,
// so that no line is plain that might have a multicast or broadcast address, or
// where the user knows services or networks. All other lines go the way of parse
// and append, which is also how it becomes known what is added.

// zeekPlain says in which columns of a plain line is what is read of it.
type zeekPlain struct {
	source, destination, protocol int  // columns, none of them the first; the addresses stand before the ports
	state, history                int  // columns behind the protocol; 0: none
	time                          bool // there is one, in the first column
	unset                         string
	anywhere                      bool // any address may decide where the opening was not seen
}

// plain tells what plain lines look like. It gives ok false for logs that have
// none: annotated ones, and those whose columns are not as Zeek's own logs with
// a protocol have them.
func (z *zeekLog) plain() (p zeekPlain, ok bool) {
	if z.state != zeekReading || z.added > 0 {
		return p, false
	}
	p.unset = z.dialect.unset
	var from, to int
	for i, m := range z.meanings {
		switch column := []*int{zeekSource: &from, zeekSourcePort: &p.source, zeekDestination: &to, zeekDestinationPort: &p.destination,
			zeekProto: &p.protocol, zeekConnState: &p.state, zeekHistory: &p.history, zeekDuration: nil}; {
		case m == zeekTime && i == 0:
			p.time = true
		case m == zeekTime, m == zeekVersion:
			return p, false
		case column[m] != nil:
			if *column[m] != 0 {
				return p, false
			}
			*column[m] = i
		}
	}
	ends := 1 < p.source && from == p.source-1 && to == p.source+1 && p.destination == p.source+2
	behind := (p.state == 0 || p.state > p.protocol) && (p.history == 0 || p.history > p.protocol)
	return p, ends && behind && p.destination < p.protocol && p.protocol < z.columns-1
}

// zeekKnown are additions to lines, by what they depend on.
type zeekKnown struct {
	dialect *dialect
	marks   marks
	list    [1 << zeekSlotBits]zeekAddition
}

// zeekSlotBits says how many additions are kept. A log has a few hundred that make
// up nearly all of it; those of a scan push each other out.
const zeekSlotBits = 12

// zeekAddition is what is added to plain lines.
type zeekAddition struct {
	key      uint64  // from zeekKey; 0 when there is none
	next     uint64  // another key that was asked for last
	from, to uint64  // the times that it holds for, as in zeekFields
	later    bool    // the service was registered later
	count    *uint64 // in the worker's stats
	text     []byte  // with the line end; nothing when the line is not selected
}

// zeekWords has, for each transport and source port, the number in the ends of the notes of
// the words for it, 0 when there is none yet. All dynamic ports have the same,
// so that one place stands for them: most of the table then is not looked at,
// and the rest stays in the cache.
type zeekWords [3]*[1 << 16]uint16

var noWords [1 << 16]uint16

func (w *worker) zeekWords() zeekWords {
	words := zeekWords{&noWords, &noWords, &noWords}
	if w.notes.dialect == nil {
		return words
	}
	ends := &w.notes.editions.Of(w.opt.Annotator.Registry()).ends
	for i, t := range [...]iana.Transport{zeekTCP: iana.TCP, zeekUDP: iana.UDP} {
		if ids := ends.IDs(t); ids != nil {
			words[i] = ids
		}
	}
	return words
}

// zeekKey says what an addition depends on, but for the time: the transport,
// whether the opening was seen, the words for the source port, and the
// destination port, which is the service's.
func zeekKey(f *zeekFields, words *zeekWords) uint64 {
	port := min(f.source, iana.FirstDynamic)
	return f.hint<<34 | f.transport<<32 | uint64(words[f.transport][uint16(port)])<<16 | f.destination
}

func zeekSlot(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 >> (64 - zeekSlotBits) }

// portBefore reads a port that lies in data between two places.
// It gives ok false for anything else, and for what it cannot read eight bytes
// at a time.
func portBefore(data []byte, from, end int) (port uint64, ok bool) {
	n := uint(end - from)
	if end < 8 || n-1 > 4 {
		return 0, false
	}
	const zeros = ones * '0'
	// The digits, the last one on top, below them zeros in place of what is
	// before the port.
	x := binary.LittleEndian.Uint64(data[end-8:]) ^ zeros
	x &= math.MaxUint64 << (64 - 8*n)
	bad := (x + ones*(0x80-10) | x) & tops
	// Two digits to a number, then four, then all eight.
	x = x * (10<<8 + 1) >> 8 & 0x00ff00ff00ff00ff
	x = x * (100<<16 + 1) >> 16 & 0x0000ffff0000ffff
	x = x * (10000<<32 + 1) >> 32
	return x, bad == 0 && x <= math.MaxUint16
}

// lines annotates a block.
func (z *zeekLog) lines(dst []byte, w *worker, b *block) []byte {
	p, ok := z.plain()
	other := w.opt.Selector // that asks for more than what is added says
	other.Unexpected = false
	if !ok || w.opt.Strip || w.opt.Output != Same || !other.Empty() || w.opt.Annotator.ByDay() {
		return w.lineByLine(dst, b, b.in, b.line)
	}
	p.anywhere = w.opt.Annotator.KnowsAddresses()
	if w.zeek == nil {
		w.zeek = new(zeekKnown)
	}
	dst = slices.Grow(dst, 9*len(b.in)/4) // most lines become twice as long
	k := w.zeek
	if k.dialect != z.dialect {
		k.dialect = z.dialect
		for i := range k.list {
			k.list[i].key, k.list[i].next = 0, 0
		}
	}
	number := b.line
	for in := b.in; len(in) > 0; {
		part := in[:min(len(in), markedSize)]
		end := bytes.LastIndexByte(part, '\n') + 1
		if end == 0 { // a long line, or the last one
			if end = bytes.IndexByte(in, '\n') + 1; end == 0 {
				end = len(in)
			}
			dst = w.lineByLine(dst, b, in[:end], number)
			number++
		} else {
			var n int
			dst, n = z.part(dst, w, b, &p, in[:end], number)
			number += int64(n)
		}
		if w.opt.Strict && w.stats.Bad > 0 {
			break
		}
		in = in[end:]
	}
	return dst
}

// part annotates whole lines of at most markedSize bytes, and gives how many
// there were.
func (z *zeekLog) part(dst []byte, w *worker, b *block, p *zeekPlain, data []byte, number int64) ([]byte, int) {
	k, m, sep := w.zeek, &w.zeek.marks, z.dialect.sep[0]
	m.find(data, sep)
	words := w.zeekWords()
	plain, selected := uint64(0), uint64(0)
	from, before := 0, 0 // of the line
	for i, e := range m.ends[:m.lines] {
		begin, end, separators := from, int(e.at), int(e.before)-before
		from, before = end+1, int(e.before)
		var f zeekFields
		ok := separators == z.columns-1 && data[end-1] != '\r' && p.read(&f, m, data, begin, sep)
		if ok {
			key := zeekKey(&f, &words)
			a := &k.list[zeekSlot(key)]
			if a.key == key && a.from <= f.time && f.time <= a.to && (!a.later || zeekStart(data[begin:end], sep) != 0) {
				plain++
				*a.count++
				if len(a.text) > 0 {
					selected++
					dst = append(append(dst, data[begin:end]...), a.text...)
				}
				continue
			}
		}
		old := len(dst)
		dst = w.lineByLine(dst, b, data[begin:end+1], number+int64(i))
		if w.opt.Strict && w.stats.Bad > 0 {
			break
		}
		if words = w.zeekWords(); ok {
			k.learn(w, p, &f, zeekKey(&f, &words), dst[old:])
		}
	}
	if plain > 0 {
		w.count(&zeekTSV, Flow, plain)
	}
	w.stats.Lines += plain
	w.stats.Flows += plain
	w.stats.Selected += selected
	return dst, m.lines
}

// zeekStart reads the time in the first column of a line.
func zeekStart(line []byte, sep byte) int64 {
	return parseSeconds(line[:max(bytes.IndexByte(line, sep), 0)])
}

// zeekFields is what is read of a plain line.
type zeekFields struct {
	transport           uint64 // zeekTCP, zeekUDP or zeekICMP
	source, destination uint64 // ports, 0 for ICMP
	hint                uint64 // 1 where the responder is no more than a hint
	// time has the first eight of the ten digits of the seconds as a number
	// that is the greater the later the time is. These are steps of 100
	// seconds, and days, which registrations have, begin with such a step.
	time uint64
}

// read reads a line of data with as many columns as it should have. It reports
// false when the line is not plain.
func (p *zeekPlain) read(f *zeekFields, m *marks, data []byte, begin int, sep byte) bool {
	// Of a usual line the first 64 bytes reach to the source port, and
	// another 64 to the protocol, so that two words have all separators.
	x := m.from(begin)
	if p.time {
		if x&(1<<11-1) != 0 || data[begin+10] != '.' {
			return false
		}
		f.time = binary.BigEndian.Uint64(data[begin:])
	}
	x = without(x, p.source-2)
	from := begin + bits.TrailingZeros64(x) + 1
	x &= x - 1
	source := begin + bits.TrailingZeros64(x) + 1
	y := m.from(source)
	sourceEnd := source + bits.TrailingZeros64(y)
	y = without(y, p.destination-p.source-1)
	destination := source + bits.TrailingZeros64(y) + 1
	y &= y - 1
	destinationEnd := source + bits.TrailingZeros64(y)
	y = without(y, p.protocol-p.destination-1)
	protocol := source + bits.TrailingZeros64(y) + 1
	if x == 0 || y == 0 {
		from = m.nth(begin, p.source-2) + 1
		source = m.nth(from, 0) + 1
		sourceEnd = m.nth(source, 0)
		destination = m.nth(source, p.destination-p.source-1) + 1
		destinationEnd = m.nth(destination, 0)
		protocol = m.nth(destination, p.protocol-p.destination-1) + 1
	}
	var okS, okD, okP bool
	f.source, okS = portBefore(data, source, sourceEnd)
	f.destination, okD = portBefore(data, destination, destinationEnd)
	f.transport, okP = zeekTransport(data, protocol, sep)
	if f.transport == zeekICMP {
		f.source, f.destination = 0, 0 // its type and code
		return okS && okD && okP
	}
	if !okS || !okD || !okP || f.source == 0 || f.destination == 0 {
		return false
	}
	f.hint = 1
	if f.transport == zeekTCP {
		switch known, seen := p.opening(m, data, protocol, sep); {
		case !known:
			return false
		case seen:
			f.hint = 0
			return true
		}
	}
	return !p.anywhere && plainAddress(data[from:]) && plainAddress(data[sourceEnd+1:])
}

// opening is zeekOpening for a line whose protocol stands at a place.
func (p *zeekPlain) opening(m *marks, data []byte, protocol int, sep byte) (known, seen bool) {
	if p.history > 0 {
		data := data[m.nth(protocol, p.history-p.protocol-1)+1:]
		var has uint64
		for i, c := range data {
			if c == sep || c == '\n' {
				if data = data[:i]; i > 0 && string(data) != p.unset {
					return openingOfLetters(has, data[0])
				}
				break
			}
			has |= letter(c)
		}
	}
	return zeekOpening(p.cell(m, data, protocol, p.state, sep), nil)
}

// cell gives the value in a column behind the protocol; nothing where it is not
// set, or column is 0.
func (p *zeekPlain) cell(m *marks, data []byte, protocol, column int, sep byte) []byte {
	if column == 0 {
		return nil
	}
	data = data[m.nth(protocol, column-p.protocol-1)+1:]
	i := 0
	for data[i] != sep && data[i] != '\n' {
		i++
	}
	if data = data[:i]; string(data) == p.unset {
		return nil
	}
	return data
}

// plainAddress reports an address that is neither multicast nor broadcast, by its first
// bytes. It is not sure of some that are neither.
func plainAddress(text []byte) bool {
	switch text[0] {
	case '1':
		return true
	case '2': // 224.0.0.0 to 239.255.255.255, 255.255.255.255
		return text[1] != '2' && text[1] != '3' && text[1] != '5' || text[2] < '0' || text[2] > '9'
	}
	return '3' <= text[0] && text[0] <= '9'
}

// Transports that plain lines have.
const (
	zeekTCP = iota
	zeekUDP
	zeekICMP // has no ports, but is on many lines
)

// zeekTransport reads a transport and the separator behind it.
func zeekTransport(data []byte, from int, sep byte) (t uint64, ok bool) {
	if from+5 > len(data) {
		return 0, false
	}
	x := binary.LittleEndian.Uint32(data[from:])
	names := [2]uint32{zeekTCP: 't' | 'c'<<8 | 'p'<<16 | uint32(sep)<<24, zeekUDP: 'u' | 'd'<<8 | 'p'<<16 | uint32(sep)<<24}
	if x == names[x&1] { // "t" is even, "u" is odd
		return uint64(x & 1), true
	}
	return zeekICMP, x == 'i'|'c'<<8|'m'<<16|'p'<<24 && data[from+4] == sep
}

// learn keeps what w just added to a plain line.
func (k *zeekKnown) learn(w *worker, p *zeekPlain, f *zeekFields, key uint64, written []byte) {
	r, n := &w.record, &w.notes
	if r.Kind != Flow || r.insert != len(r.Line) || p.time && r.Flow.Start == 0 {
		return
	}
	var count *uint64
	switch {
	case f.transport == zeekICMP:
		if n.annotation.Note == annotate.ProtocolWithoutPorts {
			count = &w.stats.NoPorts
		}
	case n.annotation.Note == annotate.NoNote && n.annotation.Service.Side == annotate.Destination && (key>>16&0xffff != 0 || len(written) == 0):
		count = &w.stats.Statuses[n.annotation.Destination.Status]
	}
	if count == nil {
		return
	}
	a := &k.list[zeekSlot(key)]
	if a.key != key && a.next != key {
		a.next = key // next time; a scan has none
		return
	}
	if later := n.annotation.RegisteredLater; a.key != key || a.later != later {
		*a = zeekAddition{key: key, next: key, from: f.time, to: f.time, later: later, count: count, text: a.text}
	}
	switch {
	case !p.time:
		a.from, a.to = 0, math.MaxUint64
	case a.later: // and for all that came before
		a.from, a.to = 0, max(a.to, f.time)
	default:
		a.from, a.to = min(a.from, f.time), math.MaxUint64
	}
	a.text = a.text[:0]
	if len(written) > 0 {
		a.text = append(a.text, written[len(r.Line):]...)
	}
}
