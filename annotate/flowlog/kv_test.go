package flowlog

import (
	"strings"
	"testing"

	"github.com/portannot/portannot/capture/flow"
)

// The end on the outside is named first, whoever began; "outbound" makes it the
// service.
func TestASASides(t *testing.T) {
	const ends = " for outside:203.0.113.5/50000 (203.0.113.5/50000) to inside:10.0.0.1/60000 (10.0.0.1/60000)"
	for _, c := range []struct {
		text     string
		protocol uint8
		want     flow.Side
	}{
		{"%ASA-6-302013: Built inbound TCP connection 1" + ends, 6, flow.Destination},
		{"%ASA-6-302013: Built outbound TCP connection 1" + ends, 6, flow.Source},
		{"%ASA-6-302014: Teardown TCP connection 1" + ends, 6, flow.NoSide},
		{"%FTD-6-302015: Built inbound UDP connection 1" + ends, 17, flow.Destination},
		{"%ASA-6-302015: Built outbound UDP connection 1" + ends, 17, flow.Source},
		{"%ASA-6-302016: Teardown UDP connection 1" + ends, 17, flow.NoSide},
	} {
		f, _ := annotated(t, c.text, Options{})
		if f.Stated != c.want || f.Protocol != c.protocol || f.Source.String() != "203.0.113.5:50000" || f.Destination.String() != "10.0.0.1:60000" {
			t.Errorf("%s: %+v", c.text, f)
		}
	}
	for _, other := range []string{
		"%ASA-6-302012: x", "%ASA-6-302017: x", "%ASA-6-3020131: x", "-302013: x",
	} {
		if list := readAll(t, other, Options{Format: "asa"}); list[0].Kind != Other {
			t.Errorf("%q: kind %d", other, list[0].Kind)
		}
	}
}

// Each netfilter line is of one packet, whose flags stand behind the ports.
func TestNetfilter(t *testing.T) {
	const head = "kernel: SYN IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=60 "
	for _, c := range []struct {
		rest     string
		protocol uint8
		noPorts  bool
		want     flow.Opening
	}{
		{"PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 SYN URGP=0 ", 6, false, flow.Opening{Server: flow.Destination}},
		{"PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 ACK SYN URGP=0 ", 6, false, flow.Opening{Server: flow.Source, Accept: true}},
		{"PROTO=TCP SPT=1 DPT=2 SEQ=5 ACK=6 WINDOW=1 RES=0x00 ACK URGP=0 ", 6, false, flow.Opening{}},
		{"PROTO=UDP SPT=1 DPT=2 LEN=40", 17, false, flow.Opening{}},
		{"PROTO=UDP", 17, true, flow.Opening{}},
		{"PROTO=TCP INCOMPLETE [8 bytes] ", 6, true, flow.Opening{}},
		{"PROTO=ICMP TYPE=3 CODE=3 [SRC=1.1.1.1 DST=2.2.2.2 PROTO=UDP SPT=5 DPT=6 ] ", 1, true, flow.Opening{}},
		{"PROTO=ICMPv6 TYPE=1 CODE=4 [SRC=1.1.1.1 DST=2.2.2.2 PROTO=TCP SPT=5 DPT=6 SYN ] ", 58, true, flow.Opening{}},
		{"PROTO=2 ", 2, true, flow.Opening{}},
	} {
		f, _ := annotated(t, head+c.rest, Options{})
		if f.Protocol != c.protocol || f.NoSourcePort != c.noPorts || f.NoDestinationPort != c.noPorts || f.Opening != c.want || f.Source.Addr().String() != "192.0.2.1" {
			t.Errorf("%s: %+v", c.rest, f)
		}
	}
}

// Only a traffic log's source is the end that opened the session.
func TestFortigate(t *testing.T) {
	const ends = ` srcip=10.0.0.1 srcport=50000 dstip=10.0.0.2 dstport=60000 proto=6 `
	for _, c := range []struct {
		line string
		want flow.Side
		time int64
	}{
		{`logid="1" type="traffic"` + ends + `eventtime=1789376400`, flow.Destination, 1789376400e9},
		{`logid=1 type=traffic` + ends + `eventtime=1789376400123`, flow.Destination, 1789376400123e6},
		{`logid=1 type=traffic` + ends + `eventtime=1789376400123456`, flow.Destination, 1789376400123456e3},
		{`logid=1 type=traffic` + ends + `eventtime=1789376400123456789`, flow.Destination, 1789376400123456789},
		{`logid=1 type=traffic` + ends + `eventtime=17893764001`, flow.Destination, 0},
		{`logid="1" type="utm"` + ends + `msg="srcip=1.1.1.1 dstport=1 \" x"`, flow.NoSide, 0},
	} {
		f, _ := annotated(t, c.line, Options{})
		if f.Stated != c.want || f.Start != c.time || f.Destination.String() != "10.0.0.2:60000" {
			t.Errorf("%s: %+v", c.line, f)
		}
	}
}

// New versions of PAN-OS add columns; ours come behind all of them.
func TestPANOSColumns(t *testing.T) {
	line := "1,2026/09/14 09:00:04,01,TRAFFIC,end,1,2026/09/14 09:00:04,10.0.0.1,10.0.0.2,,,\"a, b\",,,,,,,,,,,0,1,50000,60001,0,0,0x0,udp"
	for _, more := range []string{"", ",deny", strings.Repeat(",", 90), `,"x ""y"", z"`} {
		f, a := annotated(t, line+more+"\n", Options{})
		if f.Stated != flow.Destination || f.Protocol != 17 || a.Service.Port != 60001 {
			t.Errorf("%q: %+v", more, f)
		}
		checkProperties(t, []byte(line+more+"\n"), Options{})
	}
}

// A value of the user's own may hold what ends a value.
func TestPairQuotes(t *testing.T) {
	for _, c := range []struct {
		style       *pairStyle
		value, want string
	}{
		{plainPairs, "a", " portannot.k=a"},
		{plainPairs, "a b", ` portannot.k="a b"`},
		{plainPairs, `a"\`, ` portannot.k="a''"`},
		{quotedPairs, "a", ` portannot.k="a"`},
		{quotedPairs, "", ""},
	} {
		if got := string(c.style.pair(nil, "k", c.value)); got != c.want {
			t.Errorf("%q: %s, want %s", c.value, got, c.want)
		}
	}
}
