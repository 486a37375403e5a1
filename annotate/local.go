package annotate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// LocalNames are the user's own names for ports. They are shown beside the registered
// names and never mixed with them. The zero value has no names.
type LocalNames struct {
	names [iana.NumTransports]map[uint16]localName
	known map[string]bool
}

// localName is a name with the share of hosts that have the port open, as nmap found
// it; below 0 where the file does not say.
type localName struct {
	name      string
	frequency float64
}

// maxLocalLine bounds a line of a file of local names, in bytes.
const maxLocalLine = 1 << 16

// ReadLocalNames reads a file in any of these forms, which may be mixed:
//
//	name port/transport [alias...] [# comment]     services(5), /etc/services
//	name port/transport frequency [# comment]      nmap-services
//	name port/transport/transport... [# comment]   Wireshark's services file
//
// A port may be a range, "9000-9010/tcp". Without a transport, a line means all four.
// The first name of a port wins. Ports of AppleTalk (ddp) and of FreeBSD's divert
// sockets, which /etc/services may have, are passed over, and so are those that nmap
// calls unknown. Any other line is an error, which gives the name of the source and the
// line number.
func ReadLocalNames(r io.Reader, name string) (*LocalNames, error) {
	l := &LocalNames{known: map[string]bool{}}
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxLocalLine)
	n := 0
	for sc.Scan() {
		n++
		line, _, _ := strings.Cut(sc.Text(), "#")
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff") // of an editor
		}
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if err := l.add(fields); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	if err := sc.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("%s:%d: a line of more than %d KiB", name, n+1, maxLocalLine>>10)
	} else if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, n+1, err)
	}
	return l, nil
}

func (l *LocalNames) add(fields []string) error {
	if len(fields) < 2 {
		return fmt.Errorf("%q has no port: want NAME PORT/TRANSPORT", fields[0])
	}
	name := localName{fields[0], -1}
	if len(fields) > 2 {
		if f, ok := parseFrequency(fields[2]); ok {
			name.frequency = f
			if name.name == "unknown" {
				return nil
			}
		}
	}
	first, more, several := strings.Cut(fields[1], "/")
	for several {
		var transport string
		transport, more, several = strings.Cut(more, "/")
		if transport == "ddp" || transport == "divert" {
			if _, err := ParseSpan(first); err != nil {
				return err
			}
			continue
		}
		span, transports, err := parsePorts(first + "/" + transport)
		if err != nil {
			return err
		}
		l.name(name, span, transports)
	}
	if first == fields[1] {
		span, transports, err := parsePorts(first)
		if err != nil {
			return err
		}
		l.name(name, span, transports)
	}
	return nil
}

// name gives ports a name, unless they have one.
func (l *LocalNames) name(name localName, span iana.Span, transports []iana.Transport) {
	for _, t := range transports {
		if l.names[t] == nil {
			l.names[t] = map[uint16]localName{}
		}
		for p := int(span.First); p <= int(span.Last); p++ {
			if _, ok := l.names[t][uint16(p)]; !ok {
				l.names[t][uint16(p)] = name
			}
		}
	}
	l.known[strings.ToLower(name.name)] = true
}

// parseFrequency reads the third field of nmap-services, "0.484143". No alias of
// services(5) looks like that.
func parseFrequency(s string) (float64, bool) {
	if len(s) < 3 || s[0] != '0' && s[0] != '1' || s[1] != '.' {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && f >= 0 && f <= 1
}

// Name gives the name of a port, or "".
func (l *LocalNames) Name(t iana.Transport, port uint16) string {
	if int(t) >= len(l.names) {
		return ""
	}
	return l.names[t][port].name
}

// Frequency gives the share of hosts, from 0 to 1, on which nmap found the port open. ok
// is false if the file is not one of nmap, or does not have the port.
func (l *LocalNames) Frequency(t iana.Transport, port uint16) (share float64, ok bool) {
	if int(t) >= len(l.names) {
		return 0, false
	}
	share = l.frequency(t, port)
	return max(share, 0), share >= 0
}

// frequency is below 0 if there is none.
func (l *LocalNames) frequency(t iana.Transport, port uint16) float64 {
	if n, ok := l.names[t][port]; ok {
		return n.frequency
	}
	return -1
}

// Known reports whether the file has a name, in any case. Aliases do not count.
func (l *LocalNames) Known(name string) bool { return l.known[strings.ToLower(name)] }

// ParseSpan reads a port, "443", or an inclusive range, "4690-4700".
func ParseSpan(s string) (iana.Span, error) {
	first, last, isRange := strings.Cut(s, "-")
	a, err := parsePort(first)
	if err != nil {
		return iana.Span{}, err
	}
	b := a
	if isRange {
		if b, err = parsePort(last); err != nil {
			return iana.Span{}, err
		}
		if b < a {
			return iana.Span{}, fmt.Errorf("range %q ends before it begins", s)
		}
	}
	return iana.Span{First: a, Last: b}, nil
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || s[0] == '+' {
		return 0, fmt.Errorf("port %q: want a number from 0 to 65535", s)
	}
	return uint16(n), nil
}

// parsePorts reads PORT/TRANSPORT, where PORT may be a range; without a transport
// all are meant.
func parsePorts(s string) (iana.Span, []iana.Transport, error) {
	port, transport, found := strings.Cut(s, "/")
	span, err := ParseSpan(port)
	if err != nil {
		return iana.Span{}, nil, err
	}
	if !found {
		all := iana.Transports()
		return span, all[:], nil
	}
	t, err := iana.ParseTransport(transport)
	return span, []iana.Transport{t}, err
}
