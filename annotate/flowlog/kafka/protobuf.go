package kafka

import (
	"errors"
	"fmt"
	"net/netip"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/capture/flow"
)

// Numbers of the fields of goflow2's FlowMessage (pb/flow.proto of version 2)
// that are read, and of ours.
const (
	fieldSource          = 6   // bytes
	fieldDestination     = 7   // bytes
	fieldProtocol        = 20  // uint32
	fieldSourcePort      = 21  // uint32
	fieldDestinationPort = 22  // uint32
	fieldFlags           = 26  // uint32, TCP flags of the flow ORed
	fieldStart           = 111 // uint64, nanoseconds
	fieldReceived        = 110 // uint64, nanoseconds
	fieldAnnotation      = 21000
)

// flowMessage is what is read of a message.
type flowMessage struct {
	in       annotate.Input
	flags    uint64
	received uint64 // nanoseconds
	cut      [2]int // an earlier annotation, with its tag; the end if there is none
	known    int    // fields of the flow that were there
}

var errNoMessage = errors.New("not one FlowMessage with its length in front")

// delimited gives the message in a record's value.
func delimited(value []byte) ([]byte, bool) {
	size, n := protowire.ConsumeVarint(value)
	if n < 0 || size == 0 || size != uint64(len(value)-n) {
		return nil, false
	}
	return value[n:], true
}

// read reads a message without its length. Every field is looked at, so that
// what only looks like a message is found out.
func (m *flowMessage) read(b []byte) error {
	*m = flowMessage{cut: [2]int{len(b), len(b)}}
	var sourcePort, destinationPort uint64
	var source, destination []byte
	for at := 0; at < len(b); {
		num, kind, n := protowire.ConsumeTag(b[at:])
		if n < 0 {
			return fmt.Errorf("%w: %w", errNoMessage, protowire.ParseError(n))
		}
		from := at
		at += n
		size := protowire.ConsumeFieldValue(num, kind, b[at:])
		if size < 0 {
			return fmt.Errorf("%w: %w", errNoMessage, protowire.ParseError(size))
		}
		value := b[at : at+size]
		at += size
		switch num {
		case fieldSource, fieldDestination, fieldAnnotation:
			if kind != protowire.BytesType {
				return fmt.Errorf("field %d has wire type %d: %w", num, kind, errNoMessage)
			}
			content, _ := protowire.ConsumeBytes(value)
			switch num {
			case fieldSource:
				source = content
			case fieldDestination:
				destination = content
			default:
				if m.cut[0] < len(b) {
					return fmt.Errorf("has two annotations")
				}
				m.cut = [2]int{from, at}
				continue
			}
		case fieldProtocol, fieldSourcePort, fieldDestinationPort, fieldFlags, fieldStart, fieldReceived:
			if kind != protowire.VarintType {
				return fmt.Errorf("field %d has wire type %d: %w", num, kind, errNoMessage)
			}
			v, _ := protowire.ConsumeVarint(value)
			switch num {
			case fieldProtocol:
				if v > 255 {
					return fmt.Errorf("protocol is no number up to 255: %d", v)
				}
				m.in.Protocol = uint8(v)
			case fieldSourcePort:
				sourcePort = v
			case fieldDestinationPort:
				destinationPort = v
			case fieldFlags:
				m.flags = v
			case fieldStart:
				m.in.Start = int64(min(v, 1<<63-1))
			case fieldReceived:
				m.received = v
				continue // says nothing of a flow
			}
		default:
			continue
		}
		m.known++
	}
	if max(sourcePort, destinationPort) > 65535 {
		return fmt.Errorf("port is no number up to 65535: %d", max(sourcePort, destinationPort))
	}
	m.in.Source = netip.AddrPortFrom(address(source), uint16(sourcePort))
	m.in.Destination = netip.AddrPortFrom(address(destination), uint16(destinationPort))
	if m.in.Start == 0 {
		m.in.Start = int64(min(m.received, 1<<63-1))
	}
	// As in goflow2's JSON: SYN without ACK is an opening.
	const syn, ack = 2, 16
	if m.in.Protocol == 6 && m.flags&(syn|ack) == syn {
		m.in.Opening = flow.Opening{Server: flow.Destination}
	}
	return nil
}

// address gives an address of 4 or 16 bytes, else the zero Addr.
func address(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a.Unmap()
}

// protobuf annotates messages.
type protobuf struct {
	flows  *flowlog.Flows
	output flowlog.Output
	strip  bool
	m      flowMessage
	note   []byte
}

func newProtobuf(opt flowlog.EnrichOptions) *protobuf {
	return &protobuf{flows: flowlog.NewFlows(opt), output: opt.Output, strip: opt.Strip}
}

// append appends a record's value, which holds the message b, annotated.
// Nothing is appended when it is not selected.
func (p *protobuf) append(dst, b []byte) ([]byte, flowlog.Kind, error) {
	if err := p.m.read(b); err != nil {
		return dst, flowlog.Bad, err
	}
	if p.m.known == 0 {
		return dst, flowlog.Bad, errors.New("has no field of a flow")
	}
	p.note = p.note[:0]
	if !p.strip {
		if !p.flows.Annotate(p.m.in) {
			return dst, flowlog.Flow, nil
		}
		if p.output == flowlog.JSON {
			d := p.flows.Details()
			if d.SourceFlags = 0; p.m.in.Protocol == 6 {
				d.SourceFlags = uint8(p.m.flags)
			}
			dst = p.flows.AppendJSON(dst)
			return dst[:len(dst)-1], flowlog.Flow, nil // without the line end
		}
		p.note = p.appendNote(p.note)
	}
	cut := p.m.cut
	size := len(b) - (cut[1] - cut[0])
	if len(p.note) > 0 {
		size += protowire.SizeTag(fieldAnnotation) + protowire.SizeBytes(len(p.note))
	}
	dst = protowire.AppendVarint(dst, uint64(size))
	dst = append(append(dst, b[:cut[0]]...), b[cut[1]:]...)
	if len(p.note) > 0 {
		dst = protowire.AppendTag(dst, fieldAnnotation, protowire.BytesType)
		dst = protowire.AppendBytes(dst, p.note)
	}
	return dst, flowlog.Flow, nil
}

// appendNote appends the fields of Portannot, of portannot.proto.
func (p *protobuf) appendNote(dst []byte) []byte {
	a := p.flows.Annotation()
	text := func(num protowire.Number, s string) {
		if s != "" {
			dst = protowire.AppendString(protowire.AppendTag(dst, num, protowire.BytesType), s)
		}
	}
	text(1, a.Service.Side.String())
	text(2, a.Service.Reason.String())
	text(3, a.Service.Confidence.String())
	if e, ok := a.Registered(); ok {
		dst = protowire.AppendVarint(protowire.AppendTag(dst, 4, protowire.VarintType), uint64(e.Port))
		text(5, e.Status.String())
		for i := range e.NumNames() {
			text(6, e.NameAt(i))
		}
	}
	if !a.NoSourcePort {
		text(7, a.Source.Status.String())
		text(8, a.Source.Name())
	}
	if !a.NoDestinationPort {
		text(9, a.Destination.Status.String())
		text(10, a.Destination.Name())
	}
	if a.RegisteredLater {
		dst = protowire.AppendVarint(protowire.AppendTag(dst, 11, protowire.VarintType), 1)
	}
	text(12, a.Local())
	text(13, a.Registry.Edition().Date)
	text(14, iana.Caveat)
	return protowire.AppendVarint(protowire.AppendTag(dst, 15, protowire.VarintType), record.Schema)
}
