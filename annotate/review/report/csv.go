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

// Columns of a report as CSV. Services, findings and rules are forms of their own, with
// one row each, so that a column's sum is the sum. What a flow's record says too has the
// name that package record gives it.
var (
	serviceColumns = []string{
		"service", "level", "findings",
		"server.ip", "server.port", "network.transport", "portannot.registered.status", "portannot.registered.names", "portannot.local",
		"portannot.observed.protocol", "portannot.service.reason", "portannot.service.confidence", "outcome", "states",
		"flows", "network.packets", "network.bytes", "first_seen", "last_seen", "clients", "clients.most",
		"policy", "policy.entries", "rules", "rules.by", "rules.assumes",
		"portannot.registry.edition", "portannot.schema", "portannot.caveat",
	}
	findingColumns = []string{
		"level", "kind", "finding", "subject", "name", "service", "why", "facts", "file", "line",
		"portannot.registry.edition", "portannot.schema", "portannot.caveat",
	}
	ruleColumns = []string{
		"rule", "comment", "file", "line", "chain", "action", "decided", "possible", "services", "bytes", "first_seen", "last_seen",
		"packets_counted", "bytes_counted", "assumes", "not_interpreted", "text",
		"allows", "policy.entries", "policy.reasons", "policy.owners", "policy.tickets", "policy.expires", "expected", "not_expected", "missing",
		"portannot.registry.edition", "portannot.schema", "portannot.caveat",
	}
)

func csvWriter(w io.Writer, columns []string) *bufio.Writer {
	bw := bufio.NewWriterSize(w, 64<<10)
	bw.WriteString(strings.Join(columns, ",") + "\n")
	return bw
}

// writeServicesCSV writes a line for each service.
func writeServicesCSV(w io.Writer, r *review.Report, _ Meta) error {
	bw := csvWriter(w, serviceColumns)
	err := render.InLanes(bw, r.NumServices(), func() render.AppendElement {
		c := newCSVReport(r)
		return func(dst []byte, i int) []byte {
			r.FillService(i, &c.s)
			return c.appendService(dst, &c.s)
		}
	})
	if err != nil {
		return err
	}
	return bw.Flush()
}

// writeFindingsCSV writes a line for each finding.
func writeFindingsCSV(w io.Writer, r *review.Report, _ Meta) error {
	bw := csvWriter(w, findingColumns)
	err := render.InLanes(bw, r.NumFindings(), func() render.AppendElement {
		c := newCSVReport(r)
		return func(dst []byte, i int) []byte {
			r.FillFinding(i, &c.f)
			return c.end(c.appendFinding(dst), c.edition)
		}
	})
	if err != nil {
		return err
	}
	return bw.Flush()
}

// writeRulesCSV writes a line for each rule, and for each default that allows something.
func writeRulesCSV(w io.Writer, r *review.Report, _ Meta) error {
	bw := csvWriter(w, ruleColumns)
	c := newCSVReport(r)
	for i := range r.Rules {
		set := &r.Rules[i]
		type place struct {
			id, file string
			line     int
		}
		reasons := map[place]*review.RuleReasons{}
		for j := range set.Reasons {
			x := &set.Reasons[j]
			reasons[place{x.Rule, x.File, x.Line}] = x
		}
		for j := range set.Rules {
			u := &set.Rules[j]
			at := place{u.ID, u.File, u.Line}
			bw.Write(c.appendRule(nil, u, reasons[at]))
			delete(reasons, at)
		}
		for j := range set.Reasons {
			x := &set.Reasons[j]
			if reasons[place{x.Rule, x.File, x.Line}] != nil {
				bw.Write(c.appendRule(nil, &review.RuleUse{ID: x.Rule, Action: "allow"}, x))
			}
		}
	}
	return bw.Flush()
}

// appendRule appends the line of a rule; x is nil where no reason was looked for.
func (c *csvReport) appendRule(dst []byte, u *review.RuleUse, x *review.RuleReasons) []byte {
	dst = append(cells(annotate.AppendCSV(dst, u.ID), u.Comment, u.File), ',')
	if u.Line > 0 {
		dst = appendInt(dst, u.Line)
	}
	dst = cells(dst, u.Chain, u.Action)
	for _, n := range []uint64{u.Decided, u.Possible, u.Services, u.Bytes} {
		dst = append(dst, ',')
		if u.File != "" { // the use of defaults is not counted
			dst = ascii.AppendUint(dst, n)
		}
	}
	dst = c.moment(append(dst, ','), u.First, &c.first)
	dst = c.moment(append(dst, ','), u.Last, &c.last)
	if u.Counter != nil {
		dst = ascii.AppendUint(append(ascii.AppendUint(append(dst, ','), u.Counter.Packets), ','), u.Counter.Bytes)
	} else {
		dst = append(dst, ",,"...)
	}
	dst = cells(dst, u.Assumes, u.Partial, u.Text)
	if x == nil {
		return c.end(append(dst, strings.Repeat(",", reasonColumns)...), c.edition)
	}
	dst = joined(c, dst, x.Allows, appendText)
	for _, part := range []func(*review.RuleReason) string{
		func(e *review.RuleReason) string { return e.Label }, func(e *review.RuleReason) string { return e.Reason },
		func(e *review.RuleReason) string { return e.Owner }, func(e *review.RuleReason) string { return e.Ticket },
		func(e *review.RuleReason) string { return e.Expires },
	} {
		dst = joined(c, dst, x.Entries, func(dst []byte, e *review.RuleReason) []byte { return append(dst, part(e)...) })
	}
	dst = append(ascii.AppendUint(append(dst, ','), x.Expected), ',')
	dst = ascii.AppendUint(dst, x.NotExpected)
	return c.end(joined(c, dst, x.Missing, appendText), c.edition)
}

// reasonColumns is how many columns are about the policy of a rule.
const reasonColumns = 9

// csvReport writes lines, one after the other.
type csvReport struct {
	f           review.Finding
	s           review.Service
	first, last ascii.Clock
	list        []byte
	edition     string // of the report
	tail        string // of every line, behind the edition
}

func newCSVReport(r *review.Report) *csvReport {
	var tail []byte
	tail = ascii.AppendUint(append(tail, ','), record.Schema)
	tail = append(annotate.AppendCSV(append(tail, ','), r.Caveat), '\n')
	return &csvReport{edition: r.Registry.Edition, tail: string(tail)}
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
	dst = cells(dst, f.Kind.String(), f.ID, f.Subject, f.Name, f.Service, f.Why)
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

// appendService appends the cells of a service, and ends the line.
func (c *csvReport) appendService(dst []byte, s *review.Service) []byte {
	dst = append(annotate.AppendCSV(dst, s.ID), ',')
	if s.Highest > review.NoLevel {
		dst = append(dst, s.Highest.String()...)
	}
	dst = joined(c, dst, s.Findings, func(dst []byte, id *string) []byte {
		kind, _, _ := strings.Cut(*id, ":")
		return append(dst, kind...)
	})
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
