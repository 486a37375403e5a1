package summary

import (
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/flowtest"
)

// fill counts the test flows.
func fill(t *testing.T, table *Table) (flows uint64) {
	an, list := flowtest.Annotator(t), flowtest.Flows()
	for i := range list {
		a := an.Flow(&list[i], new(annotate.Observer))
		f := OfCapture(&list[i], &a)
		table.Add(&f)
	}
	return uint64(len(list))
}

// TestNothingIsLost: each flow is in one group, whatever the keys and bounds.
func TestNothingIsLost(t *testing.T) {
	for k := range numKeys {
		if k == Host {
			continue // a flow counts for each of its hosts
		}
		for _, maxGroups := range []int{MaxGroups, 1, 0} {
			table := New([]Key{k})
			table.maxGroups = maxGroups
			want := fill(t, table)
			groups, all := table.Top(0, Order{})
			got := table.Others.Flows
			for _, g := range groups {
				got += g.Flows
				byStatus := g.NoSide
				for _, n := range g.Statuses {
					byStatus += n
				}
				if byStatus != g.Flows {
					t.Errorf("%v %v: %d flows, %d by status", k, g.Keys, g.Flows, byStatus)
				}
			}
			if got != want || all > maxGroups {
				t.Errorf("%v: %d flows in %d groups, want %d in at most %d", k, got, all, want, maxGroups)
			}
		}
	}
}

func TestAddressesAreBounded(t *testing.T) {
	exact, bounded := New([]Key{Service}), New([]Key{Service})
	bounded.maxAddresses = 3
	fill(t, exact)
	fill(t, bounded)
	of := map[string]*Group{}
	all, _ := exact.Top(0, Order{})
	for _, g := range all {
		if g.AtLeast {
			t.Errorf("%v is not exact", g.Keys)
		}
		of[g.Keys[0]] = g
	}
	groups, _ := bounded.Top(0, Order{})
	told, short := 0, 0
	for _, g := range groups {
		e := of[g.Keys[0]]
		told += g.Clients() + g.Servers()
		fewer := g.Clients() < e.Clients() || g.Servers() < e.Servers()
		if fewer != g.AtLeast {
			t.Errorf("%v: %d clients and %d servers of %d and %d, at least: %v", g.Keys, g.Clients(), g.Servers(), e.Clients(), e.Servers(), g.AtLeast)
		}
		if fewer {
			short++
		}
	}
	if told > 3 || short == 0 {
		t.Errorf("%d addresses told apart, want at most 3; %d groups short of some", told, short)
	}
}

func TestTopOrders(t *testing.T) {
	keys := []Key{Service, Server, Name}
	table := New(keys)
	fill(t, table)
	for _, name := range Columns(keys) {
		for _, sort := range []string{name, "-" + name} {
			o, ok := ParseOrder(sort, keys)
			if !ok {
				t.Fatalf("%s is no order", sort)
			}
			groups, all := table.Top(4, o)
			if len(groups) != 4 || all <= 4 {
				t.Fatalf("%d of %d groups", len(groups), all)
			}
			for i := 1; i < len(groups); i++ {
				if o.compare(groups[i-1], groups[i]) > 0 {
					t.Errorf("%s: %v before %v", sort, groups[i-1].Keys, groups[i].Keys)
				}
			}
			if of := columns[name]; of != nil && (of(groups[0]) < of(groups[3])) != (sort != name) && of(groups[0]) != of(groups[3]) {
				t.Errorf("%s: %d first and %d fourth", sort, of(groups[0]), of(groups[3]))
			}
		}
	}
	if _, ok := ParseOrder("client", keys); ok {
		t.Error("a key that the table has not is a column")
	}
}

// TestPortsAreOrderedAsNumbers: 443 is before 11434, and what is not known last.
func TestPortsAreOrderedAsNumbers(t *testing.T) {
	keys := []Key{Service}
	table := New(keys)
	for _, f := range []Flow{{}, {HasPort: true, Port: 11434, Transport: iana.TCP}, {HasPort: true, Port: 443, Transport: iana.UDP}, {HasPort: true, Port: 443, Transport: iana.TCP}} {
		table.Add(&f)
	}
	for sort, want := range map[string]string{"service": "443/tcp 443/udp 11434/tcp -", "-service": "11434/tcp 443/udp 443/tcp -", "flows": "443/tcp 443/udp 11434/tcp -"} {
		o, _ := ParseOrder(sort, keys)
		groups, _ := table.Top(0, o)
		var got []string
		for _, g := range groups {
			got = append(got, g.Keys[0])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("--sort %s: %v, want %s", sort, got, want)
		}
	}
}

func TestKeysHaveNames(t *testing.T) {
	for k := range numKeys {
		if got, ok := ParseKey(k.String()); !ok || got != k {
			t.Errorf("ParseKey(%q) = %v, %v", k, got, ok)
		}
	}
	if _, ok := ParseKey("colour"); ok {
		t.Error("colour is a key")
	}
}
