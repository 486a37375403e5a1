package render

import "github.com/portannot/portannot/annotate/iana"

// appendRegistration appends an entry as the object under "registered", with
// the field names of `portannot lookup -o json`; port and transport stand
// elsewhere in a flow's record.
func appendRegistration(dst []byte, e iana.Entry) []byte {
	dst = append(append(dst, `{"status":"`...), e.Status.String()...)
	if e.Listed {
		dst = append(dst, `","listed":true`...)
	} else {
		dst = append(dst, `","listed":false`...)
	}
	if n := e.NumNames(); n > 0 {
		dst = appendQuoted(append(dst, `,"name":`...), e.Name())
		dst = append(dst, `,"names":[`...)
		for i := range n {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendQuoted(dst, e.NameAt(i))
		}
		dst = append(dst, ']')
	}
	dst = appendName(dst, "description", e.Description())
	dst = appendName(dst, "range", e.Range().String())
	if e.Listed {
		dst = appendName(dst, "span", e.Span().String())
	}
	dst = appendName(dst, "registration_date", e.Registered())
	dst = appendName(dst, "modification_date", e.Modified())
	return append(dst, '}')
}
