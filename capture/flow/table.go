package flow

import (
	"crypto/rand"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/portannot/portannot/capture/packet"
)

// DefaultMaxFlows bounds the flows held in memory when Options does not.
const DefaultMaxFlows = 4 << 20

// BytesPerFlow is about the memory that a held flow takes, its payload not counted.
const BytesPerFlow = 200

// Options configure a Table. With the zero value, flows end with the input alone.
type Options struct {
	Idle   time.Duration // ends a flow without a packet for longer; 0: never
	Active time.Duration // ends a flow that lasts longer; 0: never
	// Linger is how long Expire waits, after the last packet of a flow that was closed
	// or reset, before it ends the flow. 0: such flows end like any other.
	Linger time.Duration
	// MaxFlows is the most flows to hold; 0: DefaultMaxFlows. Finished flows that wait
	// for Results are among them. When it is reached, finished flows are given to
	// Emit. If none are left, each new flow ends the flow that was idle for
	// longest.
	MaxFlows int
	// MaxContexts is the most different contexts (VLANs and tunnels) that the flows
	// held may have; 0: DefaultMaxContexts. When it is reached, flows end as with
	// MaxFlows, until there is room for the context of the new one.
	MaxContexts int
	// Dedup is the time within which copies of a packet count once; 0: all packets
	// count. There are copies where a capture has two points of observation. They
	// are equal but for the link header, the time to live and the interface. Dedup
	// should be shorter than the time after which an end repeats a packet.
	Dedup time.Duration
	// Payload is the number of bytes to keep of the start of what each end sends, at
	// most MaxPayload; 0: none.
	Payload int
	// PayloadMemory is the most memory for payload, in bytes; 0:
	// DefaultPayloadMemory. When it is full, flows have no payload, or less of it:
	// see Payload.Lost and Stats.PayloadLost.
	PayloadMemory int
	// Note, if it is not nil, is called for a flow when no more payload of either end
	// is wanted. It appends to dst what to keep in place of the payload, as Flow.Note:
	// far less memory, as a rule. What it appends may depend on the protocol, the
	// ends and the payload alone, because more packets may follow. Where it appends
	// nothing, or more than Payload bytes, the payload is kept.
	Note func(dst []byte, f *Flow) []byte
	// Trace is the most packets and headers to note in a Trace; 0: there is none. See
	// DefaultTrace. Table.Add notes them, Table.Track does not.
	Trace int
	// Emit, if not nil, is called for each finished flow that leaves the table
	// before the end of the input, because there is no room or because Prompt is
	// set. Results does not call it. The Flow is valid during the call.
	Emit func(*Flow)
	// Prompt gives each finished flow to Emit at once, as live capture needs.
	// Otherwise finished flows are held, as long as there is room, so that Results has
	// all flows in the order of their first packets.
	Prompt bool
}

// Stats are the counts of a Table.
type Stats struct {
	Flows        uint64 // flows and parts of flows that began
	Evicted      uint64 // flows that ended early because of MaxFlows or MaxContexts
	Crowded      uint64 // those of Evicted that ended because of MaxContexts
	Early        uint64 // flows given to Emit because there was no room, so they are not in Results
	Packets      uint64 // packets that count to a flow, each header of a tunnelled one
	Quoted       uint64 // ICMP errors that quote a packet of a flow
	QuotedOthers uint64 // ICMP errors that quote a packet of no flow that is held
	Duplicates   uint64 // copies that Options.Dedup did not count
	DedupLost    uint64 // packets forgotten before the time Options.Dedup had passed, because memory was full
	Sampled      uint64 // packets that were compared with those before, to find copies; 0 with Options.Dedup
	Twins        uint64 // those of Sampled that had a copy at most TwinTime before
	PayloadLost  uint64 // directions of flows whose payload was cut short for want of memory
}

