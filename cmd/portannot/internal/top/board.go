package top

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
)

// Limits of the memory of a Board.
const (
	maxServices  = 1 << 14 // services told apart; the flows of all others count together
	maxAddresses = 1 << 18 // addresses of clients, of all services
	maxEnded     = 1 << 12 // ended flows remembered, the latest
	maxFlows     = 1 << 12 // flows of the chosen service in a Snapshot
	maxShares    = 1 << 18 // flows that are counted while they are under way, and not when they end
)

const (
	// refresh is how often the flows are looked at anew.
	refresh = 500 * time.Millisecond
	// budget is how long one look may take. The packets wait meanwhile, in the
	// system's buffer: what is not looked at in that time is looked at next time.
	budget = 2 * time.Millisecond
	// window is the time that rates are the mean of.
	window = 10 * time.Second
	// settled is how long after the beginning a service is called new.
	settled = 10 * time.Second
	// newFor is how long a service is called new.
	newFor = time.Minute
)

// Service is what flows are counted by. The zero value is flows of which neither
// end is known to be the service.
type Service struct {
	Transport iana.Transport
	Port      uint16
}

// Known reports whether it is a service.
func (s Service) Known() bool { return s.Transport != iana.NoTransport }

// Row is what was counted of a service.
type Row struct {
	Service Service
	Others  bool // of the services that were not told apart
	Entry   iana.Entry
	Local   string // the user's own name
	// Counts of all flows since the beginning. Bytes are those of the IP packets.
	Flows, Packets, Bytes uint64
	Open                  uint64 // flows that have not ended
	PacketRate, ByteRate  float64
	Clients               int
	AtLeast               bool // there may be more clients
	First, Last           int64
	New                   bool
	Verdict               observe.Verdict  // the most striking of its flows; valid if Examined
	Protocol              observe.Protocol // that most flows with Verdict look like
	Protocols             int              // how many others there are
	Examined              bool
	history               []point
	seen                  time.Time
	clients               map[netip.Addr]uint32 // with the number of their flows
	looks                 map[look]uint64       // flows by what they look like
}

// look is what the payload of a flow looks like.
type look struct {
	verdict  observe.Verdict
	protocol observe.Protocol
}

// point is what was counted up to a time.
type point struct {
	clock          int64
	packets, bytes uint64
}

// Flow is a flow of the chosen service.
type Flow struct {
	Client, Server netip.AddrPort // source and destination, if Side is annotate.NoSide
	Side           annotate.Side
	Reason         annotate.Reason
	State          flow.State
	End            flow.EndReason
	Packets, Bytes uint64
	First, Last    int64
	Examined       bool
	Protocol       observe.Protocol
	Verdict        observe.Verdict
	Name           string // that the client asked for; from outside
	service        Service
}

// Account is how the reading goes.
type Account struct {
	Packets    uint64
	Undecoded  uint64
	Flows      uint64 // that began
	Dropped    uint64 // by the system
	Received   uint64 // that passed the filter, with those dropped
	Live       bool   // Dropped and Received are known
	Evicted    uint64 // flows that ended for want of room
	Waiting    uint64 // flows held that are counted to services when they end
	packetRate float64
}

// Snapshot is what the screen shows. It is not changed once it is made.
type Snapshot struct {
	At      time.Time
	Began   time.Time
	Clock   int64         // of the packets, nanoseconds since the Unix epoch; 0 before the first
	Ended   bool          // the input has; the rates are then the mean of all of it
	Span    time.Duration // from the first packet to the latest; valid if Ended
	Rows    []Row
	Account Account
	Chosen  Service
	Flows   []Flow // of Chosen
	More    int    // flows of Chosen that Flows has no room for
}

// Rate is the mean rate of all packets.
func (s *Snapshot) Rate() float64 { return s.Account.packetRate }

// identity tells flows and their parts apart.
type identity struct {
	id   uint64
	part uint32
}

// share is what a flow has added to a row. It is taken off again before the flow is
// counted anew, for the service of a flow may change as more of it is seen.
type share struct {
	row            *Row
	packets, bytes uint64
	client         netip.Addr
	look           look // valid if examined
	examined       bool
}

