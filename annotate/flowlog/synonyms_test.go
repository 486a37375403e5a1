package flowlog

import (
	"net/netip"
	"testing"

	"github.com/portannot/portannot/annotate"
)

// What no row names is understood by the usual names of its keys, and not where
// they contradict.
func TestSynonyms(t *testing.T) {
	want := annotate.Input{Protocol: 6, Source: netip.MustParseAddrPort("192.0.2.10:50123"), Destination: netip.MustParseAddrPort("198.51.100.20:443")}
	for _, line := range []string{
		`src=192.0.2.10 spt=50123 dst=198.51.100.20 dpt=443 proto=tcp`,
		`<134>Sep 14 09:00:00 fw1 id=firewall sn=0017C5 fw=203.0.113.1 src=192.0.2.10:50123:X0 dst=198.51.100.20:443:X1 proto=tcp/https rcvd=60 protocol=6`,
		`<134>1 2026-09-14T09:00:00Z fw CheckPoint 1 - [action:"Accept"] origin="203.0.113.1" src="192.0.2.10" s_port="50123" dst="198.51.100.20" service="443" dport="443" proto="6"`,
		`time="2026-09-14" src_ip=192.0.2.10 src_port=50123 dst_ip=198.51.100.20 dst_port=443 protocol="TCP" log_type="Firewall"`,
		`CEF:0|Vendor|Product|1|100|a name|5|src=192.0.2.10 msg=it was a=b dst=198.51.100.20 spt=50123 dpt=443 proto=TCP`,
		"LEEF:2.0|Vendor|Product|1|100|^|src=192.0.2.10^dst=198.51.100.20^srcPort=50123^dstPort=443^proto=TCP",
		"LEEF:1.0|Vendor|Product|1|100|src=192.0.2.10\tdst=198.51.100.20\tsrcPort=50123\tdstPort=443\tproto=TCP",
		`{"sourceIp":"192.0.2.10","sourcePort":"50123","destinationIp":"198.51.100.20","destinationPort":"443","protocol":"TCP"}`,
		`{"class_uid":4001,"src_endpoint":{"ip":"192.0.2.10","port":50123},"dst_endpoint":{"ip":"198.51.100.20","port":443},"connection_info":{"protocol_num":6,"protocol_name":"tcp"}}`,
		`{"a":{"source":{"ip":"192.0.2.10","port":50123},"destination":{"ip":"198.51.100.20","port":443}},"transport":"tcp","protocol":"tls"}`,
		`{"src":"192.0.2.10","x":[{"sport":1}],"sport":50123.0,"dst":"198.51.100.20","dport":443,"proto":6}`,
		"when,Source Address,Source Port,Destination Address,Destination Port,Protocol\nx,192.0.2.10,50123,198.51.100.20,443,tcp",
	} {
		list := readAll(t, line+"\n", Options{})
		r := list[len(list)-1]
		f := r.Flow
		f.Start, f.Outcome = 0, 0
		if r.Kind != Flow || f != want {
			t.Errorf("%s:\nkind %d, %v, %+v", line, r.Kind, r.Problem(), r.Flow)
		}
		checkProperties(t, []byte(line+"\n"), Options{})
	}
	for _, line := range []string{
		`src=192.0.2.10 spt=50123 dst=198.51.100.20 dpt=443 sport=7 proto=tcp`,
		`{"src_ip":"192.0.2.10","src_port":50123,"dst_ip":"198.51.100.20","dst_port":443,"dport":444,"proto":"tcp"}`,
		`{"src_ip":"192.0.2.10","src_port":50123,"dst_ip":"198.51.100.20","dst_port":443,"proto":"tcp","protocol":17}`,
		`{"my_first_port":50123,"my_second_port":443}`,
	} {
		if r := readAll(t, line+"\n", Options{})[0]; r.Kind != Bad {
			t.Errorf("%s: kind %d, %+v", line, r.Kind, r.Flow)
		}
	}
	if r := readAll(t, `{"source_port":50123,"client":"x"}`, Options{})[0]; r.Kind != Other {
		t.Errorf("one port: kind %d", r.Kind)
	}
}
