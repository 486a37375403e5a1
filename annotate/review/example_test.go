package review_test

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/review"
	"github.com/portannot/portannot/capture/flow"
)

// A policy expects one service. The traffic shows another one on the same server.
func Example() {
	const text = `version: 1
expected:
- name: the web
  ports: [https]
  servers: [10.0.0.1]
`
	registry := iana.Embedded()
	policy, err := review.ReadPolicy(strings.NewReader(text), "policy.yaml", registry)
	if err != nil {
		fmt.Println(err)
		return
	}
	annotator := annotate.New(annotate.Options{Registry: registry})
	collector := review.NewCollector(registry, review.Options{Policy: policy})
	for _, server := range []string{"10.0.0.1:443", "10.0.0.1:3389"} {
		f := flow.Flow{
			Protocol: 6, Source: netip.MustParseAddrPort("10.0.0.9:50000"), Destination: netip.MustParseAddrPort(server),
			Forward: flow.Counters{Packets: 5, IPBytes: 400, First: 1789376400e9, Last: 1789376401e9},
			Reverse: flow.Counters{Packets: 4, IPBytes: 900, First: 1789376400e9, Last: 1789376401e9},
			State:   flow.Established, Opening: flow.Opening{Server: flow.Destination, Confirmed: true},
		}
		a := annotator.Flow(&f, nil)
		flow := review.Captured(&f)
		collector.Add(&flow, &a)
	}
	report := collector.Report(review.Context{})
	for _, s := range report.Services {
		fmt.Println(s.ID, s.Registered.Name(), s.Policy)
	}
	for _, f := range report.Findings {
		fmt.Println(f.Level, f.ID)
	}
	// Output:
	// 10.0.0.1:443/tcp https expected
	// 10.0.0.1:3389/tcp ms-wbt-server unexpected
	// warning not-in-policy:10.0.0.1:3389/tcp
}
