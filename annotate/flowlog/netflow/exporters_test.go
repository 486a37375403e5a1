package netflow

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// sender gives a Source with the address 192.0.2.i.
func sender(i, port int) Source {
	a := netip.AddrFrom4([4]byte{192, 0, 2 + byte(i>>8), byte(i)})
	return Source{Name: a.String(), Address: netip.AddrPortFrom(a, uint16(port)), Offset: -1}
}

var (
	tmplA = messageIPFIX(0, 0, set(2, false, templateRecord(256, templateA...)))
	bothA = messageIPFIX(0, 0, set(2, false, templateRecord(256, templateA...)), set(256, false, dataA))
)

// ofDomain is an IPFIX message with another domain.
func ofDomain(m []byte, d uint32) []byte {
	m = join(m)
	be.PutUint32(m[12:], d)
	return m
}

func dataOf(seq uint32) []byte { return messageIPFIX(seq, 0, set(256, false, dataA)) }

// wideTemplate is a message with a template of n fields.
func wideTemplate(domain uint32, id, n int) []byte {
	fields := make([]field, n)
	for i := range fields {
		fields[i] = field{8, 4, 0}
	}
	return messageIPFIX(0, domain, set(2, false, templateRecord(id, fields...)))
}

// TestOneSender: whatever one sender does, what others announced stays, and each
// new one finds a place.
func TestOneSender(t *testing.T) {
	limits := Limits{Exporters: 20, Domains: 8, ExporterFields: 400, Fields: 2000, Held: 4096}
	for _, c := range []struct {
		name  string
		flood func(d *Decoder)
		kind  Kind
	}{
		{"domains of the same address", func(d *Decoder) {
			for i := range 1000 {
				d.Message(messageIPFIX(0, uint32(1000+i)), sender(1, 99))
			}
		}, Evicted},
		{"domains with templates", func(d *Decoder) {
			for i := range 1000 {
				d.Message(ofDomain(tmplA, uint32(1000+i)), sender(2, 99))
			}
		}, DomainQuota},
		{"templates of the same address", func(d *Decoder) {
			for i := range 100 {
				d.Message(wideTemplate(5, 300+i, 90), sender(1, 99))
			}
		}, TemplateQuota},
		{"one template too large", func(d *Decoder) { d.Message(wideTemplate(5, 300, 101), sender(1, 99)) }, TemplateQuota},
		{"data without templates", func(d *Decoder) {
			for range 1000 {
				d.Message(messageIPFIX(0, 9, set(999, false, dataA)), sender(2, 99))
			}
		}, NoTemplate},
		{"addresses", func(d *Decoder) {
			for i := range 1000 {
				d.Message(messageIPFIX(0, 1), sender(10+i, 99))
			}
		}, Evicted},
		{"addresses with templates", func(d *Decoder) {
			for i := range 1000 {
				d.Message(ofDomain(tmplA, 1), sender(10+i, 99))
			}
		}, ExporterQuota},
		{"addresses with large templates", func(d *Decoder) {
			for i := range 18 {
				for j := range 4 {
					d.Message(wideTemplate(uint32(j), 300, 100), sender(10+i, 99))
				}
			}
		}, TemplateQuota},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			d := NewDecoder(limits, func(r *Record) {
				if r.Exporter == sender(1, 0).Address.Addr() && r.Domain == 0 {
					n++
				}
			})
			now := time.Now()
			d.Tick(now)
			d.Message(tmplA, sender(1, 50))
			c.flood(d)
			for i := range 10 {
				d.Message(dataOf(uint32(i)), sender(1, 50))
			}
			d.Message(tmplA, sender(1, 50)) // exporters repeat them
			d.Message(dataOf(10), sender(1, 50))
			if n != 11 {
				t.Errorf("%d of 11 records: %v", n, d.stats.Faults)
			}
			if d.stats.Left[c.kind] == 0 {
				t.Errorf("nothing of kind %v: %v", c.kind, d.stats.Left)
			}
			checkBounds(t, d)
			// Silence makes room for all that come later.
			d.Tick(now.Add(unusedFor))
			for i := range 10 {
				before := d.stats.Records
				if d.Message(bothA, sender(200+i, 60)); d.stats.Records != before+1 {
					t.Errorf("no room for a new exporter after half an hour: %v", d.stats.Last)
				}
			}
			checkBounds(t, d)
			d.Tick(now.Add(unusedFor + silentFor))
			if st := d.Stats(); st.Exporters+st.Domains+st.Templates+st.Held+d.exporters.fields != 0 {
				t.Errorf("after a day of silence: %+v", st)
			}
		})
	}
}

