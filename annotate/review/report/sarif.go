package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/render"
	"github.com/portannot/portannot/annotate/review"
)

// The parts of SARIF 2.1.0 (OASIS, 2020) that a report uses.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
		ColumnKind  string            `json:"columnKind"`
		Properties  map[string]any    `json:"properties"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string       `json:"id"`
		Name                 string       `json:"name"`
		ShortDescription     sarifMessage `json:"shortDescription"`
		FullDescription      sarifMessage `json:"fullDescription"`
		DefaultConfiguration sarifConfig  `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifMessage struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifInvocation struct {
		ExecutionSuccessful        bool                `json:"executionSuccessful"`
		ToolExecutionNotifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string       `json:"level"`
		Message sarifMessage `json:"message"`
	}
	sarifResult struct {
		RuleID              string            `json:"ruleId"`
		RuleIndex           int               `json:"ruleIndex"`
		Level               string            `json:"level"`
		Message             sarifMessage      `json:"message"`
		Locations           []sarifLocation   `json:"locations"`
		PartialFingerprints map[string]string `json:"partialFingerprints"`
		Properties          map[string]any    `json:"properties"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Kind               string `json:"kind"`
	}
)

// sarifSchema is where the schema is published.
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// writeReportSARIF writes the findings for the programs that collect those of
// code checkers. A finding's place is the rule or the entry of the policy that
// it is about, else the first input; its service is a logical location.
func writeReportSARIF(w io.Writer, r *review.Report, _ Meta) error {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "portannot", InformationURI: "https://github.com/portannot/portannot"}},
		Invocations: []sarifInvocation{{ExecutionSuccessful: true}},
		Results:     []sarifResult{},
		ColumnKind:  "unicodeCodePoints",
		Properties: map[string]any{
			"caveat": r.Caveat, "warning": r.Warning, "registryEdition": r.Registry.Edition, "window": r.Window,
			"flows": r.Traffic.Flows, "services": r.Summary.Services,
		},
	}
	if len(r.Rules) > 0 {
		run.Properties["rules"] = r.Rules
	}
	if r.Registry.AsOf != "" {
		run.Properties["registryAsOf"] = r.Registry.AsOf
	}
	inv := &run.Invocations[0]
	for _, text := range append([]string{r.Warning}, r.Remarks...) {
		inv.ToolExecutionNotifications = append(inv.ToolExecutionNotifications, sarifNotification{"note", sarifMessage{Text: text}})
	}
	for _, k := range review.Kinds() {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			ID: k.Name, Name: pascal(k.Name),
			ShortDescription: sarifMessage{Text: k.Title + "."}, FullDescription: sarifMessage{Text: k.About},
			DefaultConfiguration: sarifConfig{k.Level.String()},
		})
	}
	// The results are rendered apart, for there may be very many, and stand
	// where the document has an empty list.
	enc := func(w io.Writer, v any, prefix string) error {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent(prefix, "  ")
		if err := e.Encode(v); err != nil {
			return err
		}
		_, err := w.Write(iana.AppendVisibleJSON(nil, b.Bytes()))
		return err
	}
	var frame bytes.Buffer
	if err := enc(&frame, sarifLog{sarifSchema, "2.1.0", []sarifRun{run}}, ""); err != nil {
		return err
	}
	const empty, indent = "\n      \"results\": [", "        "
	at := bytes.LastIndex(frame.Bytes(), []byte(empty)) + len(empty)
	bw := bufio.NewWriterSize(w, 64<<10)
	bw.Write(frame.Bytes()[:at])
	err := render.InLanes(bw, r.NumFindings(), func() render.AppendElement {
		var f review.Finding
		var buf bytes.Buffer
		return func(dst []byte, i int) []byte {
			r.FillFinding(i, &f)
			if i > 0 {
				dst = append(dst, ',')
			}
			buf.Reset()
			_ = enc(&buf, sarifResultOf(r, &f), indent) // it has nothing that cannot be encoded
			return append(append(dst, "\n"+indent...), bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
		}
	})
	if err != nil {
		return err
	}
	if r.NumFindings() > 0 {
		bw.WriteString("\n      ")
	}
	bw.Write(frame.Bytes()[at:])
	return bw.Flush()
}

func sarifResultOf(r *review.Report, f *review.Finding) sarifResult {
	facts := map[string]any{}
	text, md := f.Subject+": "+f.Why, code(f.Subject)+": "+markdown(f.Why)+"\n"
	for _, x := range f.Facts {
		text += fmt.Sprintf(" %s: %s.", upperFirst(x.Name), strings.TrimSuffix(x.Value, "."))
		md += fmt.Sprintf("\n- %s: %s", markdown(x.Name), markdown(x.Value))
		facts[x.Name] = x.Value
	}
	loc := sarifLocation{Logical: []sarifLogical{{f.Subject, "resource"}}}
	switch {
	case f.File != "":
		loc.Physical = &sarifPhysical{Artifact: sarifArtifact{fileURI(f.File)}}
		if f.Line > 0 {
			loc.Physical.Region = &sarifRegion{f.Line}
		}
	case len(r.Inputs) > 0:
		loc.Physical = &sarifPhysical{Artifact: sarifArtifact{fileURI(r.Inputs[0].Name)}}
	}
	return sarifResult{
		RuleID: f.Kind.String(), RuleIndex: int(f.Kind), Level: f.Level.String(),
		Message: sarifMessage{Text: text, Markdown: md}, Locations: []sarifLocation{loc},
		PartialFingerprints: map[string]string{"portannotFinding/v1": f.ID},
		Properties:          map[string]any{"facts": facts},
	}
}

// fileURI writes a path as a URI reference (RFC 3986): a relative one stays
// relative.
func fileURI(path string) string {
	u := url.URL{Path: filepath.ToSlash(path)}
	if filepath.IsAbs(path) {
		u.Scheme = "file"
	}
	return u.String()
}

// pascal writes "not-in-policy" as "NotInPolicy", which SARIF wants of names.
func pascal(s string) string {
	var b strings.Builder
	for _, word := range strings.Split(s, "-") {
		b.WriteString(upperFirst(word))
	}
	return b.String()
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
