package main

import (
	"fmt"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

const queryHint = "a query is 4739/sctp, 4739, 4690-4700/udp, or a name such as ipfix"

// query is what lookup is asked for: ports on transports, or a name.
type query struct {
	name       string            // empty in a query for ports
	span       iana.Span         // valid when name is empty
	transports iana.TransportSet // of a query for ports: never empty; of one for a name: empty stands for any
}

// parseQuery reads a query. known reports whether a name is registered: some
// old names have a slash in them, which else begins the transport.
func parseQuery(text string, known func(name string) bool) (query, *usageError) {
	what, transport, slash := text, "", false
	if i := strings.LastIndexByte(text, '/'); i >= 0 && !known(text) {
		what, transport, slash = text[:i], text[i+1:], true
	}
	if what == "" {
		return query{}, malformed(text, "neither port nor name", queryHint)
	}
	var q query
	if slash {
		for name := range strings.SplitSeq(transport, ",") {
			t, err := iana.ParseTransport(name)
			if err != nil {
				return query{}, malformed(text, err.Error(), turned(what, transport))
			}
			q.transports = q.transports.With(t)
		}
	}
	if !looksLikePorts(what) {
		if apart := splitPorts(what, text[len(what):]); apart != "" && !known(text) {
			return query{}, malformed(text, "several ports in one query", "write them apart: "+apart)
		}
		q.name = what
		return q, nil
	}
	span, err := annotate.ParseSpan(what)
	if err != nil {
		hint := "a port is 443, a range 4690-4700"
		if last, first, ok := strings.Cut(what, "-"); ok {
			if back, backErr := annotate.ParseSpan(first + "-" + last); backErr == nil {
				hint = "write " + back.String() + text[len(what):]
			}
		}
		return query{}, malformed(text, err.Error(), hint)
	}
	q.span = span
	if !slash {
		q.transports = allTransports()
	}
	return q, nil
}

// looksLikePorts reports that text can be nothing but ports: a service name
// has a letter (RFC 6335 section 5.1).
func looksLikePorts(text string) bool {
	return strings.Trim(text, "0123456789-+") == ""
}

// turned gives the hint for a bad transport, also where port and transport
// stand the wrong way round: "tcp/80".
func turned(what, transport string) string {
	if _, err := iana.ParseTransport(what); err == nil && looksLikePorts(transport) {
		return "write " + transport + "/" + what
	}
	if near := cli.DidYouMean(what+"/", transport, transportNames); near != "" {
		return near
	}
	return "write " + what + "/tcp, or " + what + " for all transports"
}

func malformed(text, reason, hint string) *usageError {
	return &usageError{Msg: fmt.Sprintf("query %q: %s", text, reason), Hint: hint}
}

// splitPorts gives the queries that a list of ports stands for, each with the
// suffix: "80/tcp 443/tcp" for "80,443". It gives "" for what is no such list.
func splitPorts(list, suffix string) string {
	parts := strings.Split(list, ",")
	if len(parts) < 2 {
		return ""
	}
	for i, p := range parts {
		p = strings.TrimSpace(p)
		if _, err := annotate.ParseSpan(p); err != nil {
			return ""
		}
		parts[i] = p + suffix
	}
	return strings.Join(parts, " ")
}
