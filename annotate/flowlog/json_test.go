package flowlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// What encoding/json makes of an annotated line is what it made of the line,
// and "portannot".
func TestJSONByOtherMeans(t *testing.T) {
	n := 0
	for _, s := range samples(t) {
		for line := range bytes.Lines(s.data) {
			var before map[string]any
			if json.Unmarshal(line, &before) != nil {
				continue
			}
			out, st, err := tryEnrich(bytes.NewReader(line), EnrichOptions{Options: Options{Format: s.format, Map: s.opt.Map}})
			if err != nil || st.Flows == 0 || s.format == "azure" {
				continue
			}
			var after map[string]any
			if err := json.Unmarshal(out, &after); err != nil {
				t.Fatalf("%s: %v: %s", s.path, err, out)
			}
			_, had := before["portannot"]
			owns := takeOwn(after)
			if uint64(len(owns)) != st.Flows {
				t.Errorf("%s: %d annotations of %d flows", s.path, len(owns), st.Flows)
			}
			for _, own := range owns {
				if own["caveat"] == nil || own["service"] == nil || own["registry"] == nil {
					t.Errorf("%s: annotation %v", s.path, own)
				}
			}
			if !had && !reflect.DeepEqual(before, after) {
				t.Errorf("%s: changed: %s", s.path, out)
			}
			n++
		}
	}
	if n < 15 {
		t.Errorf("only %d lines", n)
	}
}

// takeOwn takes the objects "portannot" out of a value, and out of all that is in it.
func takeOwn(in any) (owns []map[string]any) {
	switch in := in.(type) {
	case map[string]any:
		if own, ok := in["portannot"].(map[string]any); ok {
			owns = append(owns, own)
			delete(in, "portannot")
		}
		for _, x := range in {
			owns = append(owns, takeOwn(x)...)
		}
	case []any:
		for _, x := range in {
			owns = append(owns, takeOwn(x)...)
		}
	}
	return owns
}

// portannot's own records keep what they say of packets; with the same registry
// they come out as they went in, but for the order of members.
func TestOwnRecordsKeepTheirFacts(t *testing.T) {
	for _, s := range samples(t) {
		if s.format != "portannot" {
			continue
		}
		out, _ := enrich(t, bytes.NewReader(s.data), EnrichOptions{})
		before, after := slices.Collect(bytes.Lines(s.data)), slices.Collect(bytes.Lines(out))
		for i := range before {
			var a, b any
			if json.Unmarshal(before[i], &a) != nil || json.Unmarshal(after[i], &b) != nil || !reflect.DeepEqual(a, b) {
				t.Errorf("line %d\n was %s is %s", i+1, before[i], after[i])
			}
		}
	}
}

// A decision by what a record does not show is kept, and so are the user's own
// names, where nothing stronger is known now.
func TestOwnRecordsKeepDecisions(t *testing.T) {
	const record = `{"network":{"iana_number":"17"},"source":{"ip":"192.0.2.1","port":5000},"destination":{"ip":"192.0.2.2","port":60000},"portannot":{"service":{"side":%q,"reason":%q,"confidence":"certain","port":%s},"source_local":"mine","local":"mine","first_packet":1}}` + "\n"
	for _, c := range []struct{ side, reason, port, wantSide, wantReason string }{
		{"source", "payload", "5000", "source", "payload"},
		{"destination", "payload", "60000", "destination", "payload"},
		{"destination", "other-flows", "60000", "destination", "other-flows"},
		{"source", "listed", "5000", "source", "listed"},
		{"destination", "high-port", "60000", "source", "high-port"}, // ports are looked at again
	} {
		out, _ := enrich(t, strings.NewReader(fmt.Sprintf(record, c.side, c.reason, c.port)), EnrichOptions{})
		var v struct {
			Portannot struct {
				Service          struct{ Side, Reason string }
				Local            string
				Registered       map[string]any
				SourceRegistered map[string]any `json:"source_registered"`
			}
		}
		if err := json.Unmarshal(out, &v); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		p := v.Portannot
		if p.Service.Side != c.wantSide || p.Service.Reason != c.wantReason || p.Local != "mine" || p.Registered == nil || (c.wantSide == "source") != reflect.DeepEqual(p.Registered, p.SourceRegistered) {
			t.Errorf("%s by %s: %s", c.side, c.reason, out)
		}
	}
}

// Where the annotation goes, and what stripping leaves.
func TestJSONEdits(t *testing.T) {
	c, err := newCatalog([]*format{{name: "test", know: "d", fields: "proto=p, sport=s.p, dport=d"}})
	if err != nil {
		t.Fatal(err)
	}
	l := &records{catalog: c}
	for _, c := range []struct{ line, stripped string }{
		{`{"p":6,"d":80}`, `{"p":6,"d":80}`},
		{`{"p":6,"d":80,"portannot":{"service":1}}`, `{"p":6,"d":80}`},
		{`{"p":6 , "portannot" : {"service":1} , "d":80}`, `{"p":6  , "d":80}`},
		{`{"portannot":{"service":1},"p":6,"d":80}`, `{"p":6,"d":80}`},
		{`{"p":6,"d":80,"portannot":{"state":"closed","service":1, "x" : [1] }}`, `{"p":6,"d":80,"portannot":{"state":"closed","x" : [1]}}`},
		{`{"p":6,"d":80,"portannot":{}}`, `{"p":6,"d":80}`},
		{` {"s.p":1,"d":"80"} `, ` {"s.p":1,"d":"80"} `},
		{`{"s":{"p":1,"p":2},"d":80,"portannot.service":3}`, `{"s":{"p":1,"p":2},"d":80,"portannot.service":3}`},
	} {
		r := new(Record)
		r.reset([]byte(c.line))
		parse(l, r)
		if r.Kind != Flow {
			t.Errorf("%s: kind %d, %v", c.line, r.Kind, r.Problem())
			continue
		}
		if got := (jsonLog{}).strip(nil, r); string(got) != c.stripped {
			t.Errorf("%s\nstripped %s\n    want %s", c.line, got, c.stripped)
		}
		n := notes{}
		n.annotation = testAnnotator.Annotate(r.Flow)
		out := jsonLog{}.append(nil, r, &n)
		if !json.Valid(out) || strings.Count(string(out), `"portannot":`)+strings.Count(string(out), `"portannot" :`) != 1 {
			t.Errorf("%s: annotated %s", c.line, out)
		}
	}
}

