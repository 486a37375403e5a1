package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/render"
	"github.com/portannot/portannot/annotate/review"
)

// writeReportJSON writes the report as one JSON document, which
// [review.ReadReport] reads again: each member of it on a line of its own, and
// each element of a long list too, so that two reports can be compared line by
// line.
func writeReportJSON(w io.Writer, r *review.Report, _ Meta) error {
	b := bufio.NewWriterSize(w, 64<<10)
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	value := func(v reflect.Value) error {
		buf.Reset()
		err := enc.Encode(v.Interface())
		b.Write(iana.AppendVisibleJSON(nil, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))))
		return err
	}
	v := reflect.ValueOf(r).Elem()
	lead := "{\n"
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		f := v.Field(i)
		if options == "omitempty" && f.IsZero() {
			continue
		}
		fmt.Fprintf(b, "%s%q: ", lead, name)
		lead = ",\n"
		var err error
		switch {
		case name == "findings" && r.NumFindings() > 0:
			err = writeElements(b, r.NumFindings(), func() render.AppendElement { return new(jsonReport).finding(r) })
		case name == "services" && r.NumServices() > 0:
			err = writeElements(b, r.NumServices(), func() render.AppendElement { return new(jsonReport).service(r) })
		case f.Kind() != reflect.Slice || f.Len() == 0:
			err = value(f)
		default:
			for j := range f.Len() {
				b.WriteString([]string{"[\n  ", ",\n  "}[min(j, 1)])
				if err = value(f.Index(j)); err != nil {
					break
				}
			}
			b.WriteString("\n]")
		}
		if err != nil {
			return err
		}
	}
	b.WriteString("\n}\n")
	return b.Flush()
}

// writeElements writes a list, of which there may be very many elements.
func writeElements(b *bufio.Writer, n int, lane func() render.AppendElement) error {
	b.WriteString("[\n  ")
	err := render.InLanes(b, n, func() render.AppendElement {
		element := lane()
		return func(dst []byte, i int) []byte {
			if i > 0 {
				dst = append(dst, ",\n  "...)
			}
			return element(dst, i)
		}
	})
	b.WriteString("\n]")
	return err
}

// jsonReport writes findings and services as encoding/json does, of which the
// test makes sure, in a tenth of the time.
type jsonReport struct {
	f           review.Finding
	s           review.Service
	first, last ascii.Clock
}

func (j *jsonReport) finding(r *review.Report) render.AppendElement {
	return func(dst []byte, i int) []byte {
		r.FillFinding(i, &j.f)
		return j.appendFinding(dst, &j.f)
	}
}

func (j *jsonReport) service(r *review.Report) render.AppendElement {
	return func(dst []byte, i int) []byte {
		r.FillService(i, &j.s)
		return j.appendService(dst, &j.s)
	}
}

// member begins a member of an object; the first one has no comma before it.
func member(dst []byte, key string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(append(append(dst, '"'), key...), '"', ':')
}

func memberText(dst []byte, key, value string) []byte {
	return iana.AppendJSONString(member(dst, key), value)
}

// memberTextIf leaves out a member without a value, as omitempty does.
func memberTextIf(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return memberText(dst, key, value)
}

func memberUint(dst []byte, key string, value uint64) []byte {
	return ascii.AppendUint(member(dst, key), value)
}

func memberUintIf(dst []byte, key string, value uint64) []byte {
	if value == 0 {
		return dst
	}
	return memberUint(dst, key, value)
}

func memberTrueIf(dst []byte, key string, value bool) []byte {
	if !value {
		return dst
	}
	return append(member(dst, key), "true"...)
}

func memberTime(dst []byte, key string, t review.Time, c *ascii.Clock) []byte {
	if t == 0 {
		return dst
	}
	return append(c.Append(append(member(dst, key), '"'), int64(t)), `Z"`...)
}

// memberList writes a list; one without elements is left out.
func memberList[T any](dst []byte, key string, list []T, element func([]byte, T) []byte) []byte {
	if len(list) == 0 {
		return dst
	}
	return appendList(member(dst, key), list, element)
}

func appendList[T any](dst []byte, list []T, element func([]byte, T) []byte) []byte {
	if list == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '[')
	for i, x := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = element(dst, x)
	}
	return append(dst, ']')
}

func appendFact(dst []byte, f review.Fact) []byte {
	dst = memberText(append(dst, '{'), "name", f.Name)
	return append(memberText(dst, "value", f.Value), '}')
}

func appendCount(dst []byte, c review.NameCount) []byte {
	dst = memberText(append(dst, '{'), "name", c.Name)
	return append(appendInt(member(dst, "count"), c.Count), '}')
}

func appendInt(dst []byte, n int) []byte {
	if n < 0 {
		return ascii.AppendUint(append(dst, '-'), uint64(-n))
	}
	return ascii.AppendUint(dst, uint64(n))
}

func appendClient(dst []byte, c review.Client) []byte {
	dst = memberText(append(dst, '{'), "address", c.Address)
	dst = memberUint(dst, "flows", c.Flows)
	return append(memberUintIf(dst, "answered", c.Answered), '}')
}

