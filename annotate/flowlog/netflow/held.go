package netflow

import (
	"bytes"
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"
)

// heldFor is how long a data set waits for its template. Exporters that are
// set up well repeat their templates as often.
const heldFor = time.Minute

const (
	heldInAll    = 16 << 20 // bytes of data sets that wait, of all exporters together
	heldOverhead = 160      // bytes that keeping one takes
)

// heldSet is a data set that waits for its template.
type heldSet struct {
	id    uint16
	n     uint64 // of all that were held, this was the nth
	set   []byte
	clock clock // of its message
	from  Source
	until time.Time
}

func (h *heldSet) size() int { return len(h.set) + heldOverhead }

// hold keeps a data set of an unknown template. It reports whether there was
// room.
func (d *Decoder) hold(dom *domain, id uint16, set []byte) bool {
	es := d.exporters
	h := heldSet{id: id, clock: d.clock, from: d.source, until: es.now.Add(heldFor)}
	n := len(set) + heldOverhead
	if dom.exporter.held+n > es.limits.Held || es.held+n > heldInAll {
		return false
	}
	d.heldSets++
	h.n, h.set = d.heldSets, bytes.Clone(set)
	dom.held = append(dom.held, h)
	d.countHeld(dom, n)
	return true
}

func (d *Decoder) countHeld(dom *domain, n int) {
	es := d.exporters
	dom.exporter.held += n
	es.held += n
	if len(dom.held) > 0 {
		es.holding[dom] = struct{}{}
	} else {
		delete(es.holding, dom)
		dom.held = nil
	}
}

// take takes the held sets of a domain for which want holds out of it.
func (d *Decoder) take(dom *domain, want func(*heldSet) bool) []heldSet {
	if len(dom.held) == 0 {
		return nil
	}
	var taken []heldSet
	n := 0
	rest := dom.held[:0]
	for i := range dom.held {
		if h := &dom.held[i]; want(h) {
			taken = append(taken, *h)
			n += h.size()
		} else {
			rest = append(rest, *h)
		}
	}
	clear(dom.held[len(rest):])
	dom.held = rest
	d.countHeld(dom, -n)
	return taken
}

// release decodes the held sets of a template that has come.
func (d *Decoder) release(v Version, dom *domain, id uint16, t *template) {
	from, clock := d.source, d.clock
	for _, h := range d.take(dom, func(h *heldSet) bool { return h.id == id }) {
		d.source, d.clock = h.from, h.clock
		d.data(v, dom, id, t, h.set)
	}
	d.source, d.clock = from, clock
}

// giveUp counts held sets of domains as lost, in the order in which they came.
func (d *Decoder) giveUp(domains iter.Seq[*domain], want func(*heldSet) bool) {
	type lost struct {
		dom *domain
		heldSet
	}
	var all []lost
	for dom := range domains {
		for _, h := range d.take(dom, want) {
			all = append(all, lost{dom, h})
		}
	}
	slices.SortFunc(all, func(a, b lost) int { return cmp.Compare(a.n, b.n) })
	from := d.source
	for i := range all {
		d.source = all[i].from
		d.noTemplate(all[i].dom, all[i].id)
	}
	d.source = from
}

func anySet(*heldSet) bool { return true }

// Tick tells the decoder the time. It should be called about once a second. Tick
// gives up data sets that have waited too long for their template, and forgets
// exporters that have been silent for long.
func (d *Decoder) Tick(now time.Time) {
	d.exporters.now = now
	d.exporters.expire()
	d.giveUp(maps.Keys(d.exporters.holding), func(h *heldSet) bool { return !now.Before(h.until) })
}

// Flush gives up all data sets that wait for their template.
func (d *Decoder) Flush() { d.giveUp(maps.Keys(d.exporters.holding), anySet) }
