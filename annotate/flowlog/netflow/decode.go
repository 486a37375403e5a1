package netflow

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/netsampler/goflow2/v2/decoders/netflow"
	"github.com/netsampler/goflow2/v2/decoders/netflowlegacy"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// Source says where a message came from.
type Source struct {
	Name    string         // for faults
	Address netip.AddrPort // of the exporter; zero for a file
	// Session numbers the connections and files, from 1. It is 0 for datagrams.
	Session uint64
	Offset  int64  // of the message in the file, in bytes; -1 if it is not in a file
	Packet  uint64 // number of the packet in a capture, from 1; 0 if it is not in one
	// Time is when the message was received, in nanoseconds since the Unix epoch; 0 if
	// unknown. sFlow tells no other time.
	Time int64
}

// Decoder decodes messages and keeps templates. It is not safe for concurrent use.
type Decoder struct {
	stats     Stats
	exporters *exporters
	reading   reading
	emit      func(*Record)
	faulty    func(*Fault) // may be nil
	headers   Headers      // may be nil
	summaries []packet.Summary
	sampled   flow.Flow // with the payload of a sampled packet
	looks     annotate.Observer
	clock     clock
	source    Source
	last      *Fault // of Stats.Faults
	heldSets  uint64
}

// NewDecoder returns a Decoder that calls emit for each record of a flow. The
// Record is valid until emit returns.
func NewDecoder(l Limits, emit func(*Record)) *Decoder {
	d := &Decoder{emit: emit}
	d.exporters = newExporters(l, func(what string) { d.fault(Evicted, what) }, func(dom *domain) { d.giveUp(slices.Values([]*domain{dom}), anySet) })
	return d
}

// Stats returns the counts of the messages so far.
func (d *Decoder) Stats() *Stats {
	es := d.exporters
	s := &d.stats
	s.Exporters, s.Domains, s.Templates, s.Held = len(es.shelf.byKey), es.domains, es.templates, es.held
	return s
}

// End forgets the templates of a connection or a file, and gives up its data sets
// that wait for one. It does nothing for session 0.
func (d *Decoder) End(from Source) {
	if from.Session != 0 {
		d.exporters.end(from.Address.Addr(), from.Session)
	}
}

// Lengths of headers and of the version 5 record, in bytes.
const (
	v5Header    = 24
	v5Record    = 48
	v9Header    = 20
	ipfixHeader = 16
	setHeader   = 4
)

// isSFlow reports whether a message is of sFlow version 5, whose version has 32 bits.
func isSFlow(b []byte) bool { return len(b) >= 4 && binary.BigEndian.Uint32(b) == 5 }

// Message decodes one message. Data that cannot be decoded is counted in Stats.
// Message returns true if all was decoded or waits for its template.
func (d *Decoder) Message(b []byte, from Source) bool {
	before := d.stats.FaultCount
	d.source = from
	d.stats.Bytes += uint64(len(b))
	if len(b) < 2 {
		d.badMessage("shorter than a header")
		return false
	}
	if isSFlow(b) {
		d.stats.Messages[3]++
		d.sflow(b)
		return d.stats.FaultCount == before
	}
	switch Version(binary.BigEndian.Uint16(b)) {
	case V5:
		d.stats.Messages[0]++
		d.v5(b)
	case V9:
		d.stats.Messages[1]++
		d.v9(b)
	case IPFIX:
		d.stats.Messages[2]++
		d.ipfix(b)
	default:
		if len(b) < 4 {
			d.badMessage("shorter than a header")
			break
		}
		i, name := unknownVersion(b)
		d.stats.Versions[i]++
		d.fault(UnknownVersion, "neither NetFlow 5 or 9 nor IPFIX nor sFlow 5: "+name)
	}
	return d.stats.FaultCount == before
}

// fault counts something that is left out.
func (d *Decoder) fault(k Kind, reason string) { d.faults(k, 1, reason) }

// faults counts something that is left out n times for one reason.
func (d *Decoder) faults(k Kind, n uint64, reason string) {
	f := &Fault{Kind: k, Name: d.source.Name, Offset: d.source.Offset, Packet: d.source.Packet, Reason: reason}
	d.stats.add(f, n)
	if !f.counts() {
		return
	}
	d.last = f
	if d.faulty != nil {
		d.faulty(f)
	}
}

func (d *Decoder) badMessage(reason string) { d.fault(BadMessage, reason) }

// domain gives the domain of a message, nil when there is no room for it.
func (d *Decoder) domain(v Version, port uint16, id uint32) *domain {
	return d.domainOf(domainKey{version: v, address: d.source.Address.Addr(), port: port, session: d.source.Session, domain: id})
}