// Board counts the flows of a run by service, those under way too. But for Choose and
// Latest, it is called by the run alone.
type Board struct {
	began     time.Time
	rows      map[Service]*Row
	others    Row
	shares    map[identity]share
	addresses int
	ended     []Flow // a ring
	lastEnded int
	first     int64 // of the packets
	latest    int64
	latestAt  time.Time // when latest was met
	finished  bool

	sweeping bool
	cursor   flow.Cursor
	swept    time.Time // when the last sweep began
	pointed  time.Time // when the history was added to
	total    []point
	flow     flow.Flow
	flows    []Flow
	more     int
	waiting  uint64
	sweptFor Service
	// Of the last sweep that was done:
	listed     []Flow
	listedMore int
	listedFor  Service
	notYet     uint64
	published  time.Time

	chosen  atomic.Pointer[Service]
	hurry   atomic.Bool
	over    atomic.Bool // Finish was called
	shown   atomic.Pointer[Snapshot]
	changed chan struct{}
}

// NewBoard returns an empty Board.
func NewBoard(now time.Time) *Board {
	b := &Board{began: now, rows: map[Service]*Row{}, shares: map[identity]share{}, changed: make(chan struct{}, 1)}
	b.others.Others = true
	b.chosen.Store(new(Service))
	return b
}

// Choose says of which service the flows are wanted.
func (b *Board) Choose(s Service) {
	b.chosen.Store(&s)
	b.hurry.Store(true)
	if b.over.Load() { // the run no longer looks
		b.Finish(time.Now(), b.Latest().Account)
	}
}

// Latest gives the latest Snapshot; nil before the first.
func (b *Board) Latest() *Snapshot { return b.shown.Load() }

// Changed tells that there is another Snapshot.
func (b *Board) Changed() <-chan struct{} { return b.changed }

// Source gives the flows that are held; see flow.Table.Next.
type Source interface {
	Next(c *flow.Cursor, f *flow.Flow) bool
}

// Annotate annotates a flow, and reports whether it is selected.
type Annotate func(f *flow.Flow) (*annotate.Annotation, bool)

// Look looks at the flows that are held, for no longer than its budget, and goes on
// next time. Twice a second there is a Snapshot. It is called some twenty times a
// second.
func (b *Board) Look(now time.Time, src Source, annotate Annotate, account func() Account) {
	hurried := b.hurry.Swap(false)
	if hurried || !b.sweeping && now.Sub(b.swept) >= refresh {
		b.sweeping, b.cursor, b.swept = true, flow.Cursor{}, now
		b.flows, b.more, b.waiting, b.sweptFor = nil, 0, 0, *b.chosen.Load()
	}
	done := false
	for start := time.Now(); b.sweeping && !done; {
		for range 32 {
			if !src.Next(&b.cursor, &b.flow) {
				b.sweeping, done = false, true
				b.listed, b.listedMore, b.listedFor, b.notYet = b.flows, b.more, b.sweptFor, b.waiting
				break
			}
			b.visit(now, annotate)
		}
		if time.Since(start) >= budget {
			break
		}
	}
	if now.Sub(b.published) >= refresh || done && b.Latest() != nil && b.Latest().Chosen != b.listedFor {
		b.publish(now, account())
	}
}

// visit counts the flow that was met, unless nothing is new of it.
func (b *Board) visit(now time.Time, annotate Annotate) {
	f := &b.flow
	old, known := b.shares[identity{f.ID, f.Part}]
	switch {
	case !known && len(b.shares) >= maxShares:
		b.waiting++
		return
	case known && old.packets == f.Packets() && (old.row.Service != b.sweptFor || old.row.Others):
		return
	}
	if a, ok := annotate(f); ok {
		b.update(now, f, a)
	}
}

// End counts a flow that has ended.
func (b *Board) End(now time.Time, f *flow.Flow, a *annotate.Annotation) {
	s := b.count(now, f, a)
	delete(b.shares, identity{f.ID, f.Part})
	s.row.Open--
	fl := flowOf(f, a)
	if len(b.ended) < maxEnded {
		b.ended = append(b.ended, fl)
		return
	}
	b.ended[b.lastEnded] = fl
	b.lastEnded = (b.lastEnded + 1) % maxEnded
}

