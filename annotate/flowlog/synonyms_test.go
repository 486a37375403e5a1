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
		`Sep 14 2026 09:00:00 fw1 %%01POLICY/6/POLICYDENY(l):vsys=public, protocol=6, source-ip=192.0.2.10, source-port=50123, destination-ip=198.51.100.20, destination-port=443, time=Sep 14 2026 17:00:00, application-name=, rule-name=x.`,
		`Sep 14 2026 09:00:00 fw1 %%01POLICY/6/POLICYPERMIT(l):CID=0x814f041e; vsys=public, protocol=6, source-ip=192.0.2.10, source-port=50123, destination-ip=198.51.100.20, destination-port=443, time=2026/9/14 17:00:01.`,
		`2026-09-14T09:00:00.000Z 192.0.2.1 F1070-B %%10FILTER/6/FILTER_ZONE_IPV4_EXECUTION: SrcZoneName(1025)=Trust;Protocol(1001)=TCP;SrcIPAddr(1003)=192.0.2.10;SrcPort(1004)=50123;DstIPAddr(1007)=198.51.100.20;DstPort(1008)=443;Event(1048)=Permit;`,
		`<190>Sep 14 09:00:01 2026 fw-01 %%10FILTER/6/FILTER_ZONE_IPV4_EXECUTION: -Chassis=1-Slot=3.1; Protocol(1001)=TCP;SrcIPAddr(1003)=192.0.2.10;SrcPort(1004)=50123;SrcMacAddr(1021)=8ce5-ef7a-4902;DstIPAddr(1007)=198.51.100.20;DstPort(1008)=443;Event(1048)=Deny;`,
		`<84> Sep 14 09:00:00 FIREWALL rule : Protocol: TCP Src ip: 192.0.2.10 Src port: 50123 Dst ip: 198.51.100.20 Dst port: 443 Chain: forward_host_services`,
		`Sep 14 09:00:01 pc1 sysmon: Network connection detected: RuleName: - ProcessId: 1 Protocol: tcp Initiated: true SourceIp: 192.0.2.10 SourcePort: 50123 SourcePortName: - DestinationIp: 198.51.100.20 DestinationHostname: - DestinationPort: 443 DestinationPortName: https`,
		`Sep 14 09:00:03 lb1 warning tmm[23068]: 01260013:4: SSL Handshake failed for TCP 192.0.2.10:50123 -> 198.51.100.20:443`,
		`Sep 14 09:00:03 ids1 sensor: alert (192.0.2.10:50123->198.51.100.20:443) {TCP}, tcp`,
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
		`Sep 14 09:00:02 fw1 x: Source Port: 50123, Destination Port: 443, Source Port: 50124, SourceIp: 192.0.2.10 DestinationIp: 198.51.100.20`,
		`Sep 14 09:00:02 fw1 x: Source Port: 50123, Destination Port: 443, Source Address: 192.0.2.10`,
		`Sep 14 09:00:04 lb1 x: TCP 192.0.2.10:50123 -> 198.51.100.20:443 by way of 192.0.2.1:1024`,
		`Sep 14 09:00:04 lb1 x: TCP 192.0.2.10:50123 -> 198.51.100.20:443, UDP`,
		`Sep 14 09:00:05 fw1 x: SNAT TCP 192.0.2.10:50123 -> 203.0.113.1:1024`,
		`Sep 14 09:00:05 fw1 x: TCP 192.0.2.10:50123 -> 203.0.113.1:1024 -> 198.51.100.20:443`,
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
