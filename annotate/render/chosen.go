package render

import (
	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/capture/flow"
)

// chosenFormat writes some of the fields.
type chosenFormat struct {
	*record.Chosen
	text *textFormat // for the last line of text; nil in other forms
}

// NewChosen returns a Format that writes chosen fields.
func NewChosen(c *record.Chosen, form record.Form, m Meta) Format {
	f := &chosenFormat{Chosen: c}
	if form == record.TextForm {
		f.text = newText(m)
	}
	return f
}

func (c *chosenFormat) Clone() Format { return &chosenFormat{c.Chosen.Clone(), c.text} }

func (c *chosenFormat) Measure(*flow.Flow) {}

func (c *chosenFormat) AppendFlow(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	return c.Chosen.AppendFlow(dst, f, a)
}

func (c *chosenFormat) AppendFooter(dst []byte) []byte {
	if c.text == nil {
		return dst
	}
	return c.text.AppendFooter(dst)
}
