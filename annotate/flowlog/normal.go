package flowlog

import (
	"net/netip"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/record"
)

// What all logs share, for output that is not in the log's own form: JSON Lines
// with the names of the Elastic Common Schema, and the same as CSV.

// appendFlowJSON appends the flow and its annotation as one line.
func (n *notes) appendFlowJSON(dst []byte, r *Record) []byte {
	return n.json.AppendLogRecord(dst, &r.Flow, &r.Details, &n.annotation)
}

// csvDialect is that of RFC 4180.
var csvDialect = newDialect(dialect{sep: ",", set: "|", yes: "true", cell: annotate.AppendCSV[string]})

func appendFlowHeader(dst []byte) []byte {
	return append(append(dst, strings.Join(record.Columns(record.LogCSV), ",")...), '\n')
}

// appendFlowCSV appends the flow and its annotation as one line.
func (n *notes) appendFlowCSV(dst []byte, r *Record) []byte {
	f := &r.Flow
	if f.Start != 0 {
		dst = append(n.clock.Append(dst, f.Start), 'Z')
	}
	dst = append(append(dst, ','), iana.TransportName(f.Protocol)...)
	dst = append(dst, ',')
	if f.Protocol != 0 {
		dst = ascii.AppendUint(dst, uint64(f.Protocol))
	}
	for _, end := range [2]struct {
		ap     netip.AddrPort
		noPort bool
	}{{f.Source, f.NoSourcePort}, {f.Destination, f.NoDestinationPort}} {
		dst = append(dst, ',')
		if end.ap.Addr().IsValid() {
			dst = ascii.AppendAddr(dst, end.ap.Addr())
		}
		dst = append(dst, ',')
		if !end.noPort {
			dst = ascii.AppendUint(dst, uint64(end.ap.Port()))
		}
	}
	dst = append(append(dst, ','), f.Outcome.String()...)
	return append(n.columns(dst, csvDialect), '\n')
}
