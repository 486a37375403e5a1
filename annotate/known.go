package annotate

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// KnownServices lists services that the user knows of. An address and port in
// the list is the service end of all its flows. The zero value lists none.
type KnownServices struct {
	of [iana.NumTransports]knownPorts
}

// knownPorts are the services of one transport.
type knownPorts struct {
	spans map[netip.Prefix][]iana.Span // sorted and apart, once read
	bits4 []int                        // lengths of the IPv4 prefixes, the longest first
	bits6 []int                        // of the IPv6 prefixes
}

// anyAddress is the word for every address, of either version.
const anyAddress = "*"

// ReadKnownServices reads lines "ADDRESS:PORT/TRANSPORT [# comment]". The
// address may be a network in CIDR notation (RFC 4632), "10.0.0.0/8:9090/tcp",
// or * for every address; IPv6 addresses stand in brackets,
// "[2001:db8::/32]:53/udp". The port may be a range. Without a transport, a
// line means all four. Any other line is an error, which gives the name of the
// source and the line number.
func ReadKnownServices(r io.Reader, name string) (*KnownServices, error) {
	k := &KnownServices{}
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxLocalLine)
	n := 0
	for sc.Scan() {
		n++
		line, _, _ := strings.Cut(sc.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := k.add(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	if err := sc.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("%s:%d: a line of more than %d KiB", name, n+1, maxLocalLine>>10)
	} else if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, n+1, err)
	}
	for t := range k.of {
		k.of[t].index()
	}
	return k, nil
}

func (k *KnownServices) add(line string) error {
	at := strings.LastIndexByte(line, ':')
	if at < 0 || strings.HasSuffix(line, "]") {
		return fmt.Errorf("%q has no port: want ADDRESS:PORT/TRANSPORT", line)
	}
	prefixes, err := parseAddresses(line[:at])
	if err != nil {
		return err
	}
	span, transports, err := parsePorts(line[at+1:])
	if err != nil {
		return err
	}
	for _, t := range transports {
		of := &k.of[t]
		if of.spans == nil {
			of.spans = map[netip.Prefix][]iana.Span{}
		}
		for _, p := range prefixes {
			of.spans[p] = append(of.spans[p], span)
		}
	}
	return nil
}

// parseAddresses reads what stands before the port. One address is a prefix of
// all its bits.
func parseAddresses(s string) ([]netip.Prefix, error) {
	if s == anyAddress {
		return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}, nil
	}
	bare, bracketed := strings.CutPrefix(s, "[")
	if bracketed {
		var closed bool
		if bare, closed = strings.CutSuffix(bare, "]"); !closed {
			return nil, fmt.Errorf("address %q: a bracket is missing", s)
		}
	} else if strings.Contains(bare, ":") {
		// 2001:db8::1:53 is an address too, and nobody could tell which is meant.
		return nil, fmt.Errorf("address %q: want an IPv6 address in brackets, [2001:db8::1]", s)
	}
	if strings.Contains(bare, "/") {
		p, err := netip.ParsePrefix(bare)
		if err != nil {
			return nil, fmt.Errorf("address %q: want a network like 10.0.0.0/8", s)
		}
		if p != p.Masked() {
			return nil, fmt.Errorf("network %q has bits beyond its mask: want %v", s, p.Masked())
		}
		return []netip.Prefix{p}, nil
	}
	a, err := netip.ParseAddr(bare)
	if err != nil || a.Zone() != "" {
		return nil, fmt.Errorf("address %q: want an IP address, a network like 10.0.0.0/8, or *", s)
	}
	a = a.Unmap()
	return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}, nil
}

// index sorts and joins spans, and lists the lengths of the prefixes.
func (k *knownPorts) index() {
	for p, spans := range k.spans {
		slices.SortFunc(spans, func(a, b iana.Span) int { return cmp.Compare(a.First, b.First) })
		joined := spans[:1]
		for _, s := range spans[1:] {
			if last := &joined[len(joined)-1]; s.First <= last.Last {
				last.Last = max(last.Last, s.Last)
			} else {
				joined = append(joined, s)
			}
		}
		k.spans[p] = joined
		bits := &k.bits6
		if p.Addr().Is4() {
			bits = &k.bits4
		}
		if !slices.Contains(*bits, p.Bits()) {
			*bits = append(*bits, p.Bits())
		}
	}
	longest := func(a, b int) int { return cmp.Compare(b, a) }
	slices.SortFunc(k.bits4, longest)
	slices.SortFunc(k.bits6, longest)
}

// match gives the length in bits of the longest prefix that an endpoint is
// listed under, -1 for none.
func (k *knownPorts) match(a netip.Addr, port uint16) int {
	a = a.Unmap().WithZone("")
	lengths := k.bits6
	if a.Is4() {
		lengths = k.bits4
	}
	for _, bits := range lengths {
		p, err := a.Prefix(bits)
		if err != nil {
			continue // no address
		}
		_, found := slices.BinarySearchFunc(k.spans[p], port, func(s iana.Span, port uint16) int {
			switch {
			case s.Last < port:
				return -1
			case s.First > port:
				return 1
			}
			return 0
		})
		if found {
			return bits
		}
	}
	return -1
}

// service says which end is listed. Of two the one whose prefix is longer is,
// and if neither is, nothing is said. A single address is certain: the user
// says that the service is there. A client in a listed network may have been
// given the port by its system, so a network is likely.
func (k *KnownServices) service(in *Input) (Service, bool) {
	t, ok := iana.TransportOf(in.Protocol)
	if !ok || k.of[t].spans == nil {
		return Service{}, false
	}
	src, dst := -1, -1
	if !in.NoSourcePort {
		src = k.of[t].match(in.Source.Addr(), in.Source.Port())
	}
	if !in.NoDestinationPort {
		dst = k.of[t].match(in.Destination.Addr(), in.Destination.Port())
	}
	if src == dst {
		return Service{}, false
	}
	a, c := in.Source.Addr().Unmap(), Likely
	if dst > src {
		a = in.Destination.Addr().Unmap()
	}
	if max(src, dst) == a.BitLen() && min(src, dst) < 0 {
		c = Certain
	}
	return in.service(destinationIf(dst > src), Listed, c), true
}