func (d *Decoder) domainOf(key domainKey) *domain {
	dom, quota := d.exporters.get(key)
	if dom != nil {
		return dom
	}
	if quota == ExporterQuota {
		d.fault(quota, fmt.Sprintf("one exporter more than %d", d.exporters.limits.Exporters))
	} else {
		d.fault(quota, fmt.Sprintf("%v domain %d: one more than %d", key.version, key.domain, d.exporters.limits.Domains))
	}
	return nil
}

var errDecoder = errors.New("decoder failed")

// safely calls f, a use of the decoder. A panic in it becomes an error.
func (d *Decoder) safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDecoder, p)
		}
	}()
	return f()
}

// begin makes the reading ready for a record.
func (d *Decoder) begin(v Version, dom *domain, templateID uint16) *reading {
	r := &d.reading
	*r = reading{clock: &d.clock}
	r.Version, r.Exporter, r.Domain, r.Template = v, d.source.Address.Addr().Unmap(), dom.key.domain, templateID
	r.Sampling = dom.sampling
	return r
}

// finish gives a record out, unless it has neither an address nor a port.
func (d *Decoder) finish(r *reading) {
	r.settle()
	f := &r.Flow
	if f.NoSourcePort && f.NoDestinationPort && !f.Source.Addr().IsValid() && !f.Destination.Addr().IsValid() {
		d.stats.Other++
		return
	}
	d.stats.Records++
	if r.Sample.Valid {
		d.stats.Samples++
	}
	d.emit(&r.Record)
}

// v5 decodes a version 5 message: a header and up to 30 records.
func (d *Decoder) v5(b []byte) {
	if len(b) < v5Header {
		d.badMessage("shorter than a NetFlow 5 header")
		return
	}
	// The decoder makes room for as many records as the header says, and
	// gives so many, whatever there is.
	count, have := int(binary.BigEndian.Uint16(b[2:])), (len(b)-v5Header)/v5Record
	if count > have {
		d.badMessage(fmt.Sprintf("%d records announced, %d there", count, have))
		if have == 0 {
			return
		}
		count = have
		whole := bytes.Clone(b[:v5Header+have*v5Record])
		binary.BigEndian.PutUint16(whole[2:], uint16(have))
		b = whole
	}
	var p netflowlegacy.PacketNetFlowV5
	err := d.safely(func() error { return netflowlegacy.DecodeMessageVersion(bytes.NewBuffer(b), &p) })
	if err != nil {
		d.badMessage(err.Error())
		return
	}
	id := uint32(p.EngineType)<<8 | uint32(p.EngineId)
	dom := d.domain(V5, 0, id)
	if dom == nil {
		return
	}
	if count > 0 {
		d.exporters.establish(dom)
	}
	d.sequence(V5, dom, p.FlowSequence, uint32(count))
	d.clock = clock{export: int64(p.UnixSecs)*1e9 + int64(p.UnixNSecs), uptime: p.SysUptime, hasUptime: true}
	for i := range p.Records {
		f := &p.Records[i]
		r := d.begin(V5, dom, 0)
		r.Sampling = uint32(p.SamplingInterval & 0x3fff) // the two bits above are the mode
		r.Flow.Protocol = f.Proto
		r.source.v4, r.dest.v4 = v5Address(f.SrcAddr), v5Address(f.DstAddr)
		r.sport, r.dport, r.hasSport, r.hasDport = f.SrcPort, f.DstPort, true, true
		r.Forward = Counters{Bytes: uint64(f.DOctets), Packets: uint64(f.DPkts), HasBytes: true, HasPackets: true, TCPFlags: f.TCPFlags, HasFlags: true}
		r.forward = times{start: d.clock.at(f.First), end: d.clock.at(f.Last)}
		d.finish(r)
	}
}

func v5Address(a netflowlegacy.IPAddress) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
}

// v9 decodes a version 9 message.
func (d *Decoder) v9(b []byte) {
	if len(b) < v9Header {
		d.badMessage("shorter than a NetFlow 9 header")
		return
	}
	d.clock = clock{
		uptime: binary.BigEndian.Uint32(b[4:]), hasUptime: true,
		export: int64(binary.BigEndian.Uint32(b[8:])) * 1e9,
	}
	dom := d.domain(V9, 0, binary.BigEndian.Uint32(b[16:]))
	if dom == nil {
		return
	}
	d.sequence(V9, dom, binary.BigEndian.Uint32(b[12:]), 1)
	d.sets(V9, dom, b[v9Header:])
}

