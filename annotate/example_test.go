package annotate_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/meter"
)

// What the registry says of a record of some log, whose two ends are all that is
// known.
func ExampleAnnotator_Annotate() {
	annotator := annotate.New(annotate.Options{})
	a := annotator.Annotate(annotate.Input{
		Protocol:    132, // SCTP
		Source:      netip.MustParseAddrPort("192.0.2.10:50123"),
		Destination: netip.MustParseAddrPort("192.0.2.20:4739"),
	})
	fmt.Printf("service: the %v, port %d\n", a.Service.Side, a.Service.Port)
	if e, ok := a.Registered(); ok {
		fmt.Printf("%d/%v is %v to %s\n", e.Port, e.Transport, e.Status, e.NameAt(0))
	}
	// Output:
	// service: the destination, port 4739
	// 4739/sctp is assigned to ipfix
}

// The flows of a capture whose payload is not what the registration says.
func ExampleAnnotator_Flow() {
	src, err := capture.Open("../testdata/captures/demo.pcap", capture.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	m := meter.New(meter.Options{Flow: annotate.FlowOptions()})
	if err := m.Read(context.Background(), src); err != nil {
		log.Print(err)
	}
	flows := m.Results()

	evidence := annotate.NewEvidence(annotate.EvidenceOptions{})
	evidence.AddAll(flows)
	annotator := annotate.New(annotate.Options{Evidence: evidence})
	var observer annotate.Observer
	var f flow.Flow
	for i := range flows.Len() {
		flows.Fill(i, &f)
		a := annotator.Flow(&f, &observer)
		if e, ok := a.Registered(); ok && a.Observed.Verdict.String() == "contradicts" {
			fmt.Printf("%v > %v: %s registered, %v observed\n", f.Source, f.Destination, e.NameAt(0), a.Observed.Protocol)
		}
	}
	// Output:
	// 10.20.0.11:50443 > 198.51.100.22:443: https registered, ssh observed
}
