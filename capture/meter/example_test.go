package meter_test

import (
	"context"
	"fmt"
	"iter"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/filter"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/meter"
)

// The flows of a capture file.
func Example() {
	src, err := capture.Open("../../testdata/captures/demo.pcap", capture.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()

	m := meter.New(meter.Options{})
	if err := m.Read(context.Background(), src); err != nil {
		log.Print(err) // the capture is damaged, say: the flows are those of the rest
	}
	flows := m.Results()
	var f flow.Flow
	for i := range min(flows.Len(), 5) {
		flows.Fill(i, &f)
		fmt.Printf("%v > %v: %d packets, %d back, %v\n", f.Source, f.Destination, f.Forward.Packets, f.Reverse.Packets, f.State)
	}
	fmt.Println(m.Stats().Packets, "packets,", flows.Len(), "flows")

	// Output:
	// 0.0.0.0:68 > 255.255.255.255:67: 1 packets, 0 back, one-way
	// 10.20.0.1:67 > 255.255.255.255:68: 1 packets, 0 back, one-way
	// 10.20.0.11:51514 > 10.20.0.53:53: 1 packets, 1 back, established
	// 10.20.0.11:44818 > 203.0.113.80:443: 8 packets, 6 back, closed
	// [2001:db8:20::11]:51812 > [2001:db8:80::443]:443: 4 packets, 3 back, established
	// 98 packets, 21 flows
}

// The packets to and from port 443 as they come, each with its flow up to then.
func ExampleOptions_packet() {
	src, err := capture.Open("../../testdata/captures/demo.pcap", capture.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()

	https, err := filter.NewSet("tcp port 443 and ip", filter.Options{})
	if err != nil {
		log.Fatal(err)
	}
	m := meter.New(meter.Options{
		Filter: https,
		Packet: func(p *capture.Packet, flows iter.Seq[*flow.Flow]) error {
			for f := range flows {
				if f.Packets() <= 4 {
					fmt.Printf("packet %d of the capture, %d of its flow: %v\n", p.Number, f.Packets(), f.State)
				}
			}
			return nil
		},
	})
	if err := m.Read(context.Background(), src); err != nil {
		log.Fatal(err)
	}

	// Output:
	// packet 5 of the capture, 1 of its flow: attempted
	// packet 6 of the capture, 2 of its flow: half-open
	// packet 7 of the capture, 3 of its flow: established
	// packet 8 of the capture, 4 of its flow: established
	// packet 43 of the capture, 1 of its flow: attempted
	// packet 44 of the capture, 2 of its flow: half-open
	// packet 45 of the capture, 3 of its flow: established
	// packet 46 of the capture, 4 of its flow: established
}

// The flows of an interface, each when it ends, until the user presses Ctrl-C.
func ExampleMeter_Stream() {
	src, err := capture.OpenLive(capture.LiveOptions{Interfaces: []string{"eth0"}})
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	context.AfterFunc(ctx, src.Stop)

	var opt meter.Options
	opt.Flow.Idle = 5 * time.Minute
	opt.Flow.Prompt = true
	opt.Flow.Emit = func(f *flow.Flow) {
		fmt.Println(f.Source, f.Destination, f.Packets(), "packets")
	}
	m := meter.New(opt)
	nothing := func() error { return nil }
	if err := m.Stream(src, time.Second, nothing); err != nil {
		log.Fatal(err)
	}
	flows := m.Results() // those that had not ended
	fmt.Println(flows.Len(), "flows are still open")
}
