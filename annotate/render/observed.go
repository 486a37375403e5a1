package render

import (
	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/annotate/record"
)

// appendObserved appends what a reader of text should see of the payload:
// nothing where there was none.
func (t *textFormat) appendObserved(dst []byte, o *annotate.Observed) []byte {
	if !o.Examined || o.Verdict == observe.NoPayload {
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
		dst = record.AppendForeign(append(dst, word...), o.ServerName, `\`)
	}
	if len(o.ALPN) > 0 {
		dst = record.AppendForeign(append(dst, " alpn "...), o.ALPN, `\`)
	}
	if u := o.Interface; u != (observe.UUID{}) {
		dst = append(dst, " interface "...)
		if name := observe.InterfaceName(u); name != "" {
			dst = append(dst, name...)
		} else {
			dst = u.AppendTo(dst)
		}
	}
	if o.Upgrade {
		dst = append(dst, " upgrade"...)
	}
	return dst
}

// contradicts is the verdict that must not be overlooked.
const contradicts = "CONTRADICTS"
