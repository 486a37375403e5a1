package flowlog

import (
	"encoding/json"
	"strings"
	"testing"
)

// What a log says beside the flow is in the record, by its name.
func TestDetails(t *testing.T) {
	for _, c := range []struct {
		line string
		want map[string]string // by path; "" is absent
	}{
		{"%ASA-6-302013: Built outbound TCP connection 28 for outside:203.0.113.80/8443 (203.0.113.80/8443) to inside:10.1.1.5/50123 (198.51.100.1/1024)", map[string]string{
			"destination.nat.ip": "198.51.100.1", "destination.nat.port": "1024", "source.nat.ip": "",
			"observer.ingress.interface.name": "outside", "observer.egress.interface.name": "inside", "portannot.outcome": "passed",
		}},
		{`%ASA-4-106023: Deny tcp src outside:203.0.113.5/40000 dst dmz:192.0.2.10/23 by access-group "outside_in" [0x0, 0x0]`, map[string]string{
			"portannot.outcome": "denied", "observer.ingress.interface.name": "outside",
		}},
		{`1,2026/09/14 09:00:00,01,TRAFFIC,end,1,x,192.0.2.10,203.0.113.20,198.51.100.1,0.0.0.0,r,,,ssl,v,trust,untrust,eth1,"eth,2",f,x,1,1,50000,443,1024,443,0x0,tcp,allow`, map[string]string{
			"source.nat.ip": "198.51.100.1", "source.nat.port": "1024", "destination.nat.ip": "", "observer.ingress.zone": "trust", "observer.egress.zone": "untrust",
			"observer.ingress.interface.name": "eth1", "observer.egress.interface.name": "eth,2", "portannot.outcome": "passed",
		}},
		{`logid="1" type="traffic" srcip=10.0.0.1 srcport=50000 srcintf="a \"b" dstip=203.0.113.2 dstport=443 proto=6 action="deny" transip=0.0.0.0`, map[string]string{
			"source.nat.ip": "", "portannot.outcome": "denied", "observer.egress.interface.name": "",
		}},
		{"kernel: DROP IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=60 PROTO=TCP SPT=1 DPT=2 SYN URGP=0", map[string]string{
			"observer.ingress.interface.name": "eth0", "observer.egress.interface.name": "",
		}},
		{`{"proto":6,"src4_addr":"192.0.2.1","src_port":1,"dst4_addr":"192.0.2.2","dst_port":2,"tcp_flags":"...AP.SF"}`, map[string]string{
			"portannot.tcp_flags.source": "FSPA", "portannot.tcp_flags.destination": "",
		}},
	} {
		out, st := enrich(t, strings.NewReader(c.line+"\n"), EnrichOptions{Output: JSON})
		var v map[string]any
		if err := json.Unmarshal(out, &v); err != nil || st.Flows != 1 {
			t.Errorf("%s: %v: %s", c.line, err, out)
			continue
		}
		flat := map[string][]string{}
		for k, x := range v {
			flatten(flat, k, x)
		}
		for path, want := range c.want {
			if got := strings.Join(flat[path], " "); got != want {
				t.Errorf("%s\n%s: %q, want %q", c.line, path, got, want)
			}
		}
	}
}