func appendRuleFlows(dst []byte, f review.RuleFlows) []byte {
	dst = memberText(append(dst, '{'), "rule", f.Rule)
	dst = memberText(dst, "verdict", f.Verdict)
	return append(memberUint(dst, "flows", f.Flows), '}')
}

func (j *jsonReport) appendFinding(dst []byte, f *review.Finding) []byte {
	dst = memberText(append(dst, '{'), "id", f.ID)
	dst = memberText(dst, "kind", f.Kind.String())
	dst = memberText(dst, "level", f.Level.String())
	dst = memberText(dst, "subject", f.Subject)
	dst = memberTextIf(dst, "name", f.Name)
	dst = memberTextIf(dst, "service", f.Service)
	dst = memberText(dst, "why", f.Why)
	dst = appendList(member(dst, "facts"), f.Facts, appendFact)
	dst = memberTextIf(dst, "file", f.File)
	if f.Line != 0 {
		dst = appendInt(member(dst, "line"), f.Line)
	}
	return append(dst, '}')
}

func (j *jsonReport) appendService(dst []byte, s *review.Service) []byte {
	dst = memberText(append(dst, '{'), "id", s.ID)
	dst = memberText(dst, "server", s.Server)
	dst = memberText(dst, "transport", s.Transport)
	dst = memberUint(dst, "port", uint64(s.Port))
	dst = appendRegistration(member(dst, "registered"), &s.Registered)
	dst = memberTextIf(dst, "local", s.Local)
	dst = memberTextIf(dst, "observed", s.Observed)
	dst = memberTextIf(dst, "verdict", s.Verdict)
	dst = memberText(append(member(dst, "role"), '{'), "reason", s.Role.Reason)
	dst = append(memberText(dst, "confidence", s.Role.Confidence), '}')
	dst = memberText(dst, "outcome", s.Outcome)
	dst = memberList(dst, "states", s.States, appendCount)
	dst = memberUint(dst, "flows", s.Flows)
	dst = memberUintIf(dst, "packets", s.Packets)
	dst = memberUintIf(dst, "bytes", s.Bytes)
	dst = memberUintIf(dst, "uncounted", s.Uncounted)
	dst = memberTime(dst, "first", s.First, &j.first)
	dst = memberTime(dst, "last", s.Last, &j.last)
	dst = appendInt(member(append(member(dst, "clients"), '{'), "count"), s.Clients.Count)
	dst = memberTrueIf(dst, "at_least", s.Clients.AtLeast)
	dst = appendList(member(dst, "most"), s.Clients.Most, appendClient)
	dst = append(memberList(dst, "others", s.Clients.Others, appendClient), '}')
	dst = memberTextIf(dst, "policy", s.Policy)
	dst = memberList(dst, "entries", s.Entries, iana.AppendJSONString)
	if s.Rules != nil {
		dst = appendRuled(member(dst, "rules"), s.Rules)
	}
	dst = memberList(dst, "findings", s.Findings, iana.AppendJSONString)
	dst = memberList(dst, "accepted", s.Accepted, func(dst []byte, k review.Kind) []byte { return iana.AppendJSONString(dst, k.String()) })
	return append(dst, '}')
}

func appendRuled(dst []byte, r *review.Ruled) []byte {
	dst = memberText(append(dst, '{'), "verdict", r.Verdict)
	dst = memberUintIf(dst, "allow", r.Allow)
	dst = memberUintIf(dst, "deny", r.Deny)
	dst = memberUintIf(dst, "unknown", r.Unknown)
	dst = memberList(dst, "by", r.By, appendRuleFlows)
	dst = memberTextIf(dst, "why", r.Why)
	return append(memberList(dst, "assumes", r.Assumes, iana.AppendJSONString), '}')
}

func appendRegistration(dst []byte, r *review.Registration) []byte {
	dst = memberText(append(dst, '{'), "status", r.Status.String())
	dst = memberList(dst, "names", r.Names, iana.AppendJSONString)
	dst = memberTextIf(dst, "description", r.Description)
	dst = memberTextIf(dst, "span", r.Span)
	dst = memberTextIf(dst, "registration_date", r.Registered)
	dst = memberTextIf(dst, "unauthorized_use", r.Unauthorized)
	if d := r.Deassigned; d != nil {
		dst = memberTextIf(append(member(dst, "deassigned"), '{'), "date", d.Date)
		dst = append(memberTextIf(dst, "name", d.Name), '}')
	}
	dst = memberList(dst, "siblings", r.Siblings, iana.AppendJSONString)
	dst = memberTextIf(dst, "edition", r.Edition)
	if l := r.Later; l != nil {
		dst = memberTextIf(append(member(dst, "registered_later"), '{'), "name", l.Name)
		dst = memberTextIf(memberTextIf(dst, "description", l.Description), "registration_date", l.Registered)
		dst = append(memberTextIf(dst, "edition", l.FirstEdition), '}')
	}
	return append(dst, '}')
}