// Finish makes the last Snapshot, after all flows have ended.
func (b *Board) Finish(now time.Time, account Account) {
	b.finished, b.sweeping = true, false
	b.listed, b.listedMore, b.listedFor, b.notYet = nil, 0, *b.chosen.Load(), 0
	b.publish(now, account)
	b.over.Store(true)
}

// update counts a flow that is under way.
func (b *Board) update(now time.Time, f *flow.Flow, a *annotate.Annotation) {
	b.shares[identity{f.ID, f.Part}] = b.count(now, f, a)
	if serviceOf(a) == b.sweptFor {
		if len(b.flows) < maxFlows {
			b.flows = append(b.flows, flowOf(f, a))
		} else {
			b.more++
		}
	}
}

func (b *Board) count(now time.Time, f *flow.Flow, a *annotate.Annotation) share {
	id := identity{f.ID, f.Part}
	if old, ok := b.shares[id]; ok {
		b.take(&old)
	}
	row := b.row(now, a)
	s := share{row: row, packets: f.Packets(), bytes: f.IPBytes(), client: clientOf(f, a)}
	if o := &a.Observed; o.Examined {
		s.examined, s.look = true, look{o.Verdict, o.Protocol}
	}
	start, last := f.Start(), f.Last()
	if row.First == 0 || start < row.First {
		row.First = start
	}
	row.Last = max(row.Last, last)
	if b.first == 0 || start < b.first {
		b.first = start
	}
	if last > b.latest {
		b.latest, b.latestAt = last, now
	}
	b.give(&s)
	return s
}

// row gives the row of an annotation.
func (b *Board) row(now time.Time, a *annotate.Annotation) *Row {
	s := serviceOf(a)
	if r := b.rows[s]; r != nil {
		return r
	}
	if len(b.rows) >= maxServices {
		return &b.others
	}
	r := &Row{Service: s, seen: now}
	if e := a.ServiceEntry(); s.Known() {
		r.Entry, r.Local = *e, a.Local()
	}
	b.rows[s] = r
	return r
}

func (b *Board) give(s *share) {
	r := s.row
	r.Flows++
	r.Open++
	r.Packets += s.packets
	r.Bytes += s.bytes
	if s.client.IsValid() {
		_, ok := r.clients[s.client]
		switch {
		case !ok && b.addresses >= maxAddresses:
			r.AtLeast = true
			s.client = netip.Addr{}
		default:
			if r.clients == nil {
				r.clients = map[netip.Addr]uint32{}
			}
			if r.clients[s.client]++; !ok {
				b.addresses++
			}
		}
	}
	if s.examined {
		r.Examined = true
		if r.looks == nil {
			r.looks = map[look]uint64{}
		}
		r.looks[s.look]++
	}
}

func (b *Board) take(s *share) {
	r := s.row
	r.Flows--
	r.Open--
	r.Packets -= s.packets
	r.Bytes -= s.bytes
	if s.client.IsValid() {
		if r.clients[s.client]--; r.clients[s.client] == 0 {
			delete(r.clients, s.client)
			b.addresses--
		}
	}
	if s.examined {
		if r.looks[s.look]--; r.looks[s.look] == 0 {
			delete(r.looks, s.look)
		}
	}
}

// serviceOf gives what a flow is counted by.
func serviceOf(a *annotate.Annotation) Service {
	if e := a.ServiceEntry(); e != nil && e.Transport != iana.NoTransport { // which records of ICMP have
		return Service{e.Transport, a.Service.Port}
	}
	return Service{}
}

// clientOf gives the client of a flow, invalid if it is not known.
func clientOf(f *flow.Flow, a *annotate.Annotation) netip.Addr {
	switch a.Service.Side {
	case annotate.Source:
		return f.Destination.Addr()
	case annotate.Destination:
		return f.Source.Addr()
	}
	return netip.Addr{}
}

func flowOf(f *flow.Flow, a *annotate.Annotation) Flow {
	r := Flow{Client: f.Source, Server: f.Destination, Side: a.Service.Side, Reason: a.Service.Reason, State: f.State, End: f.End,
		Packets: f.Packets(), Bytes: f.IPBytes(), First: f.Start(), Last: f.Last(), service: serviceOf(a)}
	if r.Side == annotate.Source {
		r.Client, r.Server = r.Server, r.Client
	}
	if o := &a.Observed; o.Examined {
		r.Examined, r.Protocol, r.Verdict, r.Name = true, o.Protocol, o.Verdict, string(o.ServerName)
	}
	return r
}

