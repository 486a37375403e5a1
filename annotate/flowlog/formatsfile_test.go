package flowlog

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
)

const ownFormats = `# formats of our own
[gateway]
about    = our gateway
grammar  = pairs
know     = gw_from, gw_to
fields   = src=gw_from, dst=gw_to, sport=gw_fp, dport=gw_tp, proto=gw_pr, outcome=gw_act
outcomes = FW=passed BLK=denied
roles    = *=destination?

[probe]
grammar  = json
know     = p.a, p.b
not      = event_type
fields   = src=p.a, dst=p.b, sport=p.ap, dport=p.bp, proto=p.t
protocols = 1=tcp 2=udp
one_direction = yes

[box]
grammar  = sentences
begin    = BOX-
sentence = BOX-{} blocked {proto} {src}:{sport} -> {dst}:{dport} => outcome=denied
sentence = BOX-{} passed {proto} {src}:{sport} -> {dst}:{dport}[ nat {natsrc}:{natsport}] => outcome=passed

[wall]
grammar  = columns
separators = |
order    = kind _ src sport dst dport proto
holds    = kind=W1|W2
fields   = src=src, dst=dst, sport=sport, dport=dport, proto=proto

[table]
grammar    = table
separators = ,\t
know       = from port, to port
fields     = sport=from port, dport=to port, src=from, dst=to, proto=how
`

// Rows of the user's own are read as those of the package are, and come first.
func TestReadFormats(t *testing.T) {
	set, err := ReadFormats(strings.NewReader(ownFormats), "own")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(set.Infos()); n != 5 {
		t.Errorf("%d formats", n)
	}
	ap := netip.MustParseAddrPort
	flowOf := func(change func(f *annotate.Input)) annotate.Input {
		f := annotate.Input{Protocol: 6, Source: ap("192.0.2.1:50000"), Destination: ap("192.0.2.2:443")}
		if change != nil {
			change(&f)
		}
		return f
	}
	for _, c := range []struct {
		line, format string
		want         annotate.Input
	}{
		{"<13>Sep 14 09:00:00 h gw: gw_from=192.0.2.1 gw_fp=50000 gw_to=192.0.2.2 gw_tp=443 gw_pr=tcp gw_act=blk", "gateway",
			flowOf(func(f *annotate.Input) { f.Outcome, f.Hint = annotate.Denied, flow.Destination })},
		{`{"message":"{\"p\":{\"a\":\"192.0.2.1\",\"ap\":50000,\"b\":\"192.0.2.2\",\"bp\":443,\"t\":1}}"}`, "probe", flowOf(func(f *annotate.Input) { f.OneDirection = true })},
		{"Sep 14 09:00:00 h BOX-7 blocked tcp 192.0.2.1:50000 -> 192.0.2.2:443 (rule 5)", "box", flowOf(func(f *annotate.Input) { f.Outcome = annotate.Denied })},
		{"BOX-7 passed TCP 192.0.2.1:50000 -> 192.0.2.2:443 nat 198.51.100.1:1024", "box", flowOf(func(f *annotate.Input) { f.Outcome = annotate.Passed })},
		{"W2|x|192.0.2.1|50000|192.0.2.2|443|6", "wall", flowOf(nil)},
		{"how,from,from port,to,to port\n6,192.0.2.1,50000,192.0.2.2,443", "table", flowOf(nil)},
		{`{"event_type":"flow","timestamp":"2026-09-14T09:00:00Z","src_ip":"192.0.2.1","src_port":50000,"dest_ip":"192.0.2.2","dest_port":443,"proto":"TCP"}`, "eve", annotate.Input{}},
	} {
		opt := Options{Formats: set}
		list := readAll(t, c.line+"\n", opt)
		r := list[len(list)-1]
		if r.Kind != Flow || r.of == nil || r.of.name != c.format || c.format != "eve" && r.Flow != c.want {
			t.Errorf("%s: kind %d, %v, %+v", c.line, r.Kind, r.Problem(), r.Flow)
		}
		checkProperties(t, []byte(c.line+"\n"), opt)
	}
}

// What is wrong with a file of formats is named with its line.
func TestReadFormatsFaults(t *testing.T) {
	for text, want := range map[string]string{
		"know = x":                                 "own:1: want KEY = VALUE below [NAME]",
		"[a]\nknow":                                "own:2: want KEY = VALUE below [NAME]",
		"[a":                                       "own:1: want [NAME]",
		"[a]\ngrammar = xml":                       `own:2: no grammar "xml"`,
		"[a]\ncolour = red":                        `own:2: no key "colour"`,
		"[a]\nquotes = perhaps":                    "own:2: quotes: want yes or no",
		"[a]\nprefix = 5000":                       "own:2: prefix: want 0 to 1024",
		"[a]\nform = xml":                          "own:2: form: want cef or leef",
		"[a]\nknow = x":                            "own: format a has no grammar",
		"[a]\ngrammar = json":                      "own: format a: know is missing",
		"[a]\ngrammar = columns\norder = a b":      "own: format a: holds is missing",
		"[a]\ngrammar = sentences\nbegin = x":      "own: format a: begin and a sentence are wanted",
		"[a]\ngrammar=json\nknow=x\nfields=port=x": `own: format a: fields: want FIELD=NAME: "port=x"`,
		"[a]\ngrammar=json\nknow=x\nroles=in=out":  "own: format a: roles: want WORD=source",
		"[a]\ngrammar=json\nknow=x\noutcomes=a=b":  "own: format a: outcomes: no such outcome",
		"[a]\ngrammar=json\nknow=x\nprotocols=a=b": "own: format a: protocols: no such protocol",
		"[a]\ngrammar=sentences\nbegin=x\nsentence=x {nothing}": `no field "nothing"`,
		"[a]\ngrammar=sentences\nbegin=x\nsentence=x [{src}":    "no ] at the end",
		"[a]\ngrammar=columns\norder=a b\nholds=c=1":            `no column "c"`,
	} {
		if _, err := ReadFormats(strings.NewReader(text), "own"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzReadFormats reads anything as formats, and a log by them.
func FuzzReadFormats(f *testing.F) {
	f.Add(ownFormats, "BOX-7 blocked tcp 192.0.2.1:50000 -> 192.0.2.2:443")
	f.Add("[a]\ngrammar=sentences\nbegin=|x\nsentence=[[{*}]{}]{src}", "x y z")
	f.Add("[a]\ngrammar=columns\nseparators=space\norder=a b\nholds=a=1\nfields=sport=b", "1 2")
	f.Fuzz(func(t *testing.T, formats, log string) {
		if strings.Contains(log, "portannot") {
			t.Skip("a forged annotation may be taken for one")
		}
		set, err := ReadFormats(strings.NewReader(formats), "own")
		if err != nil {
			return
		}
		checkProperties(t, []byte(log), Options{Formats: set})
	})
}

// TestFormatsAbout: a description stands alone, as the list has one row of each
// format.
func TestFormatsAbout(t *testing.T) {
	for _, f := range Formats() {
		if strings.HasPrefix(f.About, "the same") {
			t.Errorf("%s: %q refers to another row", f.Name, f.About)
		}
	}
}
