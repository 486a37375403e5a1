package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/review"
)

// reportColumns are the columns of a report as CSV: first those of a finding,
// then those of the service that it is about.
var reportColumns = []string{
	"level", "kind", "finding", "subject", "name", "why", "facts", "file", "line",
	"server.ip", "server.port", "network.transport", "portannot.registered.status", "portannot.registered.names", "portannot.local",
	"observed", "portannot.service.reason", "portannot.service.confidence", "outcome", "states",
	"flows", "network.packets", "network.bytes", "first_seen", "last_seen", "clients", "clients.most",
	"policy", "policy.entries", "rules", "rules.by", "portannot.registry.edition", "portannot.caveat",
}

// writeReportCSV writes a line for each finding with what is known of its
// service, and one for each service without a finding.
func writeReportCSV(w io.Writer, r *review.Report, _ ReportMeta) error {
	bw := bufio.NewWriter(w)
	bw.WriteString(strings.Join(reportColumns, ",") + "\n")
	services := byID(r)
	var line []byte
	write := func(f *review.Finding, s *review.Service) {
		line = line[:0]
		for i, cell := range reportCells(r, f, s) {
			if i > 0 {
				line = append(line, ',')
			}
			line = annotate.AppendCSV(line, cell)
		}
		bw.Write(append(line, '\n'))
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		write(f, services[f.Service])
	}
	for i := range r.Services {
		if s := &r.Services[i]; len(s.Findings) == 0 {
			write(nil, s)
		}
	}
	return bw.Flush()
}

func reportCells(r *review.Report, f *review.Finding, s *review.Service) []string {
	cells := make([]string, 0, len(reportColumns))
	add := func(list ...string) { cells = append(cells, list...) }
	if f != nil {
		var facts []string
		for _, x := range f.Facts {
			facts = append(facts, x.Name+": "+x.Value)
		}
		line := ""
		if f.Line > 0 {
			line = fmt.Sprint(f.Line)
		}
		add(f.Level.String(), f.Kind.String(), f.ID, f.Subject, f.Name, f.Why, strings.Join(facts, " | "), f.File, line)
	} else {
		add("", "", "", s.ID, "", "", "", "", "")
	}
	if s == nil {
		for len(cells) < len(reportColumns)-2 {
			add("")
		}
		add(r.Registry.Edition, r.Caveat)
		return cells
	}
	packets, bytes := "", ""
	if s.Uncounted < s.Flows {
		packets, bytes = fmt.Sprint(s.Packets), fmt.Sprint(s.Bytes)
	}
	var most, by []string
	for _, c := range s.Clients.Most {
		most = append(most, c.Address)
	}
	verdict := ""
	if s.Rules != nil {
		verdict = s.Rules.Verdict
		for _, b := range s.Rules.By {
			by = append(by, b.Rule)
		}
	}
	var states []string
	for _, c := range s.States {
		states = append(states, fmt.Sprintf("%s %d", c.Name, c.Count))
	}
	add(s.Server, fmt.Sprint(s.Port), s.Transport, s.Registered.Status.String(), strings.Join(s.Registered.Names, "|"), s.Local,
		s.Observed, s.Role.Reason, s.Role.Confidence, s.Outcome, strings.Join(states, "|"),
		fmt.Sprint(s.Flows), packets, bytes, s.First.String(), s.Last.String(), clientCount(&s.Clients), strings.Join(most, "|"),
		s.Policy, strings.Join(s.Entries, "|"), verdict, strings.Join(by, "|"), r.Registry.Edition, r.Caveat)
	return cells
}
