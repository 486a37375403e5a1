package report

import (
	"bufio"
	"io"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/annotate/render"
	"github.com/portannot/portannot/annotate/review"
)

// reportColumns are the columns of a report as CSV: first those of a finding,
// then those of the service that it is about. What a flow's record says too has
// the name that package record gives it.
var reportColumns = []string{
	"level", "kind", "finding", "subject", "name", "why", "facts", "file", "line",
	"server.ip", "server.port", "network.transport", "portannot.registered.status", "portannot.registered.names", "portannot.local",
	"portannot.observed.protocol", "portannot.service.reason", "portannot.service.confidence", "outcome", "states",
	"flows", "network.packets", "network.bytes", "first_seen", "last_seen", "clients", "clients.most",
	"policy", "policy.entries", "rules", "rules.by", "rules.assumes",
	"rule.action", "rule.decided", "rule.possible", "rule.bytes", "rule.last_seen", "rule.packets_counted", "rule.text", "portannot.registry.edition", "portannot.schema", "portannot.caveat",
}

// writeReportCSV writes a line for each finding with what is known of its
// service, one for each service without a finding, and one for each rule with its
// use, whose columns others leave empty.
func writeReportCSV(w io.Writer, r *review.Report, _ Meta) error {
	bw := bufio.NewWriterSize(w, 64<<10)
	bw.WriteString(strings.Join(reportColumns, ",") + "\n")
	plain := byID(r) // empty when the report is deferred
	err := render.InLanes(bw, r.NumFindings(), func() render.AppendElement {
		c := newCSVReport(r)
		return func(dst []byte, i int) []byte {
			r.FillFinding(i, &c.f)
			s := plain[c.f.Service]
			if s == nil && r.FillSubject(i, &c.s) {
				s = &c.s
			}
			return c.appendService(c.appendFinding(dst), s)
		}
	})
	if err != nil {
		return err
	}
	err = render.InLanes(bw, r.NumServices(), func() render.AppendElement {
		c := newCSVReport(r)
		return func(dst []byte, i int) []byte {
			r.FillService(i, &c.s)
			if len(c.s.Findings) > 0 {
				return dst
			}
			dst = annotate.AppendCSV(append(dst, ",,,"...), c.s.ID)
			return c.appendService(append(dst, ",,,,,"...), &c.s)
		}
	})
	if err != nil {
		return err
	}
	c := newCSVReport(r)
	for i := range r.Rules {
		for j := range r.Rules[i].Rules {
			bw.Write(c.appendRule(nil, &r.Rules[i].Rules[j]))
		}
	}
	return bw.Flush()
}

// ruleColumns is how many columns are about rules.
const ruleColumns = 7

// appendRule appends the line of a rule.
func (c *csvReport) appendRule(dst []byte, u *review.RuleUse) []byte {
	dst = cells(append(dst, ",,"...), u.ID, u.Comment)
	dst = append(cells(append(dst, ",,"...), u.File), ',')
	dst = ascii.AppendUint(dst, uint64(u.Line))
	dst = append(dst, c.empty[:len(c.empty)-ruleColumns]...)
	dst = append(cells(dst, u.Action), ',')
	dst = append(ascii.AppendUint(dst, u.Decided), ',')
	dst = append(ascii.AppendUint(dst, u.Possible), ',')
	dst = append(ascii.AppendUint(dst, u.Bytes), ',')
	dst = append(c.moment(dst, u.Last, &c.last), ',')
	if u.Counter != nil {
		dst = ascii.AppendUint(dst, u.Counter.Packets)
	}
	return c.end(cells(dst, u.Text), c.edition)
}

// csvReport writes lines, one after the other.
type csvReport struct {
	f           review.Finding
	s           review.Service
	first, last ascii.Clock
	list        []byte
	edition     string // of the report
	tail        string // of every line, behind the edition
	empty       string // the cells of no service
}

func newCSVReport(r *review.Report) *csvReport {
	var tail []byte
	tail = ascii.AppendUint(append(tail, ','), record.Schema)
	tail = append(annotate.AppendCSV(append(tail, ','), r.Caveat), '\n')
	return &csvReport{edition: r.Registry.Edition, tail: string(tail), empty: strings.Repeat(",", len(reportColumns)-3-9)}
}

