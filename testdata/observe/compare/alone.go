package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/observe"
	capflow "github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
	"github.com/portannot/portannot/testdata/observe/flows"
)

// aloneTable takes each packet with payload for a flow of its own, as a sampled
// capture has it. It prints how many of each verdict there are, and the
// contradictions that the whole flow does not bear out: those of flows that are
// something else, or that do not contradict.
func aloneTable(opt options, files []os.DirEntry) error {
	annotator := annotate.New(annotate.Options{})
	var observer annotate.Observer
	verdicts := map[observe.Verdict]int{}
	packets, contradictions, certain, wrong := 0, 0, 0, 0
	for _, e := range files {
		path := filepath.Join(opt.captures, e.Name())
		all, err := flows.Read(path, opt.keep)
		if err != nil {
			continue // no capture
		}
		whole := map[flows.Key]*flows.Flow{}
		for _, f := range all {
			whole[f.Key] = f
		}
		seen := map[string]int{}
		err = flows.Each(path, func(s *packet.Summary) {
			if s.PayloadLen == 0 {
				return
			}
			packets++
			f := capflow.Flow{Protocol: s.Protocol, Source: netip.AddrPortFrom(s.SrcAddr(), s.SrcPort), Destination: netip.AddrPortFrom(s.DstAddr(), s.DstPort)}
			f.Payload[0] = capflow.Payload{Data: s.Payload[:min(len(s.Payload), opt.keep)], Len: s.PayloadLen, PPID: s.PPID}
			a := annotator.Flow(&f, &observer)
			verdicts[a.Observed.Verdict]++
			src := flows.Endpoint{Addr: s.SrcAddr(), Port: s.SrcPort}
			w := whole[flows.MakeKey(s.Protocol, src, flows.Endpoint{Addr: s.DstAddr(), Port: s.DstPort})]
			if a.Service.Reason == annotate.ByPayload && a.Service.Confidence == annotate.Certain && s.Protocol == packet.TCP && w.Opener != observe.NoSide {
				certain++
				if opener := [...]flows.Endpoint{w.Src, w.Dst}[w.Opener-observe.Source]; (a.Service.Side == annotate.Source) == (opener == src) {
					wrong++
					fmt.Printf("wrong side\t%s\t%v\t%v: %s\n", w.File, w.Key, a.Observed.Protocol, a.Observed.Reason)
				}
			}
			if a.Observed.Verdict != observe.Contradicts {
				return
			}
			contradictions++
			if v, _ := verdictOf(w); v != observe.Contradicts || w.Ours.Protocol != a.Observed.Protocol {
				seen[fmt.Sprintf("%s\t%v\tport %d\t%v: %s\tthe flow is %v, %v", w.File, w.Key, a.Service.Port, a.Observed.Protocol, a.Observed.Reason, w.Ours.Protocol, v)]++
			}
		})
		if err != nil {
			return err
		}
		var lines []string
		for l, n := range seen {
			lines = append(lines, fmt.Sprintf("%d\t%s", n, l))
		}
		slices.Sort(lines)
		for _, l := range lines {
			fmt.Println(l)
		}
	}
	fmt.Printf("%d packets with payload, %d contradict\n", packets, contradictions)
	for v := range observe.NumVerdicts {
		fmt.Printf("%v\t%d\n", v, verdicts[v])
	}
	fmt.Printf("%d sides certain by payload on connections with a handshake, %d wrong\n", certain, wrong)
	return nil
}
