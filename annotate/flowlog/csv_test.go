package flowlog

import (
	"bytes"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/flow"
)

// Text that only looks like a format is of none.
func TestNoFalseDetection(t *testing.T) {
	for _, text := range []string{
		"a", "a,b,c\n", "a b c\n", "GET / HTTP/1.1\n", "sport dport\n", "srcaddr\n", "src,dst,proto\n",
		"2 3 4\n", "tcp.srcporty\t1\n", "\"tcp.srcport\n", "SRC=1.2.3.4 DST=1.2.3.4\n", "1,2,3,TRAFFIC\n", "{\"flowTuples\":1}\n",
	} {
		for _, r := range readAll(t, text, Options{}) {
			if r.of != nil && r.of.name != "pairs" {
				t.Errorf("%q is taken for %s", text, r.of.name)
			}
		}
	}
}

// readAll reads the lines of a log.
func readAll(t *testing.T, log string, opt Options) (list []Record) {
	t.Helper()
	rd := NewReader(strings.NewReader(log), "log")
	rd.Options = opt
	for rd.Scan() {
		r := *rd.Record()
		r.Line = bytes.Clone(r.Line)
		list = append(list, r)
	}
	if rd.Err() != nil {
		t.Fatal(rd.Err())
	}
	return list
}

// annotated gives the annotation of the last line of a log, which is a flow.
func annotated(t *testing.T, log string, opt Options) (annotate.Input, annotate.Annotation) {
	t.Helper()
	list := readAll(t, log, opt)
	if len(list) == 0 || list[len(list)-1].Kind != Flow {
		t.Fatalf("no flow: %q", log)
	}
	f := list[len(list)-1].Flow
	return f, testAnnotator.Annotate(f)
}

// ACK is in AWS's flags only together with SYN, so that SYN with ACK is the
// server's direction; other logs OR all flags, where the same says nothing.
func TestFlagsSayTheOpening(t *testing.T) {
	const aws = "srcaddr dstaddr srcport dstport protocol tcp-flags\n10.0.0.1 10.0.0.2 50000 60000 "
	const nfdump = "sa,da,sp,dp,pr,flg\n10.0.0.1,10.0.0.2,50000,60000,"
	const rwcut = "sIP|dIP|sPort|dPort|pro|flags|initialF|\n10.0.0.1|10.0.0.2|50000|60000|"
	const tsharkLog = "ip.src\tip.dst\tip.proto\ttcp.srcport\ttcp.dstport\ttcp.flags\n10.0.0.1\t10.0.0.2\t6\t50000\t60000\t"
	accepted := flow.Opening{Server: flow.Source, Accept: true}
	confirmed := flow.Opening{Server: flow.Source, Accept: true, Confirmed: true}
	opened := flow.Opening{Server: flow.Destination}
	for _, c := range []struct {
		log  string
		want flow.Opening
	}{
		{aws + "6 0", flow.Opening{}},
		{aws + "6 1", flow.Opening{}},
		{aws + "6 2", opened},
		{aws + "6 3", opened},
		{aws + "6 18", accepted},
		{aws + "6 19", confirmed},
		{aws + "6 -", flow.Opening{}},
		{aws + "17 2", flow.Opening{}},
		{nfdump + "TCP,......S.", opened},
		{nfdump + "TCP,...AP.SF", flow.Opening{}},
		{nfdump + "TCP,0x02", opened},
		{nfdump + "UDP,......S.", flow.Opening{}},
		{rwcut + "6| S      |        |", opened},
		{rwcut + "6|FS PA   |        |", flow.Opening{}},
		{rwcut + "6|FS PA   | S      |", opened},
		{rwcut + "6|FS PA   | S  A   |", accepted},
		{tsharkLog + "0x0002", opened},
		{tsharkLog + "0x0012", accepted},
		{tsharkLog + "0x0018", flow.Opening{}},
		{"tcp.srcport,tcp.dstport,tcp.flags.syn,tcp.flags.ack\n1,2,True,False", opened},
		{"tcp.srcport,tcp.dstport,tcp.flags.syn,tcp.flags.ack\n1,2,1,1", accepted},
		{"tcp.srcport,tcp.dstport,tcp.flags.syn\n1,2,1", flow.Opening{}}, // a SYN-ACK has it too
	} {
		if f, _ := annotated(t, c.log, Options{}); f.Opening != c.want {
			t.Errorf("%s: opening %+v, want %+v", c.log[strings.IndexByte(c.log, '\n')+1:], f.Opening, c.want)
		}
	}
}

