package annotate

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// LocalNames are the user's own names for ports, read from a file in the form
// of /etc/services (services(5)). They are shown beside the registered names
// and never mixed with them. The zero value has no names.
type LocalNames struct {
	names [iana.NumTransports]map[uint16]string
	known map[string]bool
}

// maxLocalLine bounds a line of a file of local names, in bytes.
const maxLocalLine = 1 << 16

// ReadLocalNames reads lines "name port/transport [alias…] [# comment]". A port
// may be a range, "9000-9010/tcp". Without a transport, a line means all four.
// The first name of a port wins. Any other line is an error, which gives the
// name of the source and the line number.
func ReadLocalNames(r io.Reader, name string) (*LocalNames, error) {
	l := &LocalNames{known: map[string]bool{}}
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxLocalLine)
	n := 0
	for sc.Scan() {
		n++
		line, _, _ := strings.Cut(sc.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if err := l.add(fields); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, n+1, err)
	}
	return l, nil
}

func (l *LocalNames) add(fields []string) error {
	if len(fields) < 2 {
		return fmt.Errorf("%q has no port: want NAME PORT/TRANSPORT", fields[0])
	}
	span, transports, err := parsePorts(fields[1])
	if err != nil {
		return err
	}
	for _, t := range transports {
		if l.names[t] == nil {
			l.names[t] = map[uint16]string{}
		}
		for p := int(span.First); p <= int(span.Last); p++ {
			if _, ok := l.names[t][uint16(p)]; !ok {
				l.names[t][uint16(p)] = fields[0]
			}
		}
	}
	l.known[strings.ToLower(fields[0])] = true
	return nil
}

// Name gives the name of a port, or "".
func (l *LocalNames) Name(t iana.Transport, port uint16) string {
	if int(t) >= len(l.names) {
		return ""
	}
	return l.names[t][port]
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
