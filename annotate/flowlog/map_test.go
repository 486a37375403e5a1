package flowlog

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
)

// What a map may name, and how values may be written.
func TestMap(t *testing.T) {
	ap := netip.MustParseAddrPort
	want := annotate.Input{Protocol: 6, Source: ap("192.0.2.1:50123"), Destination: ap("198.51.100.2:443")}
	with := func(change func(f *annotate.Input)) annotate.Input { f := want; change(&f); return f }
	const all = "proto=p,src=s,sport=sp,dst=d,dport=dp"
	for _, c := range []struct {
		name, text, log string
		want            annotate.Input
	}{
		{"columns", all, "p,s,sp,d,dp\n6,192.0.2.1,50123,198.51.100.2,443", want},
		{"floats", all, "p,s,sp,d,dp\n6.0,192.0.2.1,50123.0,198.51.100.2,443.0", want},
		{"separators", all, "p,s,sp,d,dp\nTCP,192.0.2.1,\"50,123\",198.51.100.2,443", want},
		{"behind comments", all, "\n# from a collector\n\np\ts\tsp\td\tdp\n6\t192.0.2.1\t50123\t198.51.100.2\t443", want},
		{"numbers of columns", "proto=#1,src=#2,sport=#3,dst=#4,dport=#5", "6,192.0.2.1,50123,198.51.100.2,443,x", want},
		{"numbers and a header", "proto=#1,src=#2,sport=#3,dst=#4,dport=#5", "a,b,c,d,e\n6,192.0.2.1,50123,198.51.100.2,443", want},
		{"numbers with spaces", "proto=#3,src=#4,dst=#6", "12:00 eth0 tcp 192.0.2.1:50123 -> 198.51.100.2:443", want},
		{"addresses with ports", "proto=p,src=s,dst=d", "p;s;d\n6;192.0.2.1:50123;198.51.100.2:443", want},
		{"IPv6 with ports", "proto=p,src=s,dst=d", `{"p":"udp","s":"[2001:db8::1]:5353","d":"[2001:db8::2]:53"}`, annotate.Input{Protocol: 17, Source: ap("[2001:db8::1]:5353"), Destination: ap("[2001:db8::2]:53")}},
		{"objects", all, `{"p":"tcp","s":"192.0.2.1","sp":50123,"d":"198.51.100.2","dp":443}`, want},
		{"lists", all, `{"p":["tcp"],"s":["192.0.2.1"],"sp":[50123],"d":["198.51.100.2"],"dp":["443"]}`, want},
		{"levels", "proto=a.p,src=a.s,sport=a.sp,dst=a.d,dport=a.dp", `{"a":{"p":"tcp","s":"192.0.2.1","sp":50123,"d":"198.51.100.2","dp":443}}`, want},
		{"objects behind a prefix", all + ",prefix=FLOW>", `FLOW> {"p":"tcp","s":"192.0.2.1","sp":50123,"d":"198.51.100.2","dp":443}`, want},
		{"pairs", all, `p=tcp s=192.0.2.1 sp=50123 d=198.51.100.2 dp=443`, want},
		{"pairs behind syslog", all, `<13>Sep 14 09:00:00 h gw[1]: x="a b" p=tcp s=192.0.2.1 sp=50123 d=198.51.100.2 dp=443`, want},
		{"pairs behind a prefix", all + ",prefix=flow end:", `Sep 14 09:00:00 h flow end: p=tcp s=192.0.2.1 sp=50123 d=198.51.100.2 dp=443`, want},
		{"time and outcome", all + ",time=t,outcome=o,packets=n", `{"p":6,"s":"192.0.2.1","sp":50123,"d":"198.51.100.2","dp":443,"t":"2026-09-14T09:00:00Z","o":"Blocked","n":3}`,
			with(func(f *annotate.Input) { f.Start, f.Outcome, f.Packets = 1789376400e9, annotate.Denied, 3 })},
		{"flags", all + ",flags=f", "p,s,sp,d,dp,f\n6,192.0.2.1,50123,198.51.100.2,443,S",
			with(func(f *annotate.Input) { f.Opening = flow.Opening{Server: flow.Destination} })},
		{"service", all + ",service=source", "p,s,sp,d,dp\n6,192.0.2.1,50123,198.51.100.2,443", with(func(f *annotate.Input) { f.Stated = flow.Source })},
		{"server", all + ",server=who,serverport=wp", "p,s,sp,d,dp,who,wp\n6,192.0.2.1,50123,198.51.100.2,443,198.51.100.2,443",
			with(func(f *annotate.Input) { f.Stated = flow.Destination })},
	} {
		m, err := ParseMap(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		n := 0
		for _, r := range readAll(t, c.log+"\n", Options{Map: m}) {
			if r.Kind == Bad {
				t.Errorf("%s: %v", c.name, r.Problem())
			}
			if r.Kind != Flow {
				continue
			}
			n++
			if f := r.Flow; f != c.want && (f.Hint == flow.NoSide || c.want.Stated == flow.NoSide) {
				t.Errorf("%s:\n got %+v\nwant %+v", c.name, r.Flow, c.want)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d flows", c.name, n)
		}
		checkProperties(t, []byte(c.log+"\n"), Options{Map: m})
	}
}

// A map that names what the log does not have is an error with what it has.
func TestMapNamesNothing(t *testing.T) {
	for _, c := range []struct{ text, log, name, has string }{
		{"proto=p,sport=Src Prt,dport=d", "p,Src Port,d\n6,1,2\n", "Src Prt", "Src Port"},
		{"proto=p,sport=a,dport=b", "x;y;z\n6;1;2\n", "p", "y"},
		{"proto=p,sport=SrcPrt,dport=d", `{"p":6,"SrcPort":1,"d":2}`, "SrcPrt", "SrcPort"},
		{"proto=p,sport=a.prt,dport=a.d", `{"p":6,"a":{"port":1,"d":2}}`, "a.prt", "a.port"},
		{"proto=p,sport=sprt,dport=d", "p=6 sport=1 d=2\n", "sprt", "sport"},
		{"proto=#1,sport=#2,dport=#9", "6,1,2\n", "#9", ""},
	} {
		m, err := ParseMap(c.text)
		if err != nil {
			t.Fatal(err)
		}
		rd := NewReader(strings.NewReader(c.log), "log")
		rd.Options.Map = m
		for rd.Scan() {
		}
		var unknown *UnknownName
		if !errors.As(rd.Err(), &unknown) || unknown.Name != c.name || unknown.Log != "log" || c.has != "" && !slices.Contains(unknown.Names, c.has) {
			t.Errorf("%s of %q: error %v, %+v", c.text, c.log, rd.Err(), unknown)
		}
	}
	for _, text := range []string{"", "proto=p", "sport", "sport=", "spo=x", "service=both,sport=a"} {
		if m, err := ParseMap(text); err == nil {
			t.Errorf("%q: %+v", text, m)
		}
	}
}