// checkBounds checks the limits, and that the sums are those of the parts.
func checkBounds(t testing.TB, d *Decoder) {
	t.Helper()
	es, l := d.exporters, d.exporters.limits
	var domains, fields, templates, held int
	for a, p := range es.shelf.byKey {
		x := p.value
		xf, xh := 0, 0
		for _, p := range x.domains.byKey {
			df := 0
			for _, tmpl := range p.value.templates {
				df += len(tmpl.fields)
				templates++
			}
			if df != p.value.fields {
				t.Fatalf("%v: %d fields in a domain, counted %d", a, df, p.value.fields)
			}
			xf += df
			for _, h := range p.value.held {
				xh += h.size()
			}
			_, holding := es.holding[p.value]
			if holding != (len(p.value.held) > 0) {
				t.Fatalf("%v: holding %v, %d sets", a, holding, len(p.value.held))
			}
			domains++
		}
		if xf != x.fields || xh != x.held || len(x.domains.byKey) != x.domains.fresh.Len()+x.domains.established.Len() {
			t.Fatalf("%v: %d fields and %d bytes held, counted %d and %d", a, xf, xh, x.fields, x.held)
		}
		if len(x.domains.byKey) > x.domains.limit || xf > x.quota || xh > l.Held {
			t.Fatalf("%v is over its quota: %d domains, %d fields, %d bytes held", a, len(x.domains.byKey), xf, xh)
		}
		fields += xf
		held += xh
	}
	if domains != es.domains || fields != es.fields || templates != es.templates || held != es.held {
		t.Fatalf("%d domains, %d fields, %d templates, %d bytes held; counted %d, %d, %d, %d", domains, fields, templates, held, es.domains, es.fields, es.templates, es.held)
	}
	if len(es.shelf.byKey) > l.Exporters || fields > l.Fields || held > heldInAll {
		t.Fatalf("over the limits: %d exporters, %d fields, %d bytes held", len(es.shelf.byKey), fields, held)
	}
}

// TestHeld: data that comes before its template is decoded when that comes, with
// the clock and under the name of its own message.
func TestHeld(t *testing.T) {
	now := time.Now()
	type step struct {
		after time.Duration
		m     []byte
	}
	early, late := messageV9(0, 3, 1, set(256, true, dataA)), messageV9(1, 3, 1, set(0, true, templateRecord(256, templateA...)))
	be.PutUint32(late[8:], testExport+3600) // the clock of the later message is not that of the data
	for _, c := range []struct {
		name          string
		steps         []step
		records, lost int
	}{
		{"a second later", []step{{0, early}, {time.Second, late}}, 1, 0},
		{"just in time", []step{{0, early}, {heldFor - 1, late}}, 1, 0},
		{"too late", []step{{0, early}, {heldFor, late}}, 0, 1},
		{"never", []step{{0, early}}, 0, 1},
		{"of another domain", []step{{0, early}, {0, messageV9(1, 4, 1, set(0, true, templateRecord(256, templateA...)))}}, 0, 1},
		{"of another number", []step{{0, early}, {0, messageV9(1, 3, 1, set(0, true, templateRecord(257, templateA...)))}}, 0, 1},
		{"some in time", []step{{0, early}, {heldFor / 2, early}, {heldFor, late}}, 1, 1},
		{"in one message", []step{{0, messageV9(0, 3, 2, set(256, true, dataA, dataA), set(0, true, templateRecord(256, templateA...)), set(256, true, dataA))}}, 3, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []Record
			d := NewDecoder(Limits{}, func(r *Record) { got = append(got, *r) })
			for _, s := range c.steps {
				d.Tick(now.Add(s.after))
				d.Message(s.m, sender(1, 1))
			}
			if d.stats.Left[NoTemplate] != 0 && c.name == "never" {
				t.Error("given up at once")
			}
			d.Flush()
			if len(got) != c.records || int(d.stats.Left[NoTemplate]) != c.lost {
				t.Errorf("%d records, %d lost, want %d and %d", len(got), d.stats.Left[NoTemplate], c.records, c.lost)
			}
			for _, r := range got {
				if s := stamp(r.Flow.Start); s != "2026-09-14T08:59:00Z" {
					t.Errorf("start %s", s)
				}
			}
			if d.exporters.held != 0 || len(d.exporters.holding) != 0 {
				t.Errorf("%d bytes are held", d.exporters.held)
			}
		})
	}
}

