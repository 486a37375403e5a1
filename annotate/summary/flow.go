package summary

import (
	"net/netip"
	"strconv"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
)

// Flow is what a Table counts of a flow.
type Flow struct {
	Source, Destination netip.Addr // the zero Addr where a log gives none
	Side                annotate.Side
	// The fields from Port to Name are of the service port, and valid if HasPort.
	HasPort   bool
	Port      uint16
	Transport iana.Transport
	Status    iana.Status
	Name      string // preferred registered name; "" for none
	// Observed and Verdict are valid if Examined.
	Examined bool
	Observed observe.Protocol
	Verdict  observe.Verdict

	Packets, Bytes uint64 // of both directions; bytes of IP packets
	Uncounted      bool   // the log reports no packets or no bytes
	Start, Last    int64  // nanoseconds since the Unix epoch; 0 if not known
}

// OfCapture returns what is counted of a flow of a capture.
func OfCapture(f *flow.Flow, a *annotate.Annotation) Flow {
	s := annotated(f.Source.Addr(), f.Destination.Addr(), a)
	s.Packets, s.Bytes, s.Start, s.Last = f.Packets(), f.IPBytes(), f.Start(), f.Last()
	return s
}

// OfLog returns what is counted of a flow of a log, as far as that reports it.
func OfLog(in *annotate.Input, a *annotate.Annotation) Flow {
	s := annotated(in.Source.Addr(), in.Destination.Addr(), a)
	s.Packets, s.Bytes, s.Uncounted = in.Packets, in.Bytes, in.Packets == 0 || in.Bytes == 0
	s.Start, s.Last = in.Start, max(in.Start, in.End)
	return s
}

func annotated(source, destination netip.Addr, a *annotate.Annotation) Flow {
	s := Flow{Source: source, Destination: destination, Side: a.Service.Side,
		Examined: a.Observed.Examined, Observed: a.Observed.Protocol, Verdict: a.Observed.Verdict}
	if e := a.ServiceEntry(); e != nil {
		s.HasPort, s.Port, s.Transport, s.Status, s.Name = true, a.Service.Port, e.Transport, e.Status, e.Name()
	}
	return s
}

// clients are the addresses that used the service, where they are known.
func (f *Flow) clients() []netip.Addr {
	switch f.Side {
	case annotate.Source:
		return []netip.Addr{f.Destination}
	case annotate.Destination:
		return []netip.Addr{f.Source}
	}
	return nil
}

// servers are those that offered it: both where both have its port.
func (f *Flow) servers() []netip.Addr {
	switch f.Side {
	case annotate.Source:
		return []netip.Addr{f.Source}
	case annotate.Destination:
		return []netip.Addr{f.Destination}
	case annotate.Both:
		return []netip.Addr{f.Source, f.Destination}
	}
	return nil
}

// address is that of a key Server, Client or Host. It is invalid where it is not
// known, or where both ends offer the service.
func (f *Flow) address(k Key, host netip.Addr) (a netip.Addr) {
	switch {
	case k == Host:
		return host
	case f.Side != annotate.Source && f.Side != annotate.Destination:
		return a
	case k == Server:
		return f.servers()[0]
	}
	return f.clients()[0]
}

// appendKey appends the text of a key, "-" if it is not known.
func (f *Flow) appendKey(dst []byte, k Key, host netip.Addr) []byte {
	switch k {
	case Service, Port:
		if f.HasPort {
			dst = strconv.AppendUint(dst, uint64(f.Port), 10)
			if k == Service && f.Transport != iana.NoTransport {
				dst = append(append(dst, '/'), f.Transport.String()...)
			}
			return dst
		}
	case Server, Client, Host:
		if a := f.address(k, host); a.IsValid() {
			return a.AppendTo(dst)
		}
	case Status:
		if f.HasPort {
			return append(dst, f.Status.String()...)
		}
	case Name:
		if f.Name != "" {
			return append(dst, f.Name...)
		}
	case Protocol:
		if f.Examined && f.Observed != observe.Unknown {
			return append(dst, f.Observed.String()...)
		}
	case Verdict:
		if f.Examined {
			return append(dst, f.Verdict.String()...)
		}
	}
	return append(dst, '-')
}

// sortKey is what groups are ordered by in the column of a key: numbers and
// addresses as such, all else by its letters. What is not known comes last.
type sortKey struct {
	unknown bool
	number  uint32
	addr    netip.Addr
	text    string
}

func (f *Flow) sortKey(k Key, host netip.Addr) sortKey {
	switch k {
	case Service, Port:
		return sortKey{unknown: !f.HasPort, number: uint32(f.Port)<<8 | uint32(f.Transport)}
	case Server, Client, Host:
		a := f.address(k, host)
		return sortKey{unknown: !a.IsValid(), addr: a}
	}
	text := string(f.appendKey(nil, k, host))
	return sortKey{unknown: text == "-", text: text}
}