// clock gives the time of the traffic: that of the latest packet, and what has passed
// since it was met. For an interface that is the time of day. For a capture that is
// read faster than it was recorded, it is the capture's own.
func (b *Board) clock(now time.Time) int64 {
	if b.latest == 0 {
		return 0
	}
	if b.finished {
		return b.latest
	}
	return b.latest + int64(now.Sub(b.latestAt))
}

// publish makes a Snapshot.
func (b *Board) publish(now time.Time, account Account) {
	clock := b.clock(now)
	s := &Snapshot{At: now, Began: b.began, Clock: clock, Ended: b.finished, Span: time.Duration(b.latest - b.first), Account: account,
		Chosen: b.listedFor, Flows: slices.Clone(b.listed), More: b.listedMore, Rows: make([]Row, 0, len(b.rows)+1)}
	s.Account.Waiting = max(b.notYet, b.waiting)
	b.published = now
	point := clock != 0 && now.Sub(b.pointed) >= time.Second
	if point {
		b.pointed = now
	}
	for _, r := range b.rows {
		if r.Flows > 0 { // else its flows turned out to be of another service
			s.Rows = append(s.Rows, b.shownRow(now, r, clock, point))
		}
	}
	if b.others.Flows > 0 {
		s.Rows = append(s.Rows, b.shownRow(now, &b.others, clock, point))
	}
	s.Account.packetRate, _ = b.rates(&b.total, account.Packets, 0, b.first, clock, point)
	for i := range b.ended {
		f := &b.ended[(b.lastEnded+i)%len(b.ended)]
		if f.service != b.listedFor {
			continue
		}
		if len(s.Flows) < maxFlows {
			s.Flows = append(s.Flows, *f)
		} else {
			s.More++
		}
	}
	b.shown.Store(s)
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// shownRow gives a copy of a row without what only the board needs.
func (b *Board) shownRow(now time.Time, r *Row, clock int64, point bool) Row {
	r.PacketRate, r.ByteRate = b.rates(&r.history, r.Packets, r.Bytes, r.First, clock, point)
	r.Clients = len(r.clients)
	r.New = !b.finished && r.seen.Sub(b.began) > settled && now.Sub(r.seen) < newFor
	r.characterise()
	c := *r
	c.history, c.clients, c.looks = nil, nil, nil
	return c
}

// characterise says what the payload of a row's flows looks like.
func (r *Row) characterise() {
	r.Verdict, r.Protocol, r.Protocols = observe.NoPayload, observe.Unknown, 0
	var known [1 << 8]bool
	most := uint64(0)
	for l, n := range r.looks {
		if l.protocol != observe.Unknown && !known[l.protocol] {
			known[l.protocol] = true
			r.Protocols++
		}
		if l.verdict > r.Verdict {
			r.Verdict, r.Protocol, most = l.verdict, observe.Unknown, 0
		}
		if l.verdict == r.Verdict && (n > most || n == most && l.protocol < r.Protocol) {
			r.Protocol, most = l.protocol, n
		}
	}
	if r.Protocol != observe.Unknown {
		r.Protocols-- // the others
	}
}

// rates gives the mean rates of packets and bytes a second in the last window, or of
// the whole input once it has ended. point says to remember what was counted up to
// now.
func (b *Board) rates(history *[]point, packets, bytes uint64, first, clock int64, remember bool) (float64, float64) {
	base := point{clock: first}
	if b.finished {
		base.clock = b.first
	} else {
		h := *history
		for len(h) > 1 && h[1].clock <= clock-int64(window) {
			h = h[1:]
		}
		if len(h) > 0 {
			base = h[0]
		}
		if remember {
			h = append(h, point{clock, packets, bytes})
		}
		*history = h
	}
	seconds := max(float64(clock-base.clock)/1e9, 1)
	rate := func(now, then uint64) float64 { return float64(now-min(now, then)) / seconds }
	return rate(packets, base.packets), rate(bytes, base.bytes)
}
