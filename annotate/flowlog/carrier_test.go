package flowlog

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
)

// carriers put a record of text into what others put around it. whole reports
// whether what came out is still a carrier.
var carriers = []struct {
	name  string
	put   func(line string) string
	whole func(line string) bool
}{
	{"RFC 3164", func(s string) string { return "Sep 14 09:00:00 host1 kernel[123]: " + s }, nil},
	{"RFC 3164 with priority", func(s string) string { return "<134>Sep 14 09:00:00 host1 kernel: " + s }, nil},
	{"without a tag", func(s string) string { return "<134>Sep  4 09:00:00 192.0.2.9 " + s }, nil},
	{"rsyslog", func(s string) string { return "2026-09-14T09:00:00.123456+02:00 host1 kernel: " + s }, nil},
	{"RFC 5424", func(s string) string {
		return `<134>1 2026-09-14T09:00:00.003Z host1 kernel 123 ID47 [x@32473 a="b \"]" c="d"] ` + s
	}, nil},
	{"RFC 5424 without data", func(s string) string { return "<134>1 2026-09-14T09:00:00Z host1 kernel - - - \xef\xbb\xbf" + s }, nil},
	{"export", func(s string) string { return "2026-09-14T09:00:00.000Z " + s }, nil},
	{"message", func(s string) string { return `{"@timestamp":"2026-09-14T09:00:00Z","message":` + quote(s) + `}` }, isObject},
	{"original", func(s string) string { return `{"event":{"kind":"event","original":` + quote(s) + `}}` }, isObject},
	{"docker", func(s string) string { return `{"log":` + quote(s+"\n") + `,"stream":"stdout"}` }, isObject},
	{"journald", func(s string) string { return `{"MESSAGE":` + quote(s) + `,"_HOSTNAME":"h"}` }, isObject},
	{"Splunk", func(s string) string { return `{"result":{"_raw":` + quote(s) + `}}` }, isObject},
	{"collector", func(s string) string { return `{"time":1,"event":` + quote(s) + `}` }, isObject},
	{"subscription", func(s string) string {
		return `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"0","message":` + quote(s) + `}]}`
	}, isObject},
	{"in two", func(s string) string {
		return `{"log":` + quote(`{"message":`+quote("<13>Sep 14 09:00:00 h "+s)+`}`) + `}`
	}, isObject},
	{"CSV", func(s string) string { return "_time,_raw\nx,\"" + strings.ReplaceAll(s, `"`, `""`) + `"` }, func(s string) bool {
		rows, err := csv.NewReader(strings.NewReader(s)).ReadAll()
		return err == nil && len(rows) == 2
	}},
}

func quote(s string) string { b, _ := json.Marshal(s); return string(b) }

func isObject(s string) bool { return json.Valid([]byte(s)) }

// objectCarriers put an object into what others put around it.
var objectCarriers = []struct {
	name string
	put  func(object string) string
}{
	{"hit", func(s string) string { return `{"_index":"x","_source":` + s + `}` }},
	{"hits", func(s string) string { return `{"took":1,"hits":{"total":1,"hits":[{"_id":"1","_source":` + s + `}]}}` }},
	{"collector", func(s string) string { return `{"time":1,"event":` + s + `}` }},
}

// Any record that stands alone, of any format, says in any carrier what it says
// alone; the carrier stays what it is, and stripping gives it back.
func TestCarriers(t *testing.T) {
	lines, tried := 0, 0
	for _, s := range samples(t) {
		if s.opt.Format != "" || !s.opt.Map.IsZero() || len(s.opt.Fields) > 0 || strings.Contains(s.path, "bad") {
			continue
		}
		for line := range bytes.Lines(s.data) {
			line := string(trimEnd(line))
			alone, ok := onlyFlow(t, line)
			if !ok {
				continue
			}
			lines++
			record := line
			if line[0] != '{' { // a header of its own would make two
				var h header
				h.read([]byte(line))
				record = line[h.begins[max(h.n-1, 0)]:]
				if f, ok := onlyFlow(t, record); !ok || f != alone {
					continue
				}
			}
			for _, c := range carriers {
				checkCarried(t, s.path+" in "+c.name, c.put(record), alone, c.whole)
				tried++
			}
			if line[0] == '{' {
				for _, c := range objectCarriers {
					checkCarried(t, s.path+" in "+c.name, c.put(record), alone, isObject)
					tried++
				}
			}
		}
	}
	if lines < 60 || tried < 1000 {
		t.Errorf("only %d records in %d carriers", lines, tried)
	}
}

