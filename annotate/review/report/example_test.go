package report_test

import (
	"bytes"
	"fmt"
	"net/netip"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/review"
	"github.com/portannot/portannot/annotate/review/report"
)

// A report in JSON can be read again, to be the baseline of a later review. Bounds
// is called before the report is made.
func ExampleWrite() {
	collector := review.NewCollector(iana.Embedded(), review.Options{})
	in := annotate.Input{Protocol: 6, Source: netip.MustParseAddrPort("10.0.0.9:50000"), Destination: netip.MustParseAddrPort("10.0.0.1:443")}
	a := annotate.New(annotate.Options{}).Annotate(in)
	flow := review.Logged(&in)
	collector.Add(&flow, &a)

	var ctx review.Context
	report.Bounds("json", &ctx)
	var file bytes.Buffer
	if err := report.Write(&file, "json", collector.Report(ctx), report.Meta{}); err != nil {
		fmt.Println(err)
	}
	baseline, err := review.ReadReport(&file, "report.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range baseline.Services {
		fmt.Println(s.ID, s.Registered.Name(), s.Outcome)
	}
	// Output:
	// 10.0.0.1:443/tcp https seen
}