// TestJSONHabits: what is remembered of earlier objects changes nothing, whatever
// comes after what.
func TestJSONHabits(t *testing.T) {
	tree := newJSONTree(map[string]uint16{"a": 0, "b.c": 1, "b.d": 2, "source_address": 3, "key_of_16_letters": 4})
	members := []string{`"a":1`, `"a" : 2`, `"a":"x\"y"`, `"\u0061":3`, `"ab":4`, `"b":{"c":5,"d":6}`, `"b":{"d":7}`, `"b":{}`, `"b":8`, `"b.c":9`,
		`"source_address":10`, `"source_addresses":11`, `"source_address_":12`, `"source_addresS":13`, `"key_of_16_letters":14`, `"key_of_16_lettres":15`,
		`"portannot":{"service":1}`, `"portannot" :16`, `"":17`, `"a`, `"a"`, `"` + strings.Repeat("k", 100) + `":18`}
	for i := range 2 * maxHabits { // too many to be remembered
		members = append(members, fmt.Sprintf(`"k%d":%d`, i, i))
	}
	r := rand.New(rand.NewPCG(1, 1))
	var used jsonScan
	good := 0
	for range 20_000 {
		line := "{"
		for range r.IntN(6) {
			n := 22 + r.IntN(20)
			if r.IntN(20) == 0 {
				n = len(members)
			}
			line += members[r.IntN(n)] + []string{",", ", ", " ,"}[r.IntN(3)]
		}
		line += members[r.IntN(19)] + "}"
		var fresh jsonScan
		end, again := fresh.scan([]byte(line), tree, 0), used.scan([]byte(line), tree, 0)
		if end != again || !slices.Equal(fresh.found, used.found) || fresh.have != used.have || fresh.fault != used.fault || fresh.owns != used.owns || fresh.own != used.own || fresh.whole != used.whole {
			t.Fatalf("%s:\nto %d %q %v, else %d %q %v", line, again, used.fault, used.found, end, fresh.fault, fresh.found)
		}
		if end == len(line) {
			good++
		}
	}
	if good < 10_000 {
		t.Errorf("only %d objects are good", good)
	}
	if n := len(used.habits[0].known); n != maxHabits {
		t.Errorf("%d keys are remembered", n)
	}
}

// FuzzJSONScan compares with encoding/json: what that calls an object is read to
// its end, and the values that are looked for are the same.
func FuzzJSONScan(f *testing.F) {
	for _, s := range samples(f) {
		for line := range bytes.Lines(s.data) {
			if line[0] == '{' {
				f.Add(bytes.TrimSpace(line))
			}
		}
	}
	for _, s := range []string{`{}`, `{"a":{"b":1,"b":"\u0041"}}`, `{"a.b":1}`, `{"a":1,"a":{"b":[{}]}}`, `{"\u0061":{"b":-1.5e+3}}`, `{"a":[[[["}"]]]]}`, `{"c":null,"c":true}`} {
		f.Add([]byte(s))
	}
	tree := newJSONTree(map[string]uint16{"c": 0, "a.b": 1, "a.d.e": 2})
	f.Fuzz(func(t *testing.T, line []byte) {
		var j jsonScan
		var want map[string]json.RawMessage
		err := json.Unmarshal(line, &want)
		if len(line) == 0 || line[0] != '{' {
			return
		}
		end := j.scan(line, tree, 0)
		found, owns, fault := slices.Clone(j.found), j.owns, j.fault
		if again := j.scan(line, tree, 0); again != end || !slices.Equal(j.found, found) || j.owns != owns || j.fault != fault {
			t.Fatalf("%q: read to %d, %s, then to %d, %s: %v and %v", line, end, fault, again, j.fault, found, j.found)
		}
		if err != nil {
			return
		}
		if rest := bytes.TrimRight(line, " \t\r\n"); end != len(rest) && j.fault != jsonDeep {
			t.Fatalf("%q: read to %d of %d: %s", line, end, len(rest), j.fault)
		}
		if j.fault != "" {
			return
		}
		if at, _ := j.lookup(0); want["c"] != nil && !bytes.Equal(line[at.from:at.to], want["c"]) {
			t.Errorf("%q: c is %q, want %q", line, line[at.from:at.to], want["c"])
		}
		from, to := nextObject(line)
		if from != 0 || to != end {
			t.Errorf("%q: braces end at %d, the object at %d", line, to, end)
		}
		if (j.owns > 0) != (want["portannot"] != nil) {
			t.Errorf("%q: portannot seen %d times", line, j.owns)
		}
	})
}

func TestSpansLines(t *testing.T) {
	for s, want := range map[string]bool{
		"[": true, "[\n{": true, " \n[{\"a\":1}]": true, "{\n\t\"a\": 1": true, "{ \r\n": true,
		"{": false, "{\"a\":1}\n": false, "{\"a\":\n": false, "{\"a\":1": false, "garbage\n{\n": false, "": false,
	} {
		if got := spansLines([]byte(s)); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}
