package report

import (
	"fmt"
	"time"

	"github.com/portannot/portannot/annotate/review"
)

// Meta has the options of Write, and what a report says of its own making: text,
// HTML and Markdown have it, the forms for programs do not. What is zero is not said.
type Meta struct {
	Color   bool   // with escape sequences for colours; for text only
	Width   int    // columns of the terminal that text is for; 0 for none
	Title   string // instead of "Port review"
	Author  string
	Program string // that made the report, with its version
	Command string // line that made the report
	Made    time.Time
}

func (m *Meta) title() string {
	if m.Title == "" {
		return "Port review"
	}
	return m.Title
}

// maxInputs bounds the inputs that a report names for people.
const maxInputs = 200

// provenance says who made the report, when, how and from what.
func provenance(r *review.Report, m *Meta) (list []fact) {
	say := func(name, value string) {
		if value != "" {
			list = append(list, fact{name, value})
		}
	}
	say("author", m.Author)
	if !m.Made.IsZero() {
		say("made", m.Made.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	say("program", m.Program)
	say("command", m.Command)
	if m.Program != "" {
		say("registry", r.Registry.Words()+", "+r.Registry.Source)
	}
	for i := range r.Inputs[:min(len(r.Inputs), maxInputs)] {
		in := r.Inputs[i]
		if in.Window == nil && len(r.Inputs) == 1 {
			in.Window = &r.Window
		}
		say(inputWords(&in))
	}
	if n := len(r.Inputs); n > maxInputs {
		say("inputs", fmt.Sprintf("%s of %s are named here; -o json has all", thousands(maxInputs), counted(n, "input")))
	}
	return list
}

// inputWords names an input by its kind, and says of which time it is.
func inputWords(in *review.Input) (kind, text string) {
	kind, text = in.Kind, in.Name
	if in.Format != "" {
		kind += " (" + in.Format + ")"
	}
	if in.Window != nil && in.Window.First != 0 {
		text += fmt.Sprintf(", %s (%s)", in.Window.Text(), review.Length(in.Window.Duration()))
	}
	return kind, text
}
