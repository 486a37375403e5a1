package rules

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	ask(t, readFiles(t, Options{Port: names}, "table.csv"), []question{
		{"tcp 203.0.113.66 198.51.100.10:443 in=wan", "deny", "rule blocklist"},
		{"tcp 2001:db8:bad::1 [2001:db8::1]:443", "deny", "rule blocklist"},
		{"tcp 203.0.113.1 198.51.100.10:443 in=wan", "allow", "rule web"},
		{"tcp 203.0.113.1 198.51.100.10:443 in=lan", "deny", "rule rest"},
		{"tcp 203.0.113.1 198.51.100.10:443", "unknown", "interface is not known"},
		{"udp 203.0.113.1 198.51.100.10:443", "deny", "rule rest"},
		{"tcp 10.1.2.3 198.51.100.9:3389", "allow", "rule admin"},
		{"tcp 10.2.255.3 198.51.100.9:22", "allow", "rule admin"},
		{"udp 192.0.2.19 198.51.100.9:162", "allow", "rule admin"},
		{"tcp 192.0.2.19 198.51.100.9:162", "deny", "rule rest"},
		{"udp 192.0.2.20 198.51.100.9:162", "deny", "rule rest"},
		{"tcp 10.1.66.1 198.51.100.9:22", "allow", "rule admin"}, // 30 comes before 35
		{"tcp 10.1.66.1 198.51.100.53:53", "deny", "rule guests"},
		{"udp 10.7.0.1 198.51.100.53:53", "allow", "rule dns"},
		{"sctp 10.7.0.1 198.51.100.20:3869", "allow", "rule diameter"},
		{"sctp 10.2.0.1 198.51.100.20:3869", "deny", "rule rest"},
		{"tcp 10.9.0.1 198.51.100.30:8080", "unknown", "weekdays only"},
		{"tcp 10.8.0.1 198.51.100.30:8080", "deny", "rule rest"},
		{"tcp 10.8.0.1 198.51.100.40:22", "unknown", "vendor-hosts"},
		{"tcp 10.8.0.1 198.51.100.41:23", "deny", "rule rest"}, // the row is disabled
		{"tcp 10.3.0.1 198.51.100.41:25", "unknown", "what it does is not known"},
	})
	// Without --local, it is asked of what passes: out of one, and into another.
	both := readFiles(t, Options{}, "table.json")
	ask(t, both, []question{
		{"tcp 10.0.0.1 10.0.0.2:443", "allow", ""},
		{"tcp 10.0.0.1 10.0.0.2:25", "deny", ""},
		{"tcp 10.0.0.1 10.0.0.2:23", "unknown", "--local"}, // if the client has the rules it may
	})
	ask(t, readFiles(t, Options{Local: prefixes("10.0.0.0/24")}, "table.json"), []question{
		{"tcp 10.0.0.1 203.0.113.1:23", "allow", "rest out"},
		{"tcp 10.0.0.1 203.0.113.1:25", "deny", "rule mail"},
		{"tcp 10.0.0.1 10.0.0.2:23", "deny", "policy of table in"}, // all rows for in allow
		{"tcp 10.0.0.1 10.0.0.2:443", "allow", "rule"},
		{"udp 10.0.0.1 10.0.0.2:443", "allow", "rule"},
		{"sctp 10.0.0.1 10.0.0.2:443", "deny", ""},
		{"tcp 192.0.2.9 10.0.0.2:22", "allow", "rule ssh"},
	})
}

