package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/meter"
	"github.com/portannot/portannot/capture/packet"
)

func numNetworks() int {
	if testing.Short() {
		return 20_000
	}
	return 200_000
}

// makeCapture writes a capture of n networks to a file.
func makeCapture(t *testing.T, kind string, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), kind+".pcap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w, kind, n); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return path
}

// account is what was counted in each network.
type account struct {
	flows   int
	packets map[packet.Context][2]uint64
}

func (a *account) add(f *flow.Flow) {
	if a.packets == nil {
		a.packets = map[packet.Context][2]uint64{}
	}
	a.flows++
	n := a.packets[*f.Context]
	a.packets[*f.Context] = [2]uint64{n[0] + f.Forward.Packets, n[1] + f.Reverse.Packets}
}

// check reports any network whose packets are not those of its conversation.
func (a *account) check(t *testing.T, n int) {
	t.Helper()
	long := *packet.VLAN(7)
	for c, packets := range a.packets {
		want := [2]uint64{3, 2}
		if c == long {
			want = [2]uint64{3001, 3000}
		}
		if packets != want {
			t.Errorf("%v: %v packets, want %v", &c, packets, want)
			return
		}
	}
	if len(a.packets) != n+1 {
		t.Errorf("%d networks, want %d", len(a.packets), n+1)
	}
}

// TestFile: read from a file, each network is one flow, on any number of workers; and
// where there are more than memory may hold, flows end early, which is counted, and
// none are merged.
func TestFile(t *testing.T) {
	n := numNetworks()
	for _, kind := range []string{"vlans", "tunnels"} {
		path := makeCapture(t, kind, n)
		for _, c := range []struct {
			workers, contexts int
		}{{1, 0}, {4, 0}, {1, 3000}, {3, 3000}} {
			t.Run(fmt.Sprint(kind, " ", c), func(t *testing.T) {
				r, err := capture.Open(path, capture.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				var a account
				m := meter.New(meter.Options{Workers: c.workers, Flow: flow.Options{MaxContexts: c.contexts, Emit: a.add}})
				if err := m.Read(context.Background(), r); err != nil {
					t.Fatal(err)
				}
				early := a.flows
				res := m.Results()
				var f flow.Flow
				for i := range res.Len() {
					res.Fill(i, &f)
					a.add(&f)
				}
				a.check(t, n)
				st := m.Stats().Flows
				if c.contexts == 0 && (early != 0 || a.flows != n+1) {
					t.Errorf("%d flows, %d of them early", a.flows, early)
				}
				if c.contexts > 0 && (st.Crowded < uint64(n-c.contexts) || res.Len() > c.contexts) {
					t.Errorf("%d flows at the end, %+v", res.Len(), st)
				}
			})
		}
	}
}

// TestLive: where flows are given out as they end, memory follows those that are under
// way, not those that ever were.
func TestLive(t *testing.T) {
	n := numNetworks()
	for _, kind := range []string{"vlans", "tunnels"} {
		path := makeCapture(t, kind, n)
		r, err := capture.Open(path, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var a account
		flows := uint64(0)
		tb := flow.NewTable(flow.Options{Idle: 5 * time.Second, Prompt: true, Emit: func(f *flow.Flow) {
			flows++
			if f.Context.NumVLANs == 1 && f.Context.Depth == 0 {
				a.add(f)
			} else if f.Forward.Packets != 3 || f.Reverse.Packets != 2 {
				t.Errorf("%v: %d and %d packets", f.Context, f.Forward.Packets, f.Reverse.Packets)
			}
		}})
		d := decode.New(decode.Options{})
		packets := make([]capture.Packet, 64)
		var sums []packet.Summary
		var tick int64
		var before, most uint64
		for {
			k, err := r.Next(packets)
			sums = d.DecodeAll(sums[:0], packets[:k], func(*capture.Packet, decode.Result) {})
			tb.Add(sums)
			if k > 0 && packets[k-1].Time-tick >= int64(time.Second) {
				tick = packets[k-1].Time
				tb.Expire(tick)
				if second := tick/1e9 - start; second%60 == 30 {
					if heap := heapNow(); second < 60 {
						before = heap
					} else {
						most = max(most, heap)
					}
				}
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		tb.Expire(tick + int64(time.Hour))
		if flows != uint64(n+1) || tb.Len() != 0 || tb.Stats().Evicted != 0 {
			t.Errorf("%s: %d flows, %d held, %+v", kind, flows, tb.Len(), tb.Stats())
		}
		if got := a.packets[*packet.VLAN(7)]; got != [2]uint64{3001, 3000} {
			t.Errorf("%s: %v packets of the flow that goes on", kind, got)
		}
		// What is remembered of ended flows is bounded, and reached within the run.
		if limit := before + 64<<20; most > limit {
			t.Errorf("%s: the heap grew from %d to %d bytes", kind, before, most)
		}
		t.Logf("%s: heap %d bytes after half a minute, %d at most later", kind, before, most)
	}
}

func heapNow() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