// Only TCP's arrow in Argus is one of roles, and only without a question mark.
func TestArgusDirection(t *testing.T) {
	for _, c := range []struct {
		proto, dir string
		want       flow.Side
	}{
		{"tcp", "   ->", flow.Destination},
		{"tcp", "   -|>", flow.Destination},
		{"tcp", "  <-", flow.Source},
		{"tcp", "  <->", flow.NoSide},
		{"tcp", "  <?>", flow.NoSide},
		{"tcp", "   ?>", flow.NoSide},
		{"udp", "   ->", flow.NoSide},
		{"udp", "  <->", flow.NoSide},
	} {
		f, _ := annotated(t, "Proto,SrcAddr,Sport,Dir,DstAddr,Dport\n"+c.proto+",10.0.0.1,50000,"+c.dir+",10.0.0.2,60000\n", Options{})
		if f.Stated != c.want {
			t.Errorf("%s %q: stated %v, want %v", c.proto, c.dir, f.Stated, c.want)
		}
	}
}

// What is not IP passes; what should be, but is not known, is named.
func TestArgusOtherProtocols(t *testing.T) {
	for _, c := range []struct {
		line string
		want Kind
	}{
		{"arp,192.0.2.1,,  who,192.0.2.10,", Other},
		{"man,0,0,,0,0", Other},
		{"loop,00:00:5e:00:53:01,0,   ->,00:00:5e:00:53:01,0", Other},
		{"3336,00:00:5e:00:53:01,0,   ->,00:00:5e:00:53:02,0", Other},
		{"igmp,192.0.2.1,,   ->,224.0.0.1,", Flow},
		{"rtp,192.0.2.1,16384,  <->,192.0.2.2,16386", Flow},
		{"tpc,192.0.2.1,50000,   ->,192.0.2.2,443", Bad},
		{"tcp,192.0.2.1,50000,   ->,192.0.2.2,https", Bad},
	} {
		list := readAll(t, "Proto,SrcAddr,Sport,Dir,DstAddr,Dport\n"+c.line, Options{})
		if got := list[len(list)-1].Kind; got != c.want {
			t.Errorf("%s: kind %d, want %d", c.line, got, c.want)
		}
	}
}

// What is in port fields of protocols without ports, or is absent, or is 0
// where the exporter had none, is never looked up.
func TestPortNotReportedInTables(t *testing.T) {
	m := Options{Map: Map{Protocol: "p", SourcePort: "s", DestinationPort: "d"}}
	for _, c := range []struct {
		log  string
		opt  Options
		src  bool
		dst  bool
		note annotate.Note
	}{
		{"p,s,d\n1,3,3", m, true, true, annotate.ProtocolWithoutPorts},
		{"p,s,d\nicmp,0x0303,-1", m, true, true, annotate.ProtocolWithoutPorts},
		{"p,s,d\n6,0,0", m, true, true, annotate.PortNotReported},
		{"p,s,d\n6,0,80", m, false, false, annotate.NoNote},
		{"p,s,d\n6,,80", m, true, false, annotate.PortNotReported},
		{"p,s,d\n6,-,-", m, true, true, annotate.PortNotReported},
		{"p,s,d\nSCTP,2905,0", m, false, true, annotate.PortNotReported},
		{"p,s,d\n,1,80", m, false, false, annotate.ProtocolNotReported},
		{"sa,da,sp,dp,pr\n10.0.0.1,10.0.0.2,0,8.0,ICMP", Options{}, true, true, annotate.ProtocolWithoutPorts},
		{"sa,da,sp,dp,pr\n2001:db8::1,2001:db8::2,0,0,Frag6", Options{}, true, true, annotate.ProtocolWithoutPorts},
		{"srcport dstport protocol\n- - -", Options{}, true, true, annotate.ProtocolNotReported},
		{"ip.proto\tudp.srcport\tudp.dstport\n17\t\t", Options{}, true, true, annotate.PortNotReported},
	} {
		list := readAll(t, c.log, c.opt)
		r := &list[len(list)-1]
		if r.Kind != Flow || r.Flow.NoSourcePort != c.src || r.Flow.NoDestinationPort != c.dst || r.Flow.Note() != c.note {
			t.Errorf("%q: kind %d, no ports %v %v, note %q", c.log, r.Kind, r.Flow.NoSourcePort, r.Flow.NoDestinationPort, r.Flow.Note())
		}
		a := testAnnotator.Annotate(r.Flow)
		if c.src && a.Source != (iana.Entry{}) || c.dst && a.Destination != (iana.Entry{}) {
			t.Errorf("%q: a port that was not reported is looked up", c.log)
		}
	}
}

