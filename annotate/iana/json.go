package iana

import (
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendJSON appends an entry to dst as a JSON object with these members:
//
//	port               number
//	transport          "tcp", "udp", "sctp" or "dccp"
//	transport_unspecified  true if the record names no transport
//	status             "assigned", "reserved", "unassigned", "dynamic" or "unknown"
//	listed             whether a record applies to the port
//	name               the preferred name
//	names              all names, the preferred one first
//	description
//	range              "system", "user" or "dynamic"
//	span               ports of a record for several ports, "6000-6063"
//	registration_date  "2013-11-12" or "2013-11"
//	modification_date
//	references         ["RFC6335"]
//	service_code       DCCP service code
//	unauthorized_use   the registry's report of it
//	deassigned         {"date", "name"}: an assignment that was taken back
//	siblings           other transports on which the port is assigned
//	edition            date of the registry
//
// A member without a value is left out. The members port, status, listed and range
// are always there.
func AppendJSON(dst []byte, e Entry) []byte {
	dst = append(dst, `{"port":`...)
	dst = strconv.AppendUint(dst, uint64(e.Port), 10)
	dst = AppendJSONMember(dst, "transport", e.Transport.String())
	dst = appendFacts(append(dst, ','), e)
	if e.reg != nil {
		dst = AppendJSONMember(dst, "edition", e.reg.edition.Date)
	}
	return append(dst, '}')
}

// AppendRegistration appends the object of [AppendJSON] without the members port,
// transport and edition.
func AppendRegistration(dst []byte, e Entry) []byte {
	return append(appendFacts(append(dst, '{'), e), '}')
}

// appendFacts appends the members from status to siblings.
func appendFacts(dst []byte, e Entry) []byte {
	dst = append(dst, `"status":`...)
	dst = AppendJSONString(dst, e.Status.String())
	if e.TransportUnspecified {
		dst = append(dst, `,"transport_unspecified":true`...)
	}
	dst = append(dst, `,"listed":`...)
	dst = strconv.AppendBool(dst, e.Listed)
	if n := e.NumNames(); n > 0 {
		dst = AppendJSONMember(dst, "name", e.NameAt(0))
		dst = append(dst, `,"names":[`...)
		for i := range n {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendJSONString(dst, e.NameAt(i))
		}
		dst = append(dst, ']')
	}
	dst = AppendJSONMember(dst, "description", e.Description())
	dst = AppendJSONMember(dst, "range", e.Range().String())
	if span := e.Span(); span.First != span.Last {
		dst = AppendJSONMember(dst, "span", span.String())
	}
	dst = AppendJSONMember(dst, "registration_date", e.Registered())
	dst = AppendJSONMember(dst, "modification_date", e.Modified())
	dst = AppendJSONList(dst, "references", e.References())
	dst = AppendJSONMember(dst, "service_code", e.ServiceCode())
	dst = AppendJSONMember(dst, "unauthorized_use", e.Unauthorized())
	if d, ok := e.Deassigned(); ok {
		dst = append(dst, `,"deassigned":{`...)
		if d.Date != "" {
			dst = append(dst, `"date":`...)
			dst = AppendJSONString(dst, d.Date)
		}
		if d.FormerName != "" {
			if d.Date != "" {
				dst = append(dst, ',')
			}
			dst = append(dst, `"name":`...)
			dst = AppendJSONString(dst, d.FormerName)
		}
		dst = append(dst, '}')
	}
	if s := e.Siblings(); s != 0 {
		dst = append(dst, `,"siblings":[`...)
		first := true
		for t := range s.All() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = AppendJSONString(dst, t.String())
		}
		dst = append(dst, ']')
	}
	return dst
}

// AppendJSONMember appends a comma and a member of a JSON object whose value is
// a string, or nothing if value is empty. name must need no escape.
func AppendJSONMember(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':')
	return AppendJSONString(dst, value)
}

// AppendJSONList appends a comma and a member of a JSON object whose value is a
// list of strings, or nothing if there are none. name must need no escape.
func AppendJSONList(dst []byte, name string, values []string) []byte {
	if len(values) == 0 {
		return dst
	}
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, `":[`...)
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSONString(dst, v)
	}
	return append(dst, ']')
}

// AppendJSONString appends s as a JSON string (RFC 8259 section 7). Bytes that are
// not UTF-8 become U+FFFD. It escapes all characters that are no text, also where JSON
// does not ask for that: who looks at the JSON sees what the string is.
func AppendJSONString(dst []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	plain := 0 // start of what needs no escape
	for i := 0; i < len(s); {
		b := s[i]
		if b < utf8.RuneSelf {
			if b >= ' ' && b != '"' && b != '\\' && b != 0x7f {
				i++
				continue
			}
			dst = append(dst, s[plain:i]...)
			switch b {
			case '"', '\\':
				dst = append(dst, '\\', b)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
			}
			i++
			plain = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[plain:i]...)
			dst = append(dst, `\ufffd`...)
			i++
			plain = i
			continue
		}
		if hidden(r) {
			dst = appendEscape(append(dst, s[plain:i]...), r)
			plain = i + size
		}
		i += size
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"')
}

// AppendVisibleJSON appends JSON, and escapes in it what [AppendJSONString] does. It is
// for JSON of package encoding/json. Its value stays the same: such characters can only
// stand in strings.
func AppendVisibleJSON(dst, json []byte) []byte {
	plain := 0
	for i := 0; i < len(json); {
		if json[i] < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRune(json[i:])
		if hidden(r) {
			dst = appendEscape(append(dst, json[plain:i]...), r)
			plain = i + size
		}
		i += size
	}
	return append(dst, json[plain:]...)
}

// hidden reports a character that is no text: control characters (Cc), those that
// format (Cf: direction, zero width, tags), line and paragraph separators.
func hidden(r rune) bool {
	return r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// appendEscape appends \uXXXX, or two of these for a character beyond U+FFFF.
func appendEscape(dst []byte, r rune) []byte {
	const hexDigits = "0123456789abcdef"
	units := [2]rune{r}
	n := 1
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		units, n = [2]rune{high, low}, 2
	}
	for _, u := range units[:n] {
		dst = append(dst, '\\', 'u', hexDigits[u>>12&15], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
	}
	return dst
}
