package main

import (
	"bufio"
	"encoding/json"
	"fmt"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/edition"
)

// historyAnswers writes what became of ports (lookup --history): the answer of the
// first known edition, and each change since. A name stands for the ports that it
// has today.
type historyAnswers struct {
	json bool

	out *bufio.Writer
	reg *iana.Registry
}

func (h *historyAnswers) begin(w *bufio.Writer, reg *iana.Registry) {
	h.out, h.reg = w, reg
	if !h.json {
		fmt.Fprintf(w, "%-10s  %-10s  %-7s  %s\n", "EDITION", "PORT", "CHANGE", "WHAT")
	}
}

func (h *historyAnswers) ports(span iana.Span, transports iana.TransportSet) error {
	for port := int(span.First); port <= int(span.Last); port++ {
		for t := range transports.All() {
			if err := h.port(t, uint16(port)); err != nil {
				return err
			}
		}
	}
	return nil
}

// port writes the history of one port on one transport.
func (h *historyAnswers) port(t iana.Transport, port uint16) error {
	answers := iana.PortHistory(t, port)
	first, changes := answers[0], edition.ChangesOf(answers)
	if len(changes) > 0 {
		first = changes[0].Old // which may be of a later edition
	}
	known := jsonHistory{Edition: iana.FirstKnown(), Change: "known", Port: port, Transport: t.String(), New: iana.AppendJSON(nil, first), NotKnown: notKnown(first.Edition()), Caveat: iana.Caveat}
	words := first.Status.String()
	if first.Status == iana.Assigned {
		words = named(first)
	}
	if err := h.line(known, words); err != nil {
		return err
	}
	for i := range changes {
		c := &changes[i]
		line := known
		line.Edition, line.Change = c.New.Edition().Date, c.Kind.String()
		line.NotKnown = notKnown(c.New.Edition())
		line.Old, line.New = iana.AppendJSON(nil, c.Old), iana.AppendJSON(nil, c.New)
		if err := h.line(line, changeWords(c)); err != nil {
			return err
		}
	}
	return nil
}

// jsonHistory is one line of a port's history as JSON. Old and New are objects as
// lookup writes them; the first line of a port, "known", has no Old.
type jsonHistory struct {
	Edition   string          `json:"edition"` // the first known one with the change
	Change    string          `json:"change"`
	Port      uint16          `json:"port"`
	Transport string          `json:"transport"`
	Old       json.RawMessage `json:"old,omitempty"`
	New       json.RawMessage `json:"new"`
	NotKnown  []string        `json:"not_known,omitempty"` // fields of New
	Caveat    string          `json:"caveat"`
}

// notKnown names the fields of an answer that are not known for an edition.
func notKnown(ed iana.Edition) []string {
	if ed.Partial {
		return []string{"service_code", "unauthorized_use"}
	}
	return nil
}

// notKnownWords says the same in text.
const notKnownWords = "service codes and reports of unauthorized use are not known"

func (h *historyAnswers) line(l jsonHistory, words string) (err error) {
	if h.json {
		_, err = h.out.Write(append(marshal(&l), '\n'))
	} else {
		_, err = fmt.Fprintf(h.out, "%-10s  %-10s  %-7s  %s\n", l.Edition, fmt.Sprintf("%d/%s", l.Port, l.Transport), l.Change, words)
	}
	return err
}

func (h *historyAnswers) record(en iana.Entry) error {
	if en.Transport != iana.NoTransport {
		return h.port(en.Transport, en.Port)
	}
	return h.ports(iana.Span{First: en.Port, Last: en.Port}, allTransports())
}

// portless writes nothing of a name without a port: editions are known by port.
func (h *historyAnswers) portless(iana.Record) error { return nil }

func (h *historyAnswers) end() error {
	if h.json {
		return nil
	}
	_, err := fmt.Fprintf(h.out, "# %s Editions from %s to %s; %q is the answer of the first. Before %s, %s.\n",
		iana.Warning, iana.FirstKnown(), iana.Embedded().Edition().Date, "known", iana.FirstComplete(), notKnownWords)
	return err
}
