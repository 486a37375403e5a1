package record

import (
	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
)

// AppendForeign appends a name that was found in the payload of a flow. Its sender
// may have put anything there, so bytes other than printable ASCII, quotes and
// backslashes are written as \xNN: a terminal then does not interpret them. The
// same is done with a first byte of "=", "+", "-" or "@", which would make a
// formula of the cell in a spreadsheet. escape is how the output format writes a
// backslash.
func AppendForeign(dst, name []byte, escape string) []byte {
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
			dst = append(AppendForeign(append(dst, `"server_name":"`...), o.ServerName, `\\`), `",`...)
		}
		if len(o.ALPN) > 0 {
			dst = append(AppendForeign(append(dst, `"alpn":"`...), o.ALPN, `\\`), `",`...)
		}
		if u := o.Interface; u != (observe.UUID{}) {
			dst = append(u.AppendTo(append(dst, `"interface":"`...)), `",`...)
			if name := observe.InterfaceName(u); name != "" {
				dst = append(append(append(dst, `"interface_name":"`...), name...), `",`...)
			}
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
const observedCells = ",,,,,,,,,,"

// appendObservedCells writes the columns of portannot.observed, a comma before
// each.
func appendObservedCells(dst []byte, o *annotate.Observed) []byte {
	if !o.Examined {
		return append(dst, observedCells...)
	}
	if o.Protocol == observe.Unknown {
		dst = append(dst, ",,,,,,,,"...)
	} else {
		dst = append(append(dst, ','), o.Protocol.String()...)
		dst = append(append(dst, ','), o.Strength.String()...)
		dst = annotate.AppendCSV(append(dst, ','), o.Reason)
		// Always in quotes, for a name may have a comma, and never has a quote.
		for _, name := range [2][]byte{o.ServerName, o.ALPN} {
			if dst = append(dst, ','); len(name) > 0 {
				dst = append(AppendForeign(append(dst, '"'), name, `\`), '"')
			}
		}
		if dst = append(dst, ','); o.Interface != (observe.UUID{}) {
			dst = append(append(o.Interface.AppendTo(dst), ','), observe.InterfaceName(o.Interface)...)
		} else {
			dst = append(dst, ',')
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
