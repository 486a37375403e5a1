// Command outside prints the flows of a capture as the command portannot -o json
// does. It stands for the program of a stranger: a test builds it in a module of
// its own and compares the two.
package main

import (
	"context"
	"log"
	"os"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/meter"
)

func main() {
	src, err := capture.Open(os.Args[1], capture.Options{})
	if err != nil {
		log.Fatal(err)
	}
	m := meter.New(meter.Options{Flow: annotate.FlowOptions()})
	err = m.Read(context.Background(), src)
	flows, evidence := m.Results(), annotate.NewEvidence(annotate.EvidenceOptions{})
	evidence.AddAll(flows)
	annotator := annotate.New(annotate.Options{Evidence: evidence})
	var f flow.Flow
	for i := range flows.Len() {
		flows.Fill(i, &f)
		a := annotator.Flow(&f, new(annotate.Observer))
		os.Stdout.Write(record.AppendJSON(nil, &f, &a))
	}
	if err != nil {
		log.Fatal(err)
	}
}
