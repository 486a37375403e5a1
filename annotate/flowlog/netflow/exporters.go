package netflow

import (
	"container/list"
	"fmt"
	"net/netip"
	"time"
)

// Limits bounds the state of exporters. A field that is zero has its default.
type Limits struct {
	Exporters int // source addresses; default 4096
	Fields    int // template fields of all exporters, about 20 bytes each; default 1048576

	// For each exporter. A file counts as one exporter; its domains are bounded
	// by Exporters, and its fields by Fields.
	Domains        int // observation domains; default 256
	ExporterFields int // template fields, of which one domain may have a quarter; default 65536
	Held           int // bytes of data sets that wait for their template; default 256 KiB

	Connections         int           // TCP connections of all exporters; default 1024
	ExporterConnections int           // TCP connections of one exporter; default 16
	Idle                time.Duration // time without a message after which a connection is closed; default 15 minutes
}

// withDefaults gives the limits with defaults in place of zeros.
func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		limit *int
		value int
	}{
		{&l.Exporters, 4096}, {&l.Fields, 1 << 20}, {&l.Domains, 256}, {&l.ExporterFields, 1 << 16}, {&l.Held, 256 << 10},
		{&l.Connections, 1024}, {&l.ExporterConnections, 16},
	} {
		if *d.limit <= 0 {
			*d.limit = d.value
		}
	}
	if l.Idle <= 0 {
		l.Idle = 15 * time.Minute
	}
	return l
}

// unusedFor is how long something must not have been used to make room for
// another. Exporters send at least that often, their templates or else data.
const unusedFor = 30 * time.Minute

// silentFor is after what silence an exporter is forgotten, needed or not.
const silentFor = 24 * time.Hour

// shelf keeps up to limit values. When it is full, a newcomer takes the place of
// the one used longest ago: of those that are not established, or else of those
// not used for unusedFor. If there is none of these, there is no place.
type shelf[K comparable, V any] struct {
	limit       int
	byKey       map[K]*place[K, V]
	fresh       list.List // of *place, not established; the most recently used first
	established list.List
}

// place is that of one value on a shelf.
type place[K comparable, V any] struct {
	key         K
	value       V
	established bool
	used        time.Time
	element     *list.Element
}

func newShelf[K comparable, V any](limit int) *shelf[K, V] {
	return &shelf[K, V]{limit: limit, byKey: make(map[K]*place[K, V])}
}

// get gives the place of a key, nil if it has none.
func (s *shelf[K, V]) get(key K, now time.Time) *place[K, V] {
	p := s.byKey[key]
	if p != nil {
		p.used = now
		s.in(p).MoveToFront(p.element)
	}
	return p
}

// in gives the list that a place is in.
func (s *shelf[K, V]) in(p *place[K, V]) *list.List {
	if p.established {
		return &s.established
	}
	return &s.fresh
}

// room reports whether there is a place for a newcomer, and which value must go
// for it, nil for none.
func (s *shelf[K, V]) room(now time.Time) (out *place[K, V], ok bool) {
	if len(s.byKey) < s.limit {
		return nil, true
	}
	out = s.unused(now, nil)
	return out, out != nil
}

// unused gives the value that makes room first, other than one, nil if there is
// none.
func (s *shelf[K, V]) unused(now time.Time, other *place[K, V]) *place[K, V] {
	for e := s.fresh.Back(); e != nil; e = e.Prev() {
		if p := e.Value.(*place[K, V]); p != other {
			return p
		}
	}
	if e := s.established.Back(); e != nil {
		if p := e.Value.(*place[K, V]); p != other && now.Sub(p.used) >= unusedFor {
			return p
		}
	}
	return nil
}

// add keeps a value. There must be room.
func (s *shelf[K, V]) add(key K, value V, now time.Time) *place[K, V] {
	p := &place[K, V]{key: key, value: value, used: now}
	p.element = s.fresh.PushFront(p)
	s.byKey[key] = p
	return p
}

// establish notes that a value has proved to be of use.
func (s *shelf[K, V]) establish(p *place[K, V]) {
	if !p.established {
		s.fresh.Remove(p.element)
		p.established = true
		p.element = s.established.PushFront(p)
	}
}

// drop forgets a value.
func (s *shelf[K, V]) drop(p *place[K, V]) {
	s.in(p).Remove(p.element)
	delete(s.byKey, p.key)
}

// exporter is what is kept of the sender of messages.
type exporter struct {
	place   *place[netip.Addr, *exporter]
	domains *shelf[domainKey, *domain]
	quota   int // template fields of all domains
	each    int // of one domain
	fields  int // that there are
	held    int // bytes of data sets that wait, with what keeping them takes
}

// exporters keeps the exporters and their domains.
type exporters struct {
	limits Limits
	shelf  *shelf[netip.Addr, *exporter]
	// Of all exporters together.
	fields, held, domains, templates int
	holding                          map[*domain]struct{} // those with data sets that wait
	now                              time.Time
	evicted                          func(what string) // is told of what makes room
	lost                             func(*domain)     // is told of each domain that goes
}