// onlyFlow reads a log of one flow.
func onlyFlow(t *testing.T, log string) (f annotate.Input, ok bool) {
	t.Helper()
	n := 0
	for _, r := range readAll(t, log+"\n", Options{}) {
		if r.Kind == Flow {
			f, ok = r.Flow, true
			n++
		}
	}
	return f, ok && n == 1
}

func checkCarried(t *testing.T, name, carried string, want annotate.Input, whole func(string) bool) {
	t.Helper()
	f, ok := onlyFlow(t, carried)
	if !ok || f != want {
		t.Errorf("%s: %v, want %v\n%s", name, f, want, carried)
		return
	}
	out, _ := enrich(t, strings.NewReader(carried), EnrichOptions{})
	if whole != nil && !whole(string(out)) {
		t.Errorf("%s: not whole: %s", name, out)
	}
	if !bytes.Contains(out, caveatText) {
		t.Errorf("%s: not annotated: %s", name, out)
	}
	original := []byte(carried)
	if strings.Contains(carried, "portannot") {
		original, _ = enrich(t, strings.NewReader(carried), EnrichOptions{Strip: true})
	}
	if back, _ := enrich(t, bytes.NewReader(out), EnrichOptions{Strip: true}); !bytes.Equal(back, original) {
		t.Errorf("%s: stripped, it is not the original: %s", name, firstDifference(back, original))
	}
	if again, _ := enrich(t, bytes.NewReader(out), EnrichOptions{}); !bytes.Equal(again, out) {
		t.Errorf("%s: annotated again, it differs: %s", name, firstDifference(again, out))
	}
}

// What stands in a field never decides how a record is read: records with
// another one inside them are read as what they are.
func TestContentDecidesNothing(t *testing.T) {
	texts := []string{
		`kernel: IN=eth0 OUT= SRC=203.0.113.5 DST=192.0.2.10 LEN=60 PROTO=TCP SPT=1 DPT=2 SYN URGP=0`,
		`%ASA-6-302013: Built inbound TCP connection 27 for outside:203.0.113.5/1 (203.0.113.5/1) to inside:192.0.2.10/2 (192.0.2.10/2)`,
		`logid=1 type=traffic srcip=203.0.113.5 dstip=192.0.2.10 srcport=1 dstport=2 proto=6`,
		`{"event_type":"flow","timestamp":"x","src_ip":"203.0.113.5","src_port":1,"dest_ip":"192.0.2.10","dest_port":2,"proto":"TCP"}`,
		`"flowTuples":["1789376402,203.0.113.5,192.0.2.10,1,2,T,I,A"]`,
		"#fields\tid.orig_p\tid.resp_p", "portannot.caveat=registration-does-not-validate-traffic",
	}
	for _, text := range texts {
		for _, line := range []string{
			`{"timestamp":"2026-09-14T09:00:00Z","event_type":"http","src_ip":"192.0.2.1","src_port":50000,"dest_ip":"192.0.2.2","dest_port":443,"proto":"TCP","http":{"http_user_agent":%s}}`,
			`{"ts":1.5,"id.orig_h":"192.0.2.1","id.orig_p":50000,"id.resp_h":"192.0.2.2","id.resp_p":443,"proto":"tcp","user_agent":%s,"message":%[1]s}`,
			`date=2026-09-14 logid="1" type="traffic" srcip=192.0.2.1 srcport=50000 dstip=192.0.2.2 dstport=443 proto=6 agent=%s`,
		} {
			log := fmt.Sprintf(line, quote(text))
			f, ok := onlyFlow(t, log)
			if !ok || f.Destination.Port() != 443 || f.Source.Port() != 50000 {
				t.Errorf("%s: %v", log, f)
			}
		}
		// A line of a program that writes what a stranger sent.
		for _, line := range []string{"Sep 14 09:00:00 host1 sshd[1]: Invalid user " + text + " from 203.0.113.9 port 50000", `203.0.113.9 - - [14/Sep/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" ` + quote(text)} {
			if f, ok := onlyFlow(t, line); ok {
				t.Errorf("%s: is taken for a flow: %v", line, f)
			}
		}
	}
}
