package flowlog

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
)

// What all logs share, for output that is not in the log's own form: JSON Lines
// with the names of the Elastic Common Schema, and the same as CSV.

// appendFlowJSON appends the flow and its annotation as one line.
func (n *notes) appendFlowJSON(dst []byte, r *Record) []byte {
	f := &r.Flow
	dst = append(dst, '{')
	if f.Start != 0 {
		dst = appendTime(append(dst, `"@timestamp":"`...), f.Start)
		dst = append(dst, `",`...)
	}
	if f.Protocol != 0 {
		dst = append(dst, `"network":{`...)
		if name := iana.TransportName(f.Protocol); name != "" {
			dst = append(append(append(dst, `"transport":"`...), name...), `",`...)
		}
		dst = strconv.AppendUint(append(dst, `"iana_number":"`...), uint64(f.Protocol), 10)
		dst = append(dst, `"},`...)
	}
	dst = appendEndpoint(append(dst, `"source":`...), f.Source, f.NoSourcePort)
	dst = appendEndpoint(append(dst, `,"destination":`...), f.Destination, f.NoDestinationPort)
	dst = n.object(append(dst, `,"portannot":`...))
	return append(dst, "}}\n"...)
}

func appendEndpoint(dst []byte, ap netip.AddrPort, noPort bool) []byte {
	dst = append(dst, '{')
	if ap.Addr().IsValid() {
		dst = ap.Addr().AppendTo(append(dst, `"ip":"`...))
		dst = append(dst, '"')
		if !noPort {
			dst = append(dst, ',')
		}
	}
	if !noPort {
		dst = strconv.AppendUint(append(dst, `"port":`...), uint64(ap.Port()), 10)
	}
	return append(dst, '}')
}

// flowColumns are the columns of CSV output before those of the annotation.
const flowColumns = "@timestamp,network.transport,network.iana_number,source.ip,source.port,destination.ip,destination.port"

// csvDialect is that of RFC 4180.
var csvDialect = newDialect(dialect{sep: ",", set: "|", yes: "true", cell: annotate.AppendCSV[string]})

func appendFlowHeader(dst []byte) []byte {
	dst = append(dst, flowColumns...)
	for _, name := range columnNames {
		dst = append(append(dst, ','), name...)
	}
	return append(dst, '\n')
}

// appendFlowCSV appends the flow and its annotation as one line.
func (n *notes) appendFlowCSV(dst []byte, r *Record) []byte {
	f := &r.Flow
	if f.Start != 0 {
		dst = appendTime(dst, f.Start)
	}
	dst = append(append(dst, ','), iana.TransportName(f.Protocol)...)
	dst = append(dst, ',')
	if f.Protocol != 0 {
		dst = strconv.AppendUint(dst, uint64(f.Protocol), 10)
	}
	for _, end := range [2]struct {
		ap     netip.AddrPort
		noPort bool
	}{{f.Source, f.NoSourcePort}, {f.Destination, f.NoDestinationPort}} {
		dst = append(dst, ',')
		if end.ap.Addr().IsValid() {
			dst = end.ap.Addr().AppendTo(dst)
		}
		dst = append(dst, ',')
		if !end.noPort {
			dst = strconv.AppendUint(dst, uint64(end.ap.Port()), 10)
		}
	}
	return append(n.columns(dst, csvDialect), '\n')
}

// appendTime appends a time, nanoseconds since the Unix epoch, as RFC 3339 in
// UTC with nine decimals.
func appendTime(dst []byte, ns int64) []byte {
	return time.Unix(0, ns).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000000Z")
}
