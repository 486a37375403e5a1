package metrics

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Writer takes the values of a source. Labels are pairs of a name and a value.
//
// It writes Prometheus's text format, version 0.0.4, by itself: the official library
// speaks protocol buffers too, and with them made the program 2.1 MB larger. The tests
// compare with that library.
type Writer struct{ families map[string]*family }

// family is all values of a name, which stand together.
type family struct {
	kind, help string
	rows       []row
}

// row is a value with its labels, sorted by their names.
type row struct {
	suffix string // of the name, "_bucket"
	labels []label
	value  float64
}

type label struct{ name, value string }

// Counter gives something that only grows. Names of counters end in "_total".
func (w *Writer) Counter(name, help string, value uint64, labels ...string) {
	w.value("counter", name, help, float64(value), labels)
}

// Gauge gives something that goes up and down.
func (w *Writer) Gauge(name, help string, value float64, labels ...string) {
	w.value("gauge", name, help, value, labels)
}

// Histogram gives how often values up to each bound were seen, in all that many,
// and their sum.
func (w *Writer) Histogram(name, help string, upTo map[float64]uint64, count uint64, sum float64) {
	f := w.family("histogram", name, help)
	for _, bound := range slices.Sorted(maps.Keys(upTo)) {
		f.rows = append(f.rows, row{"_bucket", []label{{"le", number(bound)}}, float64(upTo[bound])})
	}
	f.rows = append(f.rows, row{"_bucket", []label{{"le", "+Inf"}}, float64(count)}, row{"_sum", nil, sum}, row{"_count", nil, float64(count)})
}

// summary gives how long the quantiles are, of count values that are sum together.
func (w *Writer) summary(name, help string, quantiles []float64, count uint64, sum float64) {
	f := w.family("summary", name, help)
	for i, v := range quantiles {
		f.rows = append(f.rows, row{"", []label{{"quantile", number(float64(i) / float64(len(quantiles)-1))}}, v})
	}
	f.rows = append(f.rows, row{"_sum", nil, sum}, row{"_count", nil, float64(count)})
}

func (w *Writer) value(kind, name, help string, value float64, labels []string) {
	r := row{value: value}
	for i := 0; i+1 < len(labels); i += 2 {
		r.labels = append(r.labels, label{labels[i], strings.ToValidUTF8(labels[i+1], "\uFFFD")})
	}
	slices.SortFunc(r.labels, func(a, b label) int { return cmp.Compare(a.name, b.name) })
	f := w.family(kind, name, help)
	f.rows = append(f.rows, r)
}

func (w *Writer) family(kind, name, help string) *family {
	f := w.families[name]
	if f == nil {
		f = &family{kind: kind, help: help}
		w.families[name] = f
	}
	return f
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// text gives all values, sorted by name and labels. What has the same name and labels
// is told once, since nobody would take the answer otherwise.
func (w *Writer) text() []byte {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(w.families)) {
		f := w.families[name]
		b = fmt.Appendf(b, "# HELP %s %s\n# TYPE %s %s\n", name, helpEscapes.Replace(f.help), name, f.kind)
		if f.kind == "counter" || f.kind == "gauge" {
			compare := func(x, y row) int {
				return slices.CompareFunc(x.labels, y.labels, func(a, b label) int {
					return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.name, b.name))
				})
			}
			slices.SortStableFunc(f.rows, compare)
			f.rows = slices.CompactFunc(f.rows, func(x, y row) bool { return compare(x, y) == 0 })
		}
		for _, r := range f.rows {
			b = append(append(b, name...), r.suffix...)
			if len(r.labels) > 0 {
				pairs := make([]string, len(r.labels))
				for i, l := range r.labels {
					pairs[i] = fmt.Sprintf(`%s="%s"`, l.name, labelEscapes.Replace(l.value))
				}
				b = fmt.Appendf(b, "{%s}", strings.Join(pairs, ","))
			}
			b = append(append(append(b, ' '), number(r.value)...), '\n')
		}
	}
	return b
}

// number writes a value, also "+Inf", "-Inf" and "NaN".
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