// The address in the packet counts before that of the interface.
func TestAWSPacketAddresses(t *testing.T) {
	f, _ := annotated(t, "srcaddr dstaddr pkt-srcaddr pkt-dstaddr srcport dstport protocol\n10.0.1.5 10.0.0.220 10.20.33.164 - 39812 80 6", Options{})
	if f.Source.String() != "10.20.33.164:39812" || f.Destination.String() != "10.0.0.220:80" {
		t.Errorf("%v > %v", f.Source, f.Destination)
	}
}

// A packet that carries another shows two of many fields: the outer ones count.
func TestTsharkOuterFields(t *testing.T) {
	const header = "ip.src,ip.dst,ip.proto,tcp.srcport,tcp.dstport,udp.srcport,udp.dstport,icmp.type\n"
	for _, c := range []struct {
		line     string
		protocol uint8
		dport    uint16
	}{
		{`"192.0.2.1,10.0.0.1","192.0.2.2,10.0.0.2","17,6",40001,80,51000,4789,`, 17, 4789},
		{`"192.0.2.1,10.0.0.1","192.0.2.2,10.0.0.2","1,6",40001,80,,,3`, 1, 0},
		{`192.0.2.1,192.0.2.2,,,,40001,53,`, 17, 53},
		{`192.0.2.1,192.0.2.2,,,,40001,53,3`, 1, 0}, // an ICMP error that quotes UDP
		{`192.0.2.1,192.0.2.2,136,,,40001,53,`, 136, 53},
		{`192.0.2.1,192.0.2.2,6,,,40001,53,`, 6, 0},
		// Tunnels without ports: the packet inside.
		{`"10.0.0.1,192.0.2.1","10.0.0.2,192.0.2.2","47,6",40001,443,,,`, 6, 443},
		{`"10.0.0.1,10.1.0.1,192.0.2.1","10.0.0.2,10.1.0.2,192.0.2.2","4,47,17",,,40001,53,`, 17, 53},
		{`192.0.2.1,192.0.2.2,47,,,,,`, 47, 0},
	} {
		f, _ := annotated(t, header+c.line, Options{})
		if f.Protocol != c.protocol || f.Destination.Port() != c.dport || f.Source.Addr().String() != "192.0.2.1" {
			t.Errorf("%s: protocol %d, %v > %v", c.line, f.Protocol, f.Source, f.Destination)
		}
	}
}

// IPv6 in IPv4 has its addresses in columns of their own.
func TestTsharkIPv6Inside(t *testing.T) {
	f, _ := annotated(t, "ip.src,ip.dst,ip.proto,ipv6.src,ipv6.dst,ipv6.nxt,tcp.srcport,tcp.dstport\n192.0.2.1,192.0.2.2,41,2001:db8::1,2001:db8::2,6,50000,443", Options{})
	if f.Protocol != 6 || f.Source.String() != "[2001:db8::1]:50000" || f.Destination.String() != "[2001:db8::2]:443" {
		t.Errorf("%+v", f)
	}
}

