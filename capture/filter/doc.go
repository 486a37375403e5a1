// Package filter compiles capture filters: the pcap-filter language that
// tcpdump and Wireshark users write ("tcp port 443 and not host 10.0.0.1"),
// to the classic BPF machine that kernels run.
//
// # How a filter works
//
// A filter is a boolean expression of primitives. Each primitive becomes a few
// instructions that load a field from a fixed offset in the packet and compare
// it. The machine has an accumulator A, an index register X and 16
// words of scratch memory; jumps only go forward, so every program ends. A
// program returns how many bytes of the packet to keep; 0 drops it.
//
// Where a field lies depends on how a packet begins, so a [Program] is for one
// link type. A [Set] is an expression for packets of any link type.
//
// Three properties of the machine and of libpcap show in the language. They are
// kept here, because users rely on what tcpdump does:
//
//   - A load past the captured bytes ends the program and drops the packet,
//     even under "not" or "or": "not tcp[13] & 2 != 0" never matches a packet
//     cut before byte 13 of its TCP header.
//   - "vlan", "mpls" and "pppoes" change where all later primitives look,
//     whether or not they matched: in "vlan or ip", "ip" means an IPv4 packet
//     inside a tag. Put them last, or in both branches.
//   - "and" and "or" bind equally and from the left: "a or b and c" is
//     "(a or b) and c".
//
// # The language
//
// The subset, with the meaning that libpcap 1.10 gives it:
//
//	[src|dst|src or dst|src and dst] [host|net|port|portrange] ID
//	ip|ip6|arp|rarp before host and net; tcp|udp|sctp before port and portrange
//	net 10.0.0.0/8, net 10.1, net 10.0.0.0 mask 255.0.0.0, net 2001:db8::/32
//	ether [src|dst] host 00:00:5e:00:53:01, [ether] broadcast, [ether|ip|ip6] multicast
//	ether proto N, ip proto N, ip6 proto N, proto N, iso proto N (names as \tcp)
//	ip ip6 arp rarp tcp udp sctp icmp icmp6 igmp igrp pim vrrp carp ah esp
//	aarp atalk decnet lat sca moprc mopdl iso clnp esis isis stp ipx netbeui
//	vlan [N], mpls [N], pppoed, pppoes [N]
//	inbound, outbound (where the link layer records it)
//	less N, greater N, and relations of arithmetic:
//	  EXPR > >= < <= = == != EXPR, of numbers, len, PROTO[OFFSET:SIZE], the operators
//	  + - * / % & | ^ << >> and parentheses, and the names tcpflags, tcp-syn, icmptype…
//	and && or || not ! ( ), and "port 80 or 443": an ID alone takes the
//	qualifiers of the primitive before it
//
// Hosts and nets are numbers: this package never asks a name server, and never
// reads /etc/services or /etc/protocols. Port names come from the caller
// (Options.Services); protocol names after "proto" are IANA's keywords.
//
// Outside the subset, and refused with a message that says so: protochain,
// gateway, ip broadcast, ifindex, llc, geneve, byte, the IS-IS PDU types, 802.11
// frame types and addresses, and the ATM, MTP and PF primitives.
//
// # Link types
//
// Ethernet, NULL and LOOP, raw IP (12, 14, 101, 228, 229), Linux cooked v1 and
// v2, PPP in its four framings, Cisco HDLC, 802.11 bare and behind radiotap.
// For others Compile returns an error that wraps ErrLinkType.
//
// # Where it differs from libpcap
//
//   - The header of link type NULL is in the byte order of the capturing machine.
//     A packet does not say which, so both match.
//   - An expression that no packet can match ("ip and arp") compiles. In libpcap
//     some of these are errors.
//   - "1 / tcp[0]" compiles; libpcap takes the 0 for the divisor.
//   - Where a packet is cut short inside a field that the expression needs,
//     libpcap's answer depends on the order of the tests, which its optimiser
//     changes. The answer here is always one that libpcap gives, with the optimiser
//     or without.
package filter
