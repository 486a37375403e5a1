package render

import (
	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/observe"
)

// appendOctets appends a name from the payload, which is whatever its sender
// chose: what is no printable ASCII, quotes and backslashes become \xNN, so that
// a terminal obeys nothing in it and the same name reads the same in all formats.
// So does a first octet that makes a formula of a spreadsheet's cell; no host name
// begins with one. escape is how the format spells a backslash.
func appendOctets(dst, name []byte, escape string) []byte {
	const hexDigits = "0123456789abcdef"
	for i, c := range name {
		formula := i == 0 && (c == '=' || c == '+' || c == '-' || c == '@')
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' && !formula {
			dst = append(dst, c)
			continue
		}
		dst = append(append(dst, escape...), 'x', hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// appendObservedJSON appends the member "observed".
func appendObservedJSON(dst []byte, o *annotate.Observed) []byte {
	dst = append(dst, `,"observed":{`...)
	if o.Protocol != observe.Unknown {
		dst = append(append(dst, `"protocol":"`...), o.Protocol.String()...)
		dst = append(append(dst, `","strength":"`...), o.Strength.String()...)
		dst = append(dst, `","reason":`...)
		dst = append(iana.AppendJSONString(dst, o.Reason), ',')
		if len(o.ServerName) > 0 {
			dst = append(appendOctets(append(dst, `"server_name":"`...), o.ServerName, `\\`), `",`...)
		}
		if len(o.ALPN) > 0 {
			dst = append(appendOctets(append(dst, `"alpn":"`...), o.ALPN, `\\`), `",`...)
		}
		if o.Upgrade {
			dst = append(dst, `"upgrade":true,`...)
		}
	}
	dst = append(append(append(dst, `"verdict":"`...), o.Verdict.String()...), '"')
	if o.Verdict != observe.NoPayload {
		dst = iana.AppendJSONString(append(dst, `,"verdict_reason":`...), o.Why)
	}
	return append(dst, '}')
}

// observedCells is how many columns appendObservedCells writes.
const observedCells = ",,,,,,,,"

// appendObservedCells writes the columns of portannot.observed, a comma before
// each.
func appendObservedCells(dst []byte, o *annotate.Observed) []byte {
	if !o.Looked {
		return append(dst, observedCells...)
	}
	if o.Protocol == observe.Unknown {
		dst = append(dst, ",,,,,,"...)
	} else {
		dst = append(append(dst, ','), o.Protocol.String()...)
		dst = append(append(dst, ','), o.Strength.String()...)
		dst = annotate.AppendCSV(append(dst, ','), o.Reason)
		// Always in quotes, for a name may have a comma, and never has a quote.
		for _, name := range [2][]byte{o.ServerName, o.ALPN} {
			if dst = append(dst, ','); len(name) > 0 {
				dst = append(appendOctets(append(dst, '"'), name, `\`), '"')
			}
		}
		if dst = append(dst, ','); o.Upgrade {
			dst = append(dst, "true"...)
		}
	}
	dst = append(append(dst, ','), o.Verdict.String()...)
	if dst = append(dst, ','); o.Verdict != observe.NoPayload {
		dst = annotate.AppendCSV(dst, o.Why)
	}
	return dst
}

// appendObserved appends what a reader of text should see of the payload:
// nothing where there was none.
func (t *textFormat) appendObserved(dst []byte, o *annotate.Observed) []byte {
	if !o.Looked || o.Verdict == observe.NoPayload {
		return dst
	}
	dst = append(dst, " observed "...)
	if o.Protocol == observe.Unknown {
		dst = append(dst, '?')
	} else {
		dst = append(dst, o.Protocol.String()...)
	}
	dst = append(dst, " ("...)
	switch {
	case o.Verdict != observe.Contradicts:
		dst = append(dst, o.Verdict.String()...)
	case t.meta.Color:
		dst = append(dst, ascii.Bold+ascii.Red+contradicts+ascii.Plain...)
	default:
		dst = append(dst, contradicts...)
	}
	dst = append(dst, ')')
	if len(o.ServerName) > 0 {
		word := " name "
		switch o.Protocol {
		case observe.TLS, observe.DTLS, observe.QUIC:
			word = " sni "
		case observe.HTTP, observe.HTTP2:
			word = " host "
		case observe.SSH, observe.MySQL:
			word = " software "
		}
		dst = appendOctets(append(dst, word...), o.ServerName, `\`)
	}
	if len(o.ALPN) > 0 {
		dst = appendOctets(append(dst, " alpn "...), o.ALPN, `\`)
	}
	if o.Upgrade {
		dst = append(dst, " upgrade"...)
	}
	return dst
}

// contradicts is the verdict that must not be overlooked.
const contradicts = "CONTRADICTS"
