package flowlog

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrCapture is wrapped by the error for a capture of packets in the place of a log.
var ErrCapture = errors.New(aCapture)

// otherKinds are kinds of file that are no logs of lines, by how they begin,
// with what reads them.
var otherKinds = []struct{ begin, is string }{
	{"\xd4\xc3\xb2\xa1", aCapture}, {"\xa1\xb2\xc3\xd4", aCapture}, {"\x4d\x3c\xb2\xa1", aCapture}, {"\xa1\xb2\x3c\x4d", aCapture}, // pcap
	{"\x0a\x0d\x0d\x0a", aCapture}, // pcapng
	{"snoop\x00\x00\x00", aCapture},
	{"\x0c\xa5\x01\x00", anNfcapd}, {"\x0c\xa5\x02\x00", anNfcapd},
	{"PAR1", "a Parquet file: portannot-parquet FILE | portannot enrich"},
	{"LPKSHHRH", "a file of the systemd journal: enrich what journalctl -o json prints"},
	{"ElfFile\x00", "a Windows event log: enrich what is exported of it as text or JSON"},
	{"SQLite format 3\x00", "an SQLite database: enrich what is exported of it as CSV"},
	{"PK\x03\x04", "a zip archive: unzip -p prints what is in it"},
}

const (
	aCapture = "a capture: portannot -r annotates its flows, portannot enrich --from-capture the NetFlow, IPFIX and sFlow in it"
	anNfcapd = "a file of nfcapd: enrich what nfdump -o json prints of it"
)

// otherKind gives an error for a file that is no log but of a known kind.
func otherKind(begin []byte, name string) error {
	for _, k := range otherKinds {
		if bytes.HasPrefix(begin, []byte(k.begin)) {
			if k.is == aCapture {
				return fmt.Errorf("%s is %w", name, ErrCapture)
			}
			return fmt.Errorf("%s is %s", name, k.is)
		}
	}
	return nil
}
