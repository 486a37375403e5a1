package record

import (
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/internal/flowtest"
	"github.com/portannot/portannot/capture/flow"
)

func choose(t *testing.T, form Form, captures bool, names ...string) *Chosen {
	t.Helper()
	c, err := Choose(names, form, captures)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func decoded(t *testing.T, line []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(line, &v); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return v
}

// TestChosenFieldsAreThoseOfTheRecord: all fields together are the whole record, in
// JSON and CSV, and each alone is the same value as there.
func TestChosenFieldsAreThoseOfTheRecord(t *testing.T) {
	list := flowtest.Flows()
	local, err := annotate.ReadLocalNames(strings.NewReader("http\t80/tcp\t0.484143\n"), "nmap-services")
	if err != nil {
		t.Fatal(err)
	}
	annotators := []*annotate.Annotator{
		flowtest.Annotator(t),
		annotate.New(annotate.Options{AsOf: time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC), Local: local}),
		annotate.New(annotate.Options{AsOf: time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC)}),
	}
	for _, port := range []uint16{80, 11434, 32400} {
		list = append(list, flow.Flow{Protocol: 6, End: flow.EndInput, Source: netip.MustParseAddrPort("192.0.2.1:50000"), Destination: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.2"), port),
			Forward: flow.Counters{Packets: 1, First: 1789376400e9, Last: 1789376400e9}})
	}
	names := Choosable(true)
	all := choose(t, JSONForm, true, names...)
	columns := choose(t, CSVForm, true, Columns(FlowCSV)...)
	var csv CSV
	seen := map[string]bool{}
	for i := range len(list) * len(annotators) {
		f := &list[i/len(annotators)]
		a := annotators[i%len(annotators)].Flow(f, new(annotate.Observer))
		if i%2 == 0 { // as of one of several files
			a.Capture = "a \"b\".pcap"
		}
		whole := AppendJSON(nil, f, &a)
		want := decoded(t, whole)
		if got := decoded(t, all.AppendFlow(nil, f, &a)); !reflect.DeepEqual(got, want) {
			t.Errorf("flow %d: chosen\n%s\nwhole\n%s", i, all.AppendFlow(nil, f, &a), whole)
		}
		if got, want := string(columns.AppendFlow(nil, f, &a)), string(csv.AppendFlow(nil, f, &a)); got != want {
			t.Errorf("flow %d: chosen\n%s\nwhole\n%s", i, got, want)
		}
		for _, name := range names {
			one := choose(t, JSONForm, true, name)
			line := one.AppendFlow(nil, f, &a)
			again, err := one.AppendRecord(nil, whole)
			if err != nil || !reflect.DeepEqual(decoded(t, line), decoded(t, again)) {
				t.Errorf("flow %d, %s: %s, of the record %s (%v)", i, name, line, again, err)
			}
			seen[name] = seen[name] || string(line) != "{}\n"
		}
	}
	for name, some := range seen {
		if f, _ := Lookup(name); !some && f.In&flowBoth != 0 && !strings.Contains(name, "registered.") {
			t.Errorf("%s: no test flow has it", name)
		}
	}
}

// TestChosenFieldsOfLogs: likewise.
func TestChosenFieldsOfLogs(t *testing.T) {
	an, list := flowtest.Annotator(t), flowtest.Flows()
	var j JSON
	var names []string
	for _, name := range Choosable(false) {
		if f, _ := Lookup(name); f.In&LogCSV != 0 || strings.Contains(name, "registered.") || strings.HasPrefix(name, "portannot.registry.") || strings.HasSuffix(name, "_local") {
			names = append(names, name)
		}
	}
	all := choose(t, JSONForm, false, names...)
	for i := range list {
		in := annotate.Input{Protocol: list[i].Protocol, Source: list[i].Source, Destination: list[i].Destination, Start: list[i].Start(), NoSourcePort: i%3 == 1}
		a := an.Annotate(in)
		want, got := decoded(t, j.AppendLogRecord(nil, &in, &LogDetails{}, &a)), decoded(t, all.AppendInput(nil, &in, &a))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("flow %d: chosen\n%v\nwhole\n%v", i, got, want)
		}
	}
}

func TestChoose(t *testing.T) {
	an, list := flowtest.Annotator(t), flowtest.Flows()
	f := &list[0]
	a := an.Flow(f, nil)
	for _, test := range []struct {
		form  Form
		names []string
		want  string
	}{
		{JSONForm, []string{"destination.port", "portannot.service.side", "destination.ip", "source.port"}, `{"destination":{"port":`},
		{CSVForm, []string{"source.port", "destination.port", "source.port"}, "source.port,destination.port\n"},
		{TextForm, []string{"source.port", "portannot.observed.protocol"}, "source.port portannot.observed.protocol\n"},
	} {
		c := choose(t, test.form, true, test.names...)
		got := string(c.AppendFlow(c.AppendHeader(nil), f, &a))
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("%v: %s, want %s", test.names, got, test.want)
		}
		if test.form == TextForm && !strings.HasSuffix(got, " -\n") {
			t.Errorf("what is absent is not shown: %q", got)
		}
	}
	if names := choose(t, CSVForm, true, "client.*", "source.ip").Names(); !slices.Equal(names, []string{"client.ip", "client.port", "client.bytes", "client.packets", "source.ip"}) {
		t.Errorf("client.* is %v", names)
	}
	for _, name := range []string{"", "*", "source", "source.ipp", "portannot.outcome", "client.*x"} {
		var unknown *UnknownFieldError
		if _, err := Choose([]string{name}, CSVForm, true); !errors.As(err, &unknown) || unknown.Name != name || !slices.Contains(unknown.Known, "source.ip") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := Choose([]string{"portannot.state"}, CSVForm, false); err == nil {
		t.Error("a log has a state")
	}
}