// TestNeither: records with neither address nor port are counted and not given
// out, by their template or by what they hold.
func TestNeither(t *testing.T) {
	for _, c := range []struct {
		name    string
		fields  []field
		data    []byte
		records int
		other   uint64
	}{
		{"a protocol alone", []field{{4, 1, 0}}, make([]byte, 60_000), 0, 60_000},
		{"fields of variable length", []field{{82, 65535, 0}}, []byte{1, 'x', 0, 2, 'y', 'z'}, 0, 3},
		{"an address of no bytes", []field{{8, 0, 0}, {4, 1, 0}}, make([]byte, 1000), 0, 1000},
		{"an address of five bytes", []field{{8, 5, 0}}, make([]byte, 50), 0, 10},
		{"a port of nine bytes", []field{{7, 9, 0}}, make([]byte, 90), 0, 10},
		{"a port", []field{{7, 2, 0}}, u16(80), 1, 0},
		{"an address", []field{{12, 4, 0}}, addr("192.0.2.1"), 1, 0},
		{"some with a port", []field{{7, 65535, 0}}, []byte{0, 2, 0, 80, 0}, 1, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, st := decodeAll(t, messageIPFIX(0, 0, set(2, false, templateRecord(256, c.fields...)), set(256, false, c.data)), messageIPFIX(uint32(c.records)+uint32(c.other), 0))
			if len(all) != c.records || st.Other != c.other || st.FaultCount != 0 || st.Left[Missing] != 0 {
				t.Errorf("%d records, %d other, %v", len(all), st.Other, st.Faults)
			}
		})
	}
}

// TestMissingSaid: a gap names the exporter and its domain.
func TestMissingSaid(t *testing.T) {
	_, st := decodeAll(t, messageV9(1, 7, 1), messageV9(5, 7, 1))
	if f := st.Last[Missing]; st.Left[Missing] != 3 || f == nil || f.Error() != "exporter: netflow-v9 domain 7: 3 messages missing" || st.Lost() != 3 || st.FaultCount != 0 {
		t.Errorf("%+v", st)
	}
}

// FuzzExporters sends sequences of datagrams from several exporters and of
// several connections. Nothing is kept beyond the limits, all that comes is
// accounted for, and an exporter that shares no address with the others loses
// nothing.
func FuzzExporters(f *testing.F) {
	step := func(kind byte, messages ...[]byte) []byte {
		var b []byte
		for i, m := range messages {
			b = join(b, []byte{kind + byte(i)}, u16(len(m)), m)
		}
		return b
	}
	early := messageIPFIX(0, 0, set(256, false, dataA))
	f.Add(step(0, tmplA, early, bothA))
	f.Add(step(0, early, tmplA, messageIPFIX(0, 0, set(2, false, u16(256), u16(0)))))
	f.Add(step(0x40, bothA, tmplA, messageV9(0, 0, 2, set(0, true, templateRecord(256, templateA...)), set(256, true, dataA))))
	f.Add(step(0x80, wideTemplate(1, 300, 30), wideTemplate(2, 300, 30), wideTemplate(3, 400, 50)))
	f.Add(step(0xc0, []byte{200}, early, []byte{250}, tmplA))
	f.Add(step(0, messageV5(0, 0, recordV5("192.0.2.1", "192.0.2.2", 1, 2, 6, 0, 1, 1, 0, 0)), messageV9(9, 0, 1), u32(5)))
	limits := Limits{Exporters: 5, Domains: 4, ExporterFields: 200, Fields: 600, Held: 2048}
	f.Fuzz(func(t *testing.T, b []byte) {
		good, records := sender(200, 1), uint64(0)
		goodRecords := 0
		d := NewDecoder(limits, func(r *Record) {
			records++
			if r.Exporter == good.Address.Addr() {
				goodRecords++
			}
		})
		now := time.Unix(testExport, 0)
		d.Tick(now)
		d.Message(bothA, good)
		wanted := 1
		forged := false // a message may name another exporter in an element
		for n := 0; len(b) >= 3 && n < 200; n++ {
			kind, size := b[0], int(be.Uint16(b[1:]))
			size = min(size, len(b)-3)
			m := b[3 : 3+size]
			b = b[3+size:]
			from := sender(int(kind&7), int(kind>>3&3))
			switch kind >> 6 {
			case 1: // over a connection
				from.Session = uint64(1 + kind>>3&3)
			case 2: // from forged addresses
				from = sender(10+n, 1)
			case 3: // time passes, a quarter of an hour at most
				d.Tick(now.Add(time.Duration(kind) * time.Second))
				d.Message(dataOf(uint32(wanted)), good)
				wanted++
				if from.Session = uint64(kind & 3); from.Session != 0 {
					d.End(from)
				}
				continue
			}
			forged = forged || strings.Contains(string(m), "\x00\x82\x00\x04")
			d.Message(m, from)
			checkBounds(t, d)
		}
		d.Message(dataOf(uint32(wanted)), good)
		wanted++
		if goodRecords != wanted && !(forged && goodRecords > wanted) {
			t.Fatalf("%d of %d records of an exporter that did nothing wrong: %v", goodRecords, wanted, d.stats.Faults)
		}
		d.Flush()
		if st := d.Stats(); st.Records != records || st.Held != 0 || st.Left[DecoderFailure] != 0 {
			t.Fatalf("%d records, %+v", records, st)
		}
		checkBounds(t, d)
		for k := range NumKinds {
			if last := d.stats.Last[k]; (last == nil) != (d.stats.Left[k] == 0) {
				t.Fatalf("%v: %d, last %v", Kind(k), d.stats.Left[k], last)
			}
		}
	})
}