// Bad lines are named, and nothing else is lost.
func TestTableFaults(t *testing.T) {
	m := Options{Map: testMap}
	for _, c := range []struct {
		log, want string
		opt       Options
	}{
		{"proto,src,sport,dst,dport\n6,a,1,b\n", "log:2: 4 columns, want 5", m},
		{"proto,src,sport,dst,dport\n\n6,a,1,b,x\n", `log:3: destination port is no port: "x"`, m},
		{"proto,src,sport,dst,dport\n6,a,65536,b,1\n", `log:2: source port is no port: "65536"`, m},
		{"proto,src,sport,dst,dport\nxyz,a,1,b,1\n", `log:2: protocol is not known: "xyz"`, m},
		{"proto,src,sport,dst,dport\n6,a,1,b,\"1\n", `log:2: a quoted cell does not end: "\"1"`, m},
		{"\"nothing,here\n1,2\n", "log:1: header: a quoted cell does not end", m},
		{"sIP|dIP|sPort|dPort|pro|\n1|2|3|4|6\n", "log:2: no separator at the end of the line", Options{}},
		{"srcport dstport protocol portannot.side more\n1 2 6 x y\n", "log:1: header: columns behind those of an earlier annotation", Options{Format: "aws"}},
	} {
		out, st := enrich(t, strings.NewReader(c.log), EnrichOptions{Options: c.opt})
		if st.Faults != 1 || st.Problems[0].Error() != c.want {
			t.Errorf("%q: problems %v, want %s", c.log, st.Problems, c.want)
		}
		lines, got := strings.Split(c.log, "\n"), strings.Split(string(out), "\n")
		if len(lines) != len(got) || lines[len(lines)-2] != got[len(got)-2] {
			t.Errorf("%q became %q", c.log, out)
		}
	}
}

// A header says what is read: columns may stand anywhere, and another header
// in the middle changes them.
func TestHeaderInTheMiddle(t *testing.T) {
	log := "proto,src,sport,dst,dport\n6,10.0.0.1,50000,10.0.0.2,22\nproto,src,dport,dst,sport\n6,10.0.0.1,22,10.0.0.2,50000\n"
	for _, r := range readAll(t, log, Options{Map: testMap}) {
		if r.Kind == Flow && (r.Flow.Source.Port() != 50000 || r.Flow.Destination.Port() != 22) {
			t.Errorf("line %d: %v > %v", r.Number, r.Flow.Source, r.Flow.Destination)
		}
	}
}

// What a cell cannot hold in a dialect is replaced, so that the columns hold.
func TestDialects(t *testing.T) {
	for _, d := range []*dialect{csvDialect, semicolonDialect, tabDialect, barDialect, spaceDialect} {
		cell := string(d.cell(nil, "a\tb c|d,e;f\"g"))
		tb := table{shape: &shape{format: &format{quotes: d == csvDialect || d == semicolonDialect}}, sep: d.sep[0]}
		if n := tb.count([]byte(cell)); n != 1 {
			t.Errorf("%q: %d cells", cell, n)
		}
	}
}

func TestAWSFieldsGiven(t *testing.T) {
	opt := Options{Format: "aws", Fields: strings.Fields("dstport srcport protocol")}
	f, _ := annotated(t, "443 50000 6\n", opt)
	if f.Destination.Port() != 443 || f.Source.Port() != 50000 {
		t.Errorf("%v > %v", f.Source, f.Destination)
	}
	// A header that is there counts before the fields given.
	if f, _ = annotated(t, "srcport dstport protocol\n443 50000 6\n", opt); f.Source.Port() != 443 {
		t.Errorf("with a header: %v > %v", f.Source, f.Destination)
	}
	opt.Fields = []string{"version", "start"}
	rd := NewReader(strings.NewReader("2 3\n"), "log")
	rd.Options = opt
	if rd.Scan(); rd.Err() == nil {
		t.Error("fields without a port: no error")
	}
}

// Fields alone choose the format that they are for, if nothing is recognised.
func TestFieldsChooseAWS(t *testing.T) {
	rd := NewReader(strings.NewReader("50000 443 6\n"), "log")
	rd.Options.Fields = strings.Fields("srcport dstport protocol")
	if !rd.Scan() || rd.Format() != "aws" || rd.Record().Kind != Flow {
		t.Errorf("read as %q: %+v", rd.Format(), rd.Record())
	}
}
