package main

import (
	"bufio"
	"encoding/json"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/practice"
)

// jsonAnswers writes an object a line for each port and transport: that of
// iana.AppendJSON, and these members behind it:
//
//	precedence  the kind of record that decided (--explain)
//	records     all that concern the port, the deciding first (--explain)
//	practice    software that is documented to use the port (unless --practice off)
//	source      of the edition, if it is not the embedded one
//	not_known   fields that are not known for the edition (--as-of)
//	caveat      always
//
// A name without a port gives an object without port, status, listed and range.
type jsonAnswers struct {
	explain   bool
	practised bool

	out  *bufio.Writer
	reg  *iana.Registry
	tail []byte // the members that are the same in every object, and its end
	line []byte
}

func (j *jsonAnswers) begin(w *bufio.Writer, reg *iana.Registry) {
	j.out, j.reg = w, reg
	tail := struct {
		Source   string   `json:"source,omitempty"`
		NotKnown []string `json:"not_known,omitempty"`
		Caveat   string   `json:"caveat"`
	}{NotKnown: notKnown(reg.Edition()), Caveat: iana.Caveat}
	if ed := reg.Edition(); ed.Form != "embedded" && ed.Form != "history" {
		tail.Source = ed.Source
	}
	j.tail = append([]byte(","), marshal(&tail)[1:]...)
}

func (j *jsonAnswers) ports(span iana.Span, transports iana.TransportSet) error {
	for port := int(span.First); port <= int(span.Last); port++ {
		for t := range transports.All() {
			if err := j.record(j.reg.Lookup(t, uint16(port))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *jsonAnswers) record(en iana.Entry) error {
	j.line = iana.AppendJSON(j.line[:0], en)
	j.line = j.line[:len(j.line)-1]
	if j.explain {
		why := marshal(explanationOf(en))
		j.line = append(append(j.line, ','), why[1:len(why)-1]...)
	}
	if j.practised && practice.Has(en.Transport, en.Port) {
		j.line = practice.AppendJSON(append(j.line, `,"practice":`...), en.Transport, en.Port)
	}
	return j.write()
}

// nameRecord has the fields of an answer that a name without a port can have.
type nameRecord struct {
	Transport    string   `json:"transport,omitempty"`
	Name         string   `json:"name"`
	Names        []string `json:"names"`
	Description  string   `json:"description,omitempty"`
	Registered   string   `json:"registration_date,omitempty"`
	Modified     string   `json:"modification_date,omitempty"`
	References   []string `json:"references,omitempty"`
	ServiceCode  string   `json:"service_code,omitempty"`
	Unauthorized string   `json:"unauthorized_use,omitempty"`
	Edition      string   `json:"edition,omitempty"`
}

func (j *jsonAnswers) portless(rec iana.Record) error {
	object := marshal(&nameRecord{
		Transport:    rec.Transport.String(),
		Name:         rec.Name,
		Names:        []string{rec.Name},
		Description:  rec.Description,
		Registered:   rec.Registered,
		Modified:     rec.Modified,
		References:   rec.References,
		ServiceCode:  rec.ServiceCode,
		Unauthorized: rec.Unauthorized,
		Edition:      j.reg.Edition().Date,
	})
	j.line = append(j.line[:0], object[:len(object)-1]...)
	return j.write()
}

// write ends the object in line and writes it.
func (j *jsonAnswers) write() error {
	j.line = append(append(j.line, j.tail...), '\n')
	_, err := j.out.Write(j.line)
	return err
}

func (j *jsonAnswers) end() error { return nil }

// marshal gives a struct of texts, numbers and lists of such as JSON. That
// cannot fail; text that is not UTF-8 gets replacement characters.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("marshal: " + err.Error())
	}
	return iana.AppendVisibleJSON(nil, b)
}