// ipfix decodes an IPFIX message.
func (d *Decoder) ipfix(b []byte) {
	if len(b) < ipfixHeader {
		d.badMessage("shorter than an IPFIX header")
		return
	}
	switch n := int(binary.BigEndian.Uint16(b[2:])); {
	case n < ipfixHeader:
		d.badMessage(fmt.Sprintf("IPFIX message of %d bytes", n))
		return
	case n > len(b):
		// What is there is decoded all the same.
		d.badMessage(fmt.Sprintf("%d bytes announced, %d there", n, len(b)))
	default:
		b = b[:n]
	}
	dom := d.domain(IPFIX, d.source.Address.Port(), binary.BigEndian.Uint32(b[12:]))
	if dom == nil {
		return
	}
	d.clock = clock{export: int64(binary.BigEndian.Uint32(b[4:])) * 1e9, boot: dom.boot}
	seq := binary.BigEndian.Uint32(b[8:])
	if n, ok := d.sets(IPFIX, dom, b[ipfixHeader:]); ok {
		d.sequence(IPFIX, dom, seq, n)
	} else {
		dom.sequenced = false // not all records could be counted
	}
}

// sequence notes records or messages that went missing. A step back is a
// message out of order, and a very long one ahead an exporter begun anew;
// neither is a loss.
func (d *Decoder) sequence(v Version, dom *domain, first, n uint32) {
	const restart = 1 << 20
	if gap := first - dom.next; dom.sequenced && gap > 0 && gap < restart {
		what := "records"
		if v == V9 || v == SFlow {
			what = "messages"
		}
		d.faults(Missing, uint64(gap), fmt.Sprintf("%v domain %d: %d %s missing", v, dom.key.domain, gap, what))
	}
	dom.next, dom.sequenced = first+n, true
}

// sets decodes the sets of a message. It gives the number of data records;
// whole is false when some could not be counted.
func (d *Decoder) sets(v Version, dom *domain, b []byte) (records uint32, whole bool) {
	whole = true
	for len(b) >= setHeader {
		id, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if n < setHeader || n > len(b) {
			d.badSet(id, fmt.Sprintf("%d bytes announced, %d there", n, len(b)))
			return records, false
		}
		set := b[setHeader:n]
		b = b[n:]
		kind, options := templateSet(v, id)
		switch {
		case kind:
			d.templates(v, dom, options, set)
		case id < 256:
			d.badSet(id, "reserved")
		default:
			t, ok := dom.templates[id]
			if !ok {
				if !d.hold(dom, id, set) {
					d.noTemplate(dom, id)
				}
				whole = false
				continue
			}
			m, ok := d.data(v, dom, id, t, set)
			records += m
			whole = whole && ok
		}
	}
	return records, whole
}

func (d *Decoder) noTemplate(dom *domain, id uint16) {
	d.fault(NoTemplate, fmt.Sprintf("%v domain %d: template %d not seen", dom.key.version, dom.key.domain, id))
}

func (d *Decoder) badSet(id uint16, reason string) {
	d.fault(BadSet, fmt.Sprintf("set %d: %s", id, reason))
}

// templateSet tells whether a set is of templates, and whether these are
// options templates.
func templateSet(v Version, id uint16) (is, options bool) {
	if v == V9 {
		return id == 0 || id == 1, id == 1
	}
	return id == 2 || id == 3, id == 3
}

// data decodes the records of a data set.
func (d *Decoder) data(v Version, dom *domain, id uint16, t *template, set []byte) (records uint32, ok bool) {
	if !t.useful && !t.variable {
		n := len(set) / t.fixed
		d.undecoded(t, uint64(n))
		return uint32(n), true
	}
	for len(set) > 0 {
		n, whole := t.recordLength(set)
		if !whole {
			// Padding is shorter than any record (RFC 7011 section 3.3.1).
			if len(set) >= t.fixed {
				d.badSet(id, "record longer than its set")
				return records, false
			}
			return records, true
		}
		if !t.useful {
			d.undecoded(t, 1)
		} else if err := d.record(v, dom, id, t, set[:n]); err != nil {
			k := BadSet
			if errors.Is(err, errDecoder) {
				k = DecoderFailure
			}
			d.fault(k, fmt.Sprintf("set %d: %v", id, err))
			return records, false
		}
		records++
		set = set[n:]
	}
	return records, true
}

// undecoded accounts for records that need no decoding.
func (d *Decoder) undecoded(t *template, n uint64) {
	if t.options {
		d.stats.Options += n
	} else {
		d.stats.Other += n
	}
}

// record decodes a data record, of which b has all bytes and no more.
func (d *Decoder) record(v Version, dom *domain, id uint16, t *template, b []byte) error {
	var values []netflow.DataField
	err := d.safely(func() (err error) {
		values, err = netflow.DecodeDataSetUsingFields(uint16(v), bytes.NewBuffer(b), t.fields)
		return err
	})
	if err != nil {
		return err
	}
	r := d.begin(v, dom, id)
	for i, e := range t.wants {
		if e != ignored {
			if value, ok := values[i].Value.([]byte); ok {
				r.set(e, value)
			}
		}
	}
	if t.options {
		d.stats.Options++
		d.options(dom, r)
	} else {
		d.finish(r)
	}
	return nil
}

