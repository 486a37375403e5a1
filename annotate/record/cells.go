package record

import (
	"encoding/json"
	"net/netip"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
)

// cellWriter writes one value in a form. any is set once there is one.
type cellWriter struct {
	dst   []byte
	any   bool
	form  Form
	clock ascii.Clock
}

// text writes a string, nothing for "".
func (w *cellWriter) text(s string) {
	if s == "" {
		return
	}
	w.any = true
	switch w.form {
	case JSONForm:
		w.dst = iana.AppendJSONString(w.dst, s)
	case CSVForm:
		w.dst = annotate.AppendCSV(w.dst, s)
	default:
		w.dst = annotate.AppendVisible(w.dst, s)
	}
}

// always writes a string, "" too.
func (w *cellWriter) always(s string) {
	if w.text(s); s == "" {
		w.quoted(func(dst []byte) []byte { return dst })
	}
}

// foreign writes a name from the payload, nothing if it is empty.
func (w *cellWriter) foreign(name []byte) {
	if len(name) == 0 {
		return
	}
	w.any = true
	switch w.form {
	case JSONForm:
		w.dst = append(AppendForeign(append(w.dst, '"'), name, `\\`), '"')
	case CSVForm:
		w.dst = append(AppendForeign(append(w.dst, '"'), name, `\`), '"')
	default:
		w.dst = AppendForeign(w.dst, name, `\`)
	}
}

// quoted writes what needs no escape, as text.
func (w *cellWriter) quoted(add func(dst []byte) []byte) {
	w.any = true
	if w.form != JSONForm {
		w.dst = add(w.dst)
		return
	}
	w.dst = append(add(append(w.dst, '"')), '"')
}

func (w *cellWriter) number(n uint64) {
	w.any = true
	w.dst = ascii.AppendUint(w.dst, n)
}

// digits writes a number that is text in the record.
func (w *cellWriter) digits(n uint64) {
	w.quoted(func(dst []byte) []byte { return ascii.AppendUint(dst, n) })
}

func (w *cellWriter) addr(a netip.Addr) {
	if a.IsValid() {
		w.quoted(func(dst []byte) []byte { return ascii.AppendAddr(dst, a) })
	}
}

// time writes a time in nanoseconds since the Unix epoch.
func (w *cellWriter) time(ns int64) {
	w.quoted(func(dst []byte) []byte { return append(w.clock.Append(dst, ns), 'Z') })
}

func (w *cellWriter) bool(b bool) {
	w.any = true
	if b {
		w.dst = append(w.dst, "true"...)
	} else {
		w.dst = append(w.dst, "false"...)
	}
}

// list writes n elements, nothing if there are none.
func (w *cellWriter) list(n int, element func(i int)) {
	if n == 0 {
		return
	}
	sep := byte('|')
	if w.form == JSONForm {
		w.dst, sep = append(w.dst, '['), ','
	}
	for i := range n {
		if i > 0 {
			w.dst = append(w.dst, sep)
		}
		at := len(w.dst)
		if element(i); len(w.dst) == at && w.form == JSONForm {
			w.dst = append(w.dst, `""`...)
		}
	}
	if w.form == JSONForm {
		w.dst = append(w.dst, ']')
	}
	w.any = true
}

// anything writes a value as package json reads it.
func (w *cellWriter) anything(v any) {
	switch v := v.(type) {
	case string:
		w.always(v)
	case json.Number:
		w.any = true
		w.dst = append(w.dst, v...)
	case bool:
		w.bool(v)
	case map[string]any:
		if w.form == JSONForm {
			object, _ := json.Marshal(v) // which was JSON
			w.any, w.dst = true, append(w.dst, object...)
		} else {
			w.anything(v["software"])
		}
	case []any:
		w.list(len(v), func(i int) { w.anything(v[i]) })
	}
}