func newExporters(l Limits, evicted func(string), lost func(*domain)) *exporters {
	l = l.withDefaults()
	return &exporters{limits: l, shelf: newShelf[netip.Addr, *exporter](l.Exporters), holding: make(map[*domain]struct{}), evicted: evicted, lost: lost}
}

// get gives the domain of a key, a new one if need be. It is nil, with the kind
// of quota, when there is no room for it.
func (es *exporters) get(key domainKey) (*domain, Kind) {
	var x *exporter
	if p := es.shelf.get(key.address, es.now); p != nil {
		x = p.value
	} else {
		out, ok := es.shelf.room(es.now)
		if !ok {
			return nil, ExporterQuota
		}
		if out != nil {
			es.evict(out.value)
		}
		x = &exporter{domains: newShelf[domainKey, *domain](es.limits.Domains), quota: es.limits.ExporterFields, each: es.limits.ExporterFields / 4}
		if !key.address.IsValid() {
			x.domains.limit = es.limits.Exporters
			x.quota, x.each = es.limits.Fields, es.limits.Fields
		}
		x.place = es.shelf.add(key.address, x, es.now)
	}
	if p := x.domains.get(key, es.now); p != nil {
		return p.value, 0
	}
	out, ok := x.domains.room(es.now)
	if !ok {
		return nil, DomainQuota
	}
	if out != nil {
		es.evicted("a domain forgotten for another of this exporter")
		es.drop(out.value)
	}
	d := &domain{key: key, exporter: x, templates: make(map[uint16]*template)}
	d.place = x.domains.add(key, d, es.now)
	es.domains++
	return d, 0
}

// establish notes that a domain, and so its exporter, has sent what can be used.
func (es *exporters) establish(d *domain) {
	d.exporter.domains.establish(d.place)
	es.shelf.establish(d.exporter.place)
}

// evict forgets an exporter to make room.
func (es *exporters) evict(x *exporter) {
	es.evicted(fmt.Sprintf("exporter %v forgotten for this one", x.place.key))
	es.clear(x)
}

// expire forgets exporters that were long silent. That makes no room for others
// that could not be had, so it is not counted.
func (es *exporters) expire() {
	for _, l := range []struct {
		list  *list.List
		after time.Duration
	}{{&es.shelf.fresh, unusedFor}, {&es.shelf.established, silentFor}} {
		for e := l.list.Back(); e != nil; e = l.list.Back() {
			p := e.Value.(*place[netip.Addr, *exporter])
			if es.now.Sub(p.used) < l.after {
				break
			}
			es.clear(p.value)
		}
	}
}

// clear forgets an exporter with all that is kept of it.
func (es *exporters) clear(x *exporter) {
	for _, p := range x.domains.byKey {
		es.drop(p.value)
	}
	es.forget(x)
}

// forget forgets an exporter that has no domains.
func (es *exporters) forget(x *exporter) {
	if _, ok := es.shelf.byKey[x.place.key]; ok {
		es.shelf.drop(x.place)
	}
}

// drop forgets a domain.
func (es *exporters) drop(d *domain) {
	es.lost(d)
	for id := range d.templates {
		es.remove(d, id)
	}
	d.exporter.domains.drop(d.place)
	es.domains--
}

// end forgets all domains of a connection or a file.
func (es *exporters) end(address netip.Addr, session uint64) {
	p := es.shelf.byKey[address]
	if p == nil {
		return
	}
	// In the order of their use, for what is lost with them to be told in order.
	for _, l := range []*list.List{&p.value.domains.fresh, &p.value.domains.established} {
		for e := l.Back(); e != nil; {
			d := e.Value.(*place[domainKey, *domain])
			e = e.Prev()
			if d.key.session == session {
				es.drop(d.value)
			}
		}
	}
	if len(p.value.domains.byKey) == 0 {
		es.forget(p.value)
	}
}

// keep keeps a template in place of an earlier one of the number. It reports
// whether there was room.
func (es *exporters) keep(d *domain, id uint16, t *template) bool {
	x, n := d.exporter, len(t.fields)
	if old := d.templates[id]; old != nil {
		n -= len(old.fields)
	}
	if d.fields+n > x.each || x.fields+n > x.quota {
		return false
	}
	for es.fields+n > es.limits.Fields {
		out := es.shelf.unused(es.now, x.place)
		if out == nil {
			return false
		}
		es.evict(out.value)
	}
	es.remove(d, id)
	d.templates[id] = t
	es.count(d, len(t.fields), 1)
	es.establish(d)
	return true
}

// remove forgets a template.
func (es *exporters) remove(d *domain, id uint16) {
	if t, ok := d.templates[id]; ok {
		delete(d.templates, id)
		es.count(d, -len(t.fields), -1)
	}
}

func (es *exporters) count(d *domain, fields, templates int) {
	d.fields += fields
	d.exporter.fields += fields
	es.fields += fields
	es.templates += templates
}