// options keeps what records of options say of the exporter.
func (d *Decoder) options(dom *domain, r *reading) {
	if r.boot != 0 {
		dom.boot, d.clock.boot = r.boot, r.boot
	}
	switch {
	case r.Sampling == 0 || dom.mixed:
	case dom.sampling != 0 && dom.sampling != r.Sampling:
		// One for each interface or sampler, perhaps. Which applies to a
		// record is more than is looked into.
		dom.sampling, dom.mixed = 0, true
	default:
		dom.sampling = r.Sampling
	}
}

// templates decodes a set of templates, one by one.
func (d *Decoder) templates(v Version, dom *domain, options bool, set []byte) {
	for len(set) >= 4 {
		id, count := binary.BigEndian.Uint16(set), binary.BigEndian.Uint16(set[2:])
		if id < 256 && (v == V9 || count != 0) {
			if id != 0 { // padding
				d.badTemplate(id, "number below 256")
			}
			return
		}
		if v == IPFIX && count == 0 {
			d.withdraw(dom, id)
			set = set[4:]
			continue
		}
		n, err := templateLength(v, options, set)
		var t *template
		if err == nil {
			err = d.safely(func() (err error) {
				t, err = decodeTemplate(v, options, set[:n])
				return err
			})
		}
		switch {
		case err != nil:
			d.badTemplate(id, err.Error())
		case d.exporters.keep(dom, id, t):
			d.release(v, dom, id, t)
		default:
			d.fault(TemplateQuota, fmt.Sprintf("%v domain %d: template %d of %d fields: more than are kept of an exporter", v, dom.key.domain, id, len(t.fields)))
		}
		if n == 0 {
			return // where the next one begins is not known
		}
		set = set[n:]
	}
}

func (d *Decoder) badTemplate(id uint16, reason string) {
	d.fault(BadTemplate, fmt.Sprintf("template %d: %s", id, reason))
}

// withdraw forgets a template, or all for the number of a kind of set (RFC 7011
// section 8.1). Over UDP there is no withdrawing (section 8.4).
func (d *Decoder) withdraw(dom *domain, id uint16) {
	if dom.key.session == 0 {
		return
	}
	if id >= 256 {
		d.exporters.remove(dom, id)
		return
	}
	for other, t := range dom.templates {
		if id == 2 && !t.options || id == 3 && t.options {
			d.exporters.remove(dom, other)
		}
	}
}

var errShortTemplate = errors.New("longer than its set")

// templateLength gives the bytes of the template at the beginning of b, which
// has at least 4. The decoder makes room for as many fields as are announced,
// so these are counted first.
func templateLength(v Version, options bool, b []byte) (int, error) {
	fields, n := int(binary.BigEndian.Uint16(b[2:])), 4
	if options {
		if len(b) < 6 {
			return 0, errShortTemplate
		}
		n = 6
		if v == V9 {
			// Lengths in bytes, not numbers of fields, of scopes and options.
			scopes, rest := fields, int(binary.BigEndian.Uint16(b[4:]))
			if scopes%4 != 0 || rest%4 != 0 {
				return 0, errors.New("options that are no whole fields")
			}
			fields = (scopes + rest) / 4
		}
	}
	for range fields {
		if n+4 > len(b) {
			return 0, errShortTemplate
		}
		if v == IPFIX && b[n]&0x80 != 0 {
			n += 4 // the enterprise number
		}
		n += 4
	}
	if n > len(b) {
		return 0, errShortTemplate
	}
	return n, nil
}

// decodeTemplate decodes the template that b is.
func decodeTemplate(v Version, options bool, b []byte) (*template, error) {
	buf := bytes.NewBuffer(b)
	var scopes, fields []netflow.Field
	n := 0
	var err error
	switch {
	case !options:
		var list []netflow.TemplateRecord
		if list, err = netflow.DecodeTemplateSet(uint16(v), buf); err == nil && len(list) > 0 {
			n, fields = len(list), list[0].Fields
		}
	case v == V9:
		var list []netflow.NFv9OptionsTemplateRecord
		if list, err = netflow.DecodeNFv9OptionsTemplateSet(buf); err == nil && len(list) > 0 {
			n, scopes, fields = len(list), list[0].Scopes, list[0].Options
		}
	default:
		var list []netflow.IPFIXOptionsTemplateRecord
		if list, err = netflow.DecodeIPFIXOptionsTemplateSet(buf); err == nil && len(list) > 0 {
			n, scopes, fields = len(list), list[0].Scopes, list[0].Options
		}
	}
	switch {
	case err != nil:
		return nil, err
	case n != 1:
		return nil, fmt.Errorf("decoded to %d templates", n)
	}
	return newTemplate(options, scopes, fields)
}