// TestTableDefault pins what is said of packets that no row matches.
func TestTableDefault(t *testing.T) {
	for _, c := range []struct{ name, text, flow, verdict, why string }{
		{"rows that allow", "action,source,destination\nallow,10.0.0.1,10.0.0.2\n", "tcp 10.0.0.3 10.0.0.2:80", "deny", "policy of table"},
		{"rows that deny", "action;source;destination\ndeny;10.0.0.1;10.0.0.2\n", "tcp 10.0.0.3 10.0.0.2:80", "allow", "policy of table"},
		{"both", "action\tsource\tdestination\ndeny\t10.0.0.1\t10.0.0.2\nallow\t10.0.0.4\t\n", "tcp 10.0.0.3 10.0.0.2:80", "unknown", "a last row for everything else"},
		{"in only", "action,source,direction\nallow,10.0.0.1,in\n", "tcp 10.0.0.1 10.0.0.2:80", "allow", "row 1"},
		{"in only, from itself", "action,source,direction\nallow,10.0.0.1,in\n", "tcp 10.0.0.1 10.0.0.2:80 output", "unknown", "no row is about what leaves"},
		{"forward only, to itself", "action,source,direction\nallow,10.0.0.1,forward\n", "tcp 10.0.0.1 10.0.0.2:80 input", "unknown", "what passes the firewall"},
		{"zones", "action,from zone,to zone,source\nallow,lan,wan,any\n", "tcp 10.0.0.1 10.0.0.2:80 in=lan out=wan", "allow", "row 1"},
		{"other zones", "action,from zone,to zone,source\nallow,lan,wan,any\n", "tcp 10.0.0.1 10.0.0.2:80 in=lan out=dmz", "deny", ""},
		{"an unknown column", "action,source,user\nallow,10.0.0.1,alice\n", "tcp 10.0.0.1 10.0.0.2:80", "unknown", "user alice"},
		{"a skipped column", "action,source,x-user\nallow,10.0.0.1,alice\n", "tcp 10.0.0.1 10.0.0.2:80", "allow", "row 1"},
		{"in an object", `{"rules": [{"action": "allow", "dst": ["10.0.0.2", "10.0.0.3"], "port": [80, "443"]}]}`, "udp 10.0.0.1 10.0.0.2:443", "allow", "row 1"},
		{"a port of a transport without ports", "action,source,ports\nallow,any,80\n", "icmp 10.0.0.1 10.0.0.2:0", "deny", ""},
		{"rows without an order follow", "order,action,source\n20,deny,any\n10,allow,10.0.0.1\n,allow,10.0.0.2\n", "tcp 10.0.0.2 10.0.0.9:1", "allow", "row 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ask(t, readText(t, Options{}, c.text), []question{{c.flow, c.verdict, c.why}})
		})
	}
}

// TestBadTable pins the errors, with their lines.
func TestBadTable(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"action,source\nallow,a,b\n", "f:2: 3 cells, and the header has 2"},
		{"action,source\nallow,\"a\n", "f:2: extraneous or missing \" in quoted-field"},
		{"order,action,source\n1,deny,any\nfirst,allow,any\n", `f:3: order "first" is no number`},
		{"action,source\ndefine,any\n", "f:2: a definition without a name"},
		{"action,source,src\nallow,a,b\n", `f:1: column "src" says what another column says`},
		{"[{\"action\": \"allow\", \"source\": \"any\"},\n 7]", "f:2: a row that is no object"},
		{"[{\"action\": \"allow\", \"source\": [\n[1]]}]", "f:2: source holds more than a text or a list of texts"},
	} {
		_, err := Read([]Source{{Name: "f", Reader: strings.NewReader(c.text)}}, Options{})
		if err == nil || err.Error() != "read rules: "+c.want {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

// TestTableNotes: what is not read is said, with its line.
func TestTableNotes(t *testing.T) {
	fw := readText(t, Options{}, "action,source,ports,enabled\nallow,somebody,80,yes\nallow,10.0.0.1,ninety,yes\nallow,10.0.0.0/33,1,perhaps\n")
	var got []string
	for _, n := range fw.Sets[0].Notes {
		got = append(got, n.String())
	}
	want := []string{
		"rules1:2: a name that is not defined: somebody",
		"rules1:3: a service that is not defined: ninety",
		"rules1:4: whether the row is enabled: perhaps",
		"rules1:4: a name that is not defined: 10.0.0.0/33",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("notes:\n%s", strings.Join(got, "\n"))
	}
}

func FuzzTable(f *testing.F) {
	for _, line := range seeds(f, "table.csv") {
		f.Add(line, "any")
	}
	f.Add("1,define,a,a,,,,,a,,,", "!a")
	f.Fuzz(func(t *testing.T, row, source string) {
		readAndAsk(t, "order,action,source,destination,transport,ports,interface,direction,name,comment,enabled,condition\n,define,10.0.0.0/8,,,,,,a,,,\n"+row+"\n")
		readAndAsk(t, `[{"action":"deny","source":"`+source+`"},{"action":"allow","source":"any",`+row+`}]`)
	})
}
