package main

import (
	"slices"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// peer is another tool with its rule for flows whose opening was not seen, as
// its documentation gives it. Where that leaves something open, the reading that
// is better for the tool was taken. None of them looks at payload for this.
type peer struct {
	name   string
	decide func(*flow.Flow) annotate.Side
}

var peers = []peer{
	{"Zeek", zeek},
	{"nDPI", ndpi},
	{"Argus", argus},
	{"nfdump -B", nfdump},
	{"ElastiFlow", elastiflow},
	{"Wireshark", wireshark},
	{"Akvorado", akvorado},
}

// firstSender is what tools fall back to: who sends first asks.
const firstSender = annotate.Destination

// zeek: the first packet makes the originator, unless its source port is one of
// likely_server_ports, which flips the connection.
// https://docs.zeek.org/en/v8.1.1/devel/conn.html, "Flipping Connections". The
// ports are those that the base scripts add, by the script reference
// (base/protocols/*/main.zeek, "Redefinitions").
func zeek(f *flow.Flow) annotate.Side {
	if slices.Contains(zeekPorts[f.Protocol], f.Source.Port()) {
		return annotate.Source
	}
	return firstSender
}

var zeekPorts = map[uint8][]uint16{
	packet.TCP: {21, 2811, 22, 25, 587, 53, 80, 81, 631, 1080, 3128, 8000, 8080, 8888, 88, 135, 139, 445, 143, 389, 3268, 43,
		443, 563, 585, 614, 636, 853, 989, 990, 992, 993, 995, 5223, 502, 1434, 3306, 3389, 5060, 5222, 5269, 5432, 6379,
		6666, 6667, 6668, 6669, 20000, 5900, 5901, 5902, 5903},
	packet.UDP: {53, 137, 5353, 5355, 67, 68, 4011, 88, 123, 161, 162, 389, 3268, 514, 1812, 3544, 5060, 5072, 20000, 443, 784, 1194},
}

// ndpi: guessing by port ("dpi.guess_on_giveup",
// https://github.com/ntop/nDPI/blob/dev/doc/configuration_parameters.md) looks
// for a protocol that has one of the ports by default. Where both ports have
// one, the lower is taken. The registry stands in for nDPI's list of default
// ports, below 32768: it has all of them, and more.
func ndpi(f *flow.Flow) annotate.Side {
	src, dst := registered(f.Protocol, f.Source.Port()), registered(f.Protocol, f.Destination.Port())
	switch {
	case src && dst:
		return lower(f)
	case src:
		return annotate.Source
	case dst:
		return annotate.Destination
	}
	return annotate.NoSide
}

// argus: RA_PORT_DIRECTION="services,wellknown", rarc(5), "Direction support":
// ports that /etc/services lists, then ports below 1024, assign a direction that
// is ambiguous; else the record's source stays the source. The registry stands
// in for /etc/services.
func argus(f *flow.Flow) annotate.Side {
	if src, dst := registered(f.Protocol, f.Source.Port()), registered(f.Protocol, f.Destination.Port()); src != dst {
		return sideIf(src)
	}
	if src, dst := f.Source.Port() < 1024, f.Destination.Port() < 1024; src != dst {
		return sideIf(src)
	}
	return firstSender
}

// nfdump: -B swaps a flow of TCP or UDP whose source port is below its
// destination port and below 1024, and whose destination port is above 1024;
// nfdump(1) of version 1.7.
func nfdump(f *flow.Flow) annotate.Side {
	return sideIf(f.Source.Port() < 1024 && f.Destination.Port() > 1024)
}

// elastiflow: of two ports that one which IANA's list names; else the lower, and
// the destination of two alike. "Determine client and server from source and
// destination ports" in logstash/elastiflow/conf.d/20_filter_90_post_process.logstash.conf
// of https://github.com/robcowart/elastiflow. The successor is closed, and its
// documentation does not say.
func elastiflow(f *flow.Flow) annotate.Side {
	if src, dst := named(f.Protocol, f.Source.Port()), named(f.Protocol, f.Destination.Port()); src != dst {
		return sideIf(src)
	}
	return sideIf(f.Source.Port() < f.Destination.Port())
}

// wireshark: the lower of two ports is tried first, since that prefers
// well-known ports; the comment in epan/dissectors/packet-sctp.c
// (dissect_payload) and packet-tcp.c (decode_tcp_ports) says so.
func wireshark(f *flow.Flow) annotate.Side { return lower(f) }

// akvorado has no rule: the console shows SrcPort and DstPort as they were
// exported (https://github.com/akvorado/akvorado, console/data/docs/52-console.md).
// The destination port is then what a reader takes for the service.
func akvorado(*flow.Flow) annotate.Side { return firstSender }

// named reports whether the registry assigns a port.
func named(protocol uint8, port uint16) bool {
	t, _ := iana.TransportOf(protocol)
	return iana.Embedded().Lookup(t, port).Status == iana.Assigned
}

func registered(protocol uint8, port uint16) bool { return port < 32768 && named(protocol, port) }

// lower gives the end with the lower port.
func lower(f *flow.Flow) annotate.Side {
	if f.Source.Port() == f.Destination.Port() {
		return annotate.Both
	}
	return sideIf(f.Source.Port() < f.Destination.Port())
}

func sideIf(source bool) annotate.Side {
	if source {
		return annotate.Source
	}
	return annotate.Destination
}