// cells appends texts, each as a cell after others.
func cells(dst []byte, list ...string) []byte {
	for _, text := range list {
		dst = annotate.AppendCSV(append(dst, ','), text)
	}
	return dst
}

// joined appends a list as one cell, joined by bars.
func joined[T any](c *csvReport, dst []byte, list []T, text func([]byte, *T) []byte) []byte {
	c.list = c.list[:0]
	for i := range list {
		if i > 0 {
			c.list = append(c.list, '|')
		}
		c.list = text(c.list, &list[i])
	}
	return annotate.AppendCSV(append(dst, ','), c.list)
}

func appendText(dst []byte, s *string) []byte { return append(dst, *s...) }

// appendFinding appends the cells of a finding.
func (c *csvReport) appendFinding(dst []byte) []byte {
	f := &c.f
	dst = annotate.AppendCSV(dst, f.Level.String())
	dst = cells(dst, f.Kind.String(), f.ID, f.Subject, f.Name, f.Why)
	c.list = c.list[:0]
	for i, x := range f.Facts {
		if i > 0 {
			c.list = append(c.list, " | "...)
		}
		c.list = append(append(append(c.list, x.Name...), ": "...), x.Value...)
	}
	dst = annotate.AppendCSV(append(dst, ','), c.list)
	dst = append(cells(dst, f.File), ',')
	if f.Line > 0 {
		dst = ascii.AppendUint(dst, uint64(f.Line))
	}
	return dst
}

// end appends the last cells of a line: the edition of the registration, schema and
// caveat.
func (c *csvReport) end(dst []byte, edition string) []byte {
	return append(annotate.AppendCSV(append(dst, ','), edition), c.tail...)
}

// appendService appends the cells of a service, or of none, and ends the line.
func (c *csvReport) appendService(dst []byte, s *review.Service) []byte {
	if s == nil {
		return c.end(append(dst, c.empty...), c.edition)
	}
	dst = ascii.AppendUint(append(cells(dst, s.Server), ','), uint64(s.Port))
	dst = cells(dst, s.Transport, s.Registered.Status.String())
	dst = joined(c, dst, s.Registered.Names, appendText)
	dst = cells(dst, s.Local, s.Observed, s.Role.Reason, s.Role.Confidence, s.Outcome)
	dst = joined(c, dst, s.States, func(dst []byte, n *review.NameCount) []byte {
		return appendInt(append(append(dst, n.Name...), ' '), n.Count)
	})
	dst = append(ascii.AppendUint(append(dst, ','), s.Flows), ',')
	if s.Uncounted < s.Flows {
		dst = ascii.AppendUint(append(ascii.AppendUint(dst, s.Packets), ','), s.Bytes)
	} else {
		dst = append(dst, ',')
	}
	dst = c.moment(append(dst, ','), s.First, &c.first)
	dst = c.moment(append(dst, ','), s.Last, &c.last)
	dst = appendInt(append(dst, ','), s.Clients.Count)
	if s.Clients.AtLeast {
		dst = append(dst, '+')
	}
	dst = joined(c, dst, s.Clients.Most, func(dst []byte, x *review.Client) []byte { return append(dst, x.Address...) })
	dst = joined(c, cells(dst, s.Policy), s.Entries, appendText)
	if s.Rules == nil {
		dst = append(dst, ",,"...)
	} else {
		dst = joined(c, cells(dst, s.Rules.Verdict), s.Rules.By, func(dst []byte, b *review.RuleFlows) []byte { return append(dst, b.Rule...) })
	}
	if s.Rules == nil {
		dst = append(dst, ',')
	} else {
		dst = joined(c, dst, s.Rules.Assumes, appendText)
	}
	dst = append(dst, strings.Repeat(",", ruleColumns)...)
	edition := s.Registered.Edition
	if edition == "" {
		edition = c.edition
	}
	return c.end(dst, edition)
}

// moment appends a time as review.Time.String has it.
func (c *csvReport) moment(dst []byte, t review.Time, k *ascii.Clock) []byte {
	if t == 0 {
		return dst
	}
	return append(k.Append(dst, int64(t)), 'Z')
}