// Table counts packets to flows. It must not be used by several goroutines at once.
type Table struct {
	opt        Options
	stats      Stats
	seeds      seeds
	v4         table[key4]
	v6         table[key6]
	contexts   contexts
	interfaces interfaces
	extras     []extra
	spare      []uint32 // free places in extras, plus one
	now        int64    // latest packet time
	ended      bool     // so has the input: flows without another end end with it
	held       []aged   // finished flows held back
	oldest     []aged   // see makeRoom
	mark       uint64   // order of the packet at which oldest was made
	order      uint64   // summaries seen, which orders the flows
	out        Flow
	note       []byte // what Note made
	warm       uint32 // sink of the loads in Add

	dedup   dedup
	unique  []packet.Summary // see counted
	samples []digested       // see sampleTwin

	trace *Trace // nil without Options.Trace

	payloadLeft int   // bytes of Options.PayloadMemory that are free
	fresh       marks // of a new entry
}

// batchSize packets are located before any is counted: the loads of their
// index slots and then of their entries are independent of each other, so the
// processor overlaps the cache misses instead of waiting for one at a time. They
// stand in loops with little else in them, for it looks only so many instructions
// ahead.
const batchSize = 64

// located is a summary's key and place.
type located[K comparable] struct {
	key  K
	hash uint32
	at   uint32 // where the entry very likely is; none if there was none when it was probed
	sum  uint8  // the summary's place in the batch
	dir  uint8
}

