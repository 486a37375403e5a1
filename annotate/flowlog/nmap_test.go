package flowlog

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
)

// wellFormed reads XML to its end.
func wellFormed(t testing.TB, b []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
	}
}

// nmapOdd is one line, with what XML allows: a comment that looks like a host, either
// quotes, a greater-than sign in a value, white space in tags, a port without content.
const nmapOdd = `<?xml version='1.0'?><!-- <host><port --><nmaprun args="a > b"><host starttime = '1789376400' ><address addrtype='mac' addr='00:00:5E:00:53:01'/>` +
	`<address addr = '192.0.2.7' addrtype='ipv4' /><ports><port portid='443' protocol='tcp'><state reason="a>b" state='open'/></port><port protocol="tcp" portid="80"/>` +
	`<port protocol="ip" portid="6"><state state="open"/></port><port protocol="tcp" portid="70000"><state state="open"/></port>` +
	`<port protocol="tcp" portid="4"><state state="open"/><script id="portannot-like" output="x"/></port></ports></host>` +
	`<host><address addr="2001:db8::1" addrtype="ipv6"/><ports><port protocol="udp" portid="53"><state state="open"/></port></ports></host></nmaprun>`

const nmapLines = "# Nmap\nHost: 192.0.2.7 (a.example.com)\tPorts: 443/open/tcp//https//a, 80 b/, 80/closed/tcp//http///, 70000/open/tcp/////, 4/open/tcp/////\tIgnored State: closed (1)\r\n" +
	"Host: 192.0.2.8 ()\tStatus: Down\nHost: 2001:db8::1 ()\tPorts: 53/open/udp//domain///"

func TestNmap(t *testing.T) {
	for name, log := range map[string]string{"XML": nmapOdd, "lines": nmapLines} {
		t.Run(name, func(t *testing.T) {
			out, st := enrich(t, strings.NewReader(log), EnrichOptions{})
			if st.Flows != 3 || st.Bad != 1 || len(st.Shapes) != 1 || st.Problems[0].Reason != `destination port is no port: "70000"` {
				t.Errorf("%+v %v\n%s", st, st.Problems, out)
			}
			if name == "XML" {
				wellFormed(t, out)
			}
			if again, _ := enrich(t, bytes.NewReader(out), EnrichOptions{}); !bytes.Equal(again, out) {
				t.Errorf("again:\n%s", again)
			}
			if back, _ := enrich(t, bytes.NewReader(out), EnrichOptions{Strip: true}); string(back) != log {
				t.Errorf("stripped:\n%s", back)
			}
			var flows []string
			for _, r := range readAll(t, log, Options{}) {
				if r.Kind == Flow {
					f := &r.Flow
					flows = append(flows, fmt.Sprint(f.Protocol, " ", f.Destination, " ", f.Stated, " ", f.Outcome, " ", f.NoSourcePort))
				}
			}
			want := "[6 192.0.2.7:443 destination answered true 6 192.0.2.7:4 destination answered true 17 [2001:db8::1]:53 destination answered true]"
			if fmt.Sprint(flows) != want {
				t.Errorf("a reader gives\n%v, want\n%s", flows, want)
			}
			opt := EnrichOptions{Selector: annotate.Selector{Ports: []iana.Span{{First: 4, Last: 53}}}}
			out, st = enrich(t, strings.NewReader(log), opt)
			if lines := bytes.Count(out, []byte("\n")); lines != 2 || st.Selected != 2 || bytes.Contains(out, []byte("443")) || !bytes.Contains(out, []byte("192.0.2.7")) {
				t.Errorf("selected: %d\n%s", lines, out)
			}
			opt.Output = JSON
			if out, _ = enrich(t, strings.NewReader(log), opt); bytes.Count(out, newline) != 2 || !bytes.Contains(out, []byte(`"ip":"2001:db8::1","port":53`)) {
				t.Errorf("as JSON: %s", out)
			}
		})
	}
}

// TestNmapCutOff: what ends too early passes, and comes back.
func TestNmapCutOff(t *testing.T) {
	for _, c := range []struct{ format, log string }{{"nmap-xml", nmapOdd}, {"nmap-grepable", nmapLines}} {
		opt := Options{Format: c.format}
		whole, _ := enrich(t, strings.NewReader(c.log), EnrichOptions{Options: opt})
		for _, log := range []string{c.log, string(whole)} {
			for cut := 1; cut < len(log); cut += 1 + len(log)/400 {
				out, _ := enrich(t, strings.NewReader(log[:cut]), EnrichOptions{Options: opt})
				if log == c.log {
					if back, _ := enrich(t, bytes.NewReader(out), EnrichOptions{Options: opt, Strip: true}); string(back) != log[:cut] {
						t.Fatalf("%s cut at %d: %q comes back as %q", c.format, cut, log[:cut], back)
					}
				}
			}
		}
	}
}

// FuzzNmap: an inventory with anything in it comes back, and once annotated it is not
// changed again.
func FuzzNmap(f *testing.F) {
	f.Add([]byte(nmapOdd))
	f.Add([]byte(nmapLines))
	f.Add([]byte(`<nmaprun><host><port protocol="tcp" portid="1"><state state="open"/><script id="portannot"></script></port></host>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, is := isNmap(b); !is || bytes.Contains(bytes.ToLower(b), []byte("portannot")) || bytes.HasPrefix(b, bom) {
			return
		}
		opt := Options{Format: "nmap-xml"}
		if grepable, _ := isNmap(b); grepable {
			opt.Format = "nmap-grepable"
		}
		out, st := enrich(t, bytes.NewReader(b), EnrichOptions{Options: opt})
		back, _ := enrich(t, bytes.NewReader(out), EnrichOptions{Options: opt, Strip: true})
		if !bytes.Equal(back, b) {
			t.Fatalf("%q comes back as %q", b, back)
		}
		again, st2 := enrich(t, bytes.NewReader(out), EnrichOptions{Options: opt})
		if !bytes.Equal(again, out) || st2.Flows != st.Flows {
			t.Fatalf("%q is changed again: %q", out, again)
		}
	})
}