// NewTable returns a table without flows.
func NewTable(opt Options) *Table {
	if opt.MaxFlows <= 0 {
		opt.MaxFlows = DefaultMaxFlows
	}
	if opt.MaxContexts <= 0 {
		opt.MaxContexts = DefaultMaxContexts
	}
	opt.MaxContexts = min(opt.MaxContexts, maxContexts)
	if opt.Emit == nil {
		opt.Emit = func(*Flow) {}
	}
	opt.Payload = min(max(opt.Payload, 0), MaxPayload)
	if opt.PayloadMemory <= 0 {
		opt.PayloadMemory = DefaultPayloadMemory
	}
	t := &Table{opt: opt, now: minTime, payloadLeft: opt.PayloadMemory, fresh: markUsed}
	t.v4.arena.setSizes(opt.Payload)
	t.v6.arena.setSizes(opt.Payload)
	if opt.Payload == 0 {
		t.fresh |= markDone | markDone<<1
	}
	if opt.Trace > 0 {
		t.trace = &Trace{limit: opt.Trace}
	}
	t.v6.v6, t.dedup.limit = true, maxRecent
	t.v4.memory.limit, t.v6.memory.limit = maxMemory, maxMemory
	t.v4.resize(1 << firstBits)
	t.v6.resize(1 << firstBits)
	var b [8 * len(t.seeds)]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	for i := range t.seeds {
		t.seeds[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return t
}

const (
	minTime = math.MinInt64
	maxTime = math.MaxInt64
)

// Stats returns the counts so far.
func (t *Table) Stats() Stats { return t.stats }

// Len returns the number of flows held.
func (t *Table) Len() int { return t.v4.n + t.v6.n }

// Add counts packets, in the order of the capture. It does not keep sums.
func (t *Table) Add(sums []packet.Summary) {
	if t.opt.Dedup > 0 {
		sums = t.counted(sums)
	} else {
		t.sampleTwins(sums)
	}
	for len(sums) > batchSize {
		t.add(sums[:batchSize])
		sums = sums[batchSize:]
	}
	t.add(sums)
}

func (t *Table) add(sums []packet.Summary) {
	t.contexts.sweep()
	v4, v6 := t.locate(sums)
	t.warm += t.v4.probe(v4) + t.v6.probe(v6)
	if t.Len()+len(sums) >= t.opt.MaxFlows || t.contexts.alive+len(sums) >= t.opt.MaxContexts || t.crowded(len(sums)) {
		// Flows or payload may have to go, and which depends on the order of
		// the packets.
		i4, i6 := 0, 0
		for i := range sums {
			order := t.order + uint64(i)
			if i4 < len(v4) && int(v4[i4].sum) == i {
				v4[i4].at = update(t, &t.v4, &v4[i4], &sums[i], order)
				i4++
			} else {
				v6[i6].at = update(t, &t.v6, &v6[i6], &sums[i], order)
				i6++
			}
		}
	} else {
		updateAll(t, &t.v4, v4, sums)
		updateAll(t, &t.v6, v6, sums)
	}
	if tr := t.Trace(); tr != nil {
		tr.add(sums, v4, v6, t.order)
	}
	t.order += uint64(len(sums))
}

// locate makes the keys of a batch. The versions are told apart once, and without
// a branch, for each guess that the processor gets wrong costs as much as a hash.
func (t *Table) locate(sums []packet.Summary) ([]located[key4], []located[key6]) {
	var of4, of6 [batchSize]uint8
	n4, n6 := 0, 0
	for i := range sums {
		of4[n4%batchSize], of6[n6%batchSize] = uint8(i), uint8(i)
		is6 := int(sums[i].IPVersion >> 1 & 1)
		n4, n6 = n4+1-is6, n6+is6
	}
	return t.locate4(sums, of4[:n4]), t.locate6(sums, of6[:n6])
}

// probe finds where the entries of a batch very likely are, by their hashes alone,
// and touches them.
func (tb *table[K]) probe(batch []located[K]) (sink uint32) {
	slots := tb.slots
	mask := uint32(len(slots) - 1)
	for i := range batch {
		sink += slots[batch[i].hash&mask].index
	}
	for i := range batch {
		l := &batch[i]
		h := l.hash
		j := h & mask
		s := slots[j]
		for s.hash != h && s.index != 0 {
			j = (j + 1) & mask
			s = slots[j]
		}
		l.at = s.index - 1 // none if the slot is free
	}
	for i := range batch {
		if at := batch[i].at; at != none {
			sink += tb.at(at).packets[0]
		}
	}
	return sink
}

// updateAll counts a batch. Nearly all packets go on with a flow that is under
// way: they are counted here, with no branch that depends on the transport or the
// direction. What opens a flow or a connection, may end one, or has more to note
// than sums and events is for update.
func updateAll[K comparable](t *Table, tb *table[K], batch []located[K], sums []packet.Summary) {
	idle := int64(t.opt.Idle)
	if idle == 0 {
		idle = math.MaxInt64
	}
	if t.opt.Active > 0 {
		idle = math.MinInt64 // how long a flow is active stands in its rest
	}
	counted := uint64(0)
	for n := range batch {
		l := &batch[n]
		s := &sums[l.sum]
		if i := l.at; i != none {
			e, d := tb.at(i), l.dir&1
			bytes, over, fit := e.sums(d, s)
			ev := eventsOf(s)
			if e.key == l.key && uint8(e.end)|uint8(s.Kind)|uint8(ev&(evOpen|evAccept|evAbort))|uint8(e.opening&openWaiting)|uint8(e.marks&markAside) == 0 &&
				s.Time >= e.last[d] && s.Time-e.latest() <= idle &&
				e.packets[d]-1 < 1<<32-2 && fit &&
				(e.marks>>d&markDone != 0 || s.PayloadLen == 0) && !s.HasPPID {
				e.last[d] = s.Time
				e.packets[d]++
				e.ipBytes[d], e.overhead[d] = uint32(bytes), int32(over)
				e.note(d, s.TCPFlags, ev)
				t.now = max(t.now, s.Time)
				counted++
				continue
			}
		}
		l.at = update(t, tb, l, s, t.order+uint64(l.sum))
	}
	t.stats.Packets += counted
}

// Track counts one packet as Add does, and returns the flow to which it counts, or
// which an ICMP error quotes. ok is false if there is none: for an ICMP error about a
// flow that is not held, and for a copy that Options.Dedup does not count.
func (t *Table) Track(s *packet.Summary) (r Ref, ok bool) {
	one := [1]packet.Summary{*s}
	if t.opt.Dedup > 0 {
		if t.again(s) {
			return Ref{}, false
		}
	} else {
		t.sampleTwins(one[:])
	}
	var i uint32
	t.contexts.sweep()
	v4, v6 := t.locate(one[:])
	if len(v4) > 0 {
		i = update(t, &t.v4, &v4[0], s, t.order)
	} else {
		i = update(t, &t.v6, &v6[0], s, t.order)
	}
	t.order++
	return Ref{i, len(v6) > 0}, i != none
}

// Peek writes the flow that Track returned into f, as it stands now. r is valid until
// the next packet.
func (t *Table) Peek(r Ref, f *Flow) { t.tableOf(r).fill(t, r.index, f) }

// update counts one packet, the order-th of the run, and gives the entry, none
// for an ICMP error that quotes no flow.
func update[K comparable](t *Table, tb *table[K], l *located[K], s *packet.Summary, order uint64) uint32 {
	i := l.at
	if i >= tb.top || tb.at(i).end != EndNone || tb.at(i).key != l.key {
		// There was none, or a packet since has ended it, or it has the same hash.
		// A packet since may have brought the flow.
		i = tb.find(&l.key, l.hash)
	}
	if s.Kind == packet.Quoted {
		t.quote(tb, i, s)
		return i
	}
	if s.Time > t.now {
		t.now = s.Time
	}
	t.stats.Packets++
	if i == none {
		p := tb.recall(t, &l.key, l.hash)
		if opens(s) {
			p = past{}
		}
		return begin(t, tb, l, s, order, &p, nil)
	}
	e := tb.at(i)
	end := EndNone
	switch {
	case t.opt.Idle > 0 && s.Time-e.latest() > int64(t.opt.Idle):
		end = EndIdle
	case t.opt.Active > 0 && s.Time-tb.restOf(i).earliest() >= int64(t.opt.Active):
		end = EndActive
	case e.packets[l.dir&1] == 1<<32-1:
		end = EndCounter
	}
	if end != EndNone {
		var p past
		if !opens(s) {
			p = tb.past(t, i)
		}
		t.finish(tb, i, end)
		return begin(t, tb, l, s, order, &p, nil)
	}
	ev, f := event(0), belongs
	if s.Kind == packet.Datagram {
		if ev = eventsOf(s); ev != 0 {
			f, ev = judge(t, tb, i, l.dir, s, ev)
		}
	}
	switch f {
	case waits:
		if tr := t.Trace(); tr != nil {
			tr.setAside(tb.place(i), order)
		}
		setAside(t, tb, i, l.dir&1, s, eventsOf(s), order)
		return i
	case begins, answers:
		x := tb.restOf(i).extra
		var a aside
		if x != 0 && (f == answers || t.extras[x-1].aside.begunBy(s, l.dir&1)) {
			a = t.takeAside(x)
		}
		if tr := t.Trace(); tr != nil && a.some() {
			tr.open(tb.place(i), a.order, order)
		}
		before := tb.past(t, i)
		t.finish(tb, i, EndReopen)
		i = begin(t, tb, l, s, order, new(past), &a)
		if r := tb.restOf(i); r.earliest() == before.time {
			t.extraOf(&r.extra).repeat = before.repeat + 1
		}
		return i
	}
	count(t, tb, i, l.dir, s, ev)
	return i
}

// begin makes a new entry for a packet: of a new flow, or of the next part of one if
// p is not zero. It begins with what was set aside, if that is not nil or empty.
func begin[K comparable](t *Table, tb *table[K], l *located[K], s *packet.Summary, order uint64, p *past, a *aside) uint32 {
	if t.Len() >= t.opt.MaxFlows {
		t.makeRoom(order)
	}
	context := contextOf(&l.key)
	for t.contexts.fresh(context) && t.contexts.alive >= t.opt.MaxContexts {
		if forgot := t.v4.forgetAll(t); t.v6.forgetAll(t) || forgot {
			continue
		}
		before := t.stats.Evicted
		t.makeRoom(order)
		t.stats.Crowded += t.stats.Evicted - before
	}
	t.contexts.hold(context)
	top := tb.top
	i := tb.insert(l.hash)
	e, r := tb.at(i), tb.restOf(i)
	if tr := t.Trace(); tr != nil && i < top {
		tr.reuse(tb.place(i), order)
	}
	e.key, e.dir0, e.marks = l.key, l.dir, t.fresh
	e.last = [2]int64{minTime, minTime}
	*r = rest{first: [2]int64{maxTime, maxTime}, number: s.Number, order: order, hash: l.hash}
	t.stats.Flows++
	from := uint16(0)
	if s.Interface != "" {
		from = t.interfaces.number(s.Interface)
	}
	switch {
	case p.part != 0:
		from = p.iface
		resume(t, tb, i, p)
	case a != nil && a.some():
		from = a.iface
		unfold(t, tb, i, a)
	}
	noteInterface(t, tb, i, from)
	ev := event(0)
	if s.Kind == packet.Datagram {
		ev = eventsOf(s)
	}
	count(t, tb, i, l.dir, s, ev)
	return i
}

// opens reports whether s is an opening message.
func opens(s *packet.Summary) bool {
	if s.Protocol == packet.TCP {
		return s.TCPFlags&(packet.SYN|packet.ACK|packet.RST) == packet.SYN && s.Kind == packet.Datagram
	}
	return s.Signal&packet.Init != 0
}

// notePPIDs notes the identifiers of a packet.
func (t *Table) notePPIDs(at *uint32, s *packet.Summary) {
	x := t.extraOf(at)
	if s.Bundle == nil {
		x.notePPID(s.PPID)
		return
	}
	for _, id := range s.Bundle.PPIDs[:min(s.Bundle.NumPPIDs, packet.MaxPPIDs)] {
		x.notePPID(id)
	}
}

func (x *extra) notePPID(id uint32) {
	if x.numPPIDs == MaxPPIDs || slices.Contains(x.ppids[:x.numPPIDs], id) {
		return
	}
	x.ppids[x.numPPIDs] = id
	x.numPPIDs++
}

func (t *Table) extraOf(at *uint32) *extra {
	if *at == 0 {
		if n := len(t.spare); n > 0 {
			*at = t.spare[n-1]
			t.spare = t.spare[:n-1]
			t.extras[*at-1] = extra{}
		} else {
			t.extras = append(t.extras, extra{})
			*at = uint32(len(t.extras))
		}
	}
	return &t.extras[*at-1]
}

// quote notes an ICMP error on the flow it quotes.
func (t *Table) quote(tb anyTable, i uint32, s *packet.Summary) {
	if i == none {
		t.stats.QuotedOthers++
		return
	}
	t.stats.Quoted++
	x := t.extraOf(tb.extraAt(i))
	if !x.icmp.Seen {
		x.icmp = ICMPError{Seen: true, Type: s.ICMPType, Code: s.ICMPCode}
	}
	x.icmp.Count++
	if !x.rejected && reject(s.IPVersion, s.ICMPType, s.ICMPCode) {
		// The error that rejects is the one to report.
		x.rejected, x.icmp.Type, x.icmp.Code = true, s.ICMPType, s.ICMPCode
	}
}

// finish takes entry i out of the index. Its account is given to Emit at once,
// or held back until the end.
func (t *Table) finish(tb anyTable, i uint32, why EndReason) {
	order := tb.unlink(i, why)
	if t.opt.Prompt {
		t.emit(tb, i)
		return
	}
	t.held = append(t.held, aged{order: order, ref: tb.ref(i)})
}

// anyTable is what a table can do whatever its key.
type anyTable interface {
	ref(i uint32) Ref
	extraAt(i uint32) *uint32
	unlink(i uint32, why EndReason) (order uint64)
	fill(t *Table, i uint32, f *Flow)
	contextOf(i uint32) uint32
	remember(t *Table, i uint32)
	free(i uint32) (extra uint32, payload [2]handle)
	release(payload [2]handle)
}

// emit gives entry i, which is out of the index, to Emit and frees its place.
func (t *Table) emit(tb anyTable, i uint32) {
	tb.fill(t, i, &t.out)
	t.contexts.release(tb.contextOf(i))
	x, payload := tb.free(i)
	t.opt.Emit(&t.out)
	// Only now, for the Flow points into them.
	if x != 0 {
		t.spare = append(t.spare, x)
	}
	tb.release(payload)
}

// Expire ends the flows whose time is over by the time now, in nanoseconds since the
// Unix epoch. Live capture calls it every second or so: without it, a time-out shows
// only at the next packet of the flow.
func (t *Table) Expire(now int64) {
	due := t.v6.due(t.v4.due(nil, t.opt, now), t.opt, now)
	slices.SortFunc(due, byOrder)
	for _, d := range due {
		tb := t.tableOf(d.ref)
		tb.remember(t, d.ref.index)
		t.finish(tb, d.ref.index, d.why)
	}
}

func (t *Table) tableOf(r Ref) anyTable {
	if r.v6 {
		return &t.v6
	}
	return &t.v4
}
