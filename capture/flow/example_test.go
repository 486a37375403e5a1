package flow_test

import (
	"fmt"
	"io"
	"log"
	"time"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// The flows of a capture in which VLANs and tunnels tell networks with the same
// addresses apart. Package meter does all this on several processors.
func Example() {
	src, err := capture.Open("../../testdata/captures/tunnels.pcap", capture.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()

	decoder := decode.New(decode.Options{Tunnels: decode.Inner})
	table := flow.NewTable(flow.Options{Idle: 5 * time.Minute})
	var packets [64]capture.Packet
	var sums []packet.Summary
	for {
		n, err := src.Next(packets[:])
		for i := range packets[:n] {
			sums, _ = decoder.Decode(sums[:0], &packets[i])
			table.Add(sums)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Print(err) // the flows are those of the packets before
			break
		}
	}
	flows := table.Results()
	var f flow.Flow
	for i := range min(flows.Len(), 4) {
		flows.Fill(i, &f)
		fmt.Printf("%v > %v in %v: %d packets, %d back, %v\n", f.Source, f.Destination, f.Context, f.Forward.Packets, f.Reverse.Packets, f.State)
	}
	fmt.Println(flows.Len(), "flows")

	// Output:
	// 10.0.0.10:50001 > 10.0.0.53:53 in vxlan:77: 1 packets, 1 back, established
	// 10.0.0.10:50001 > 10.0.0.53:53 in vxlan:78: 1 packets, 1 back, established
	// 10.0.0.10:50001 > 10.0.0.53:53 in geneve:79: 1 packets, 1 back, established
	// 10.0.0.10:50001 > 10.0.0.53:53 in gtp-u 192.0.2.1 198.51.100.1: 1 packets, 1 back, established
	// 22 flows
}

// Live capture gives each flow out when it ends, and calls Expire for flows that no
// packet will touch again.
func ExampleTable_Expire() {
	table := flow.NewTable(flow.Options{
		Idle:   time.Minute,
		Prompt: true,
		Emit: func(f *flow.Flow) {
			fmt.Printf("flow %016x part %d: %d packets, %v\n", f.ID, f.Part, f.Packets(), f.End)
		},
	})
	start := time.Date(2026, 9, 14, 9, 0, 0, 0, time.UTC)
	question := packet.Summary{
		Time: start.UnixNano(), Number: 1, IPVersion: 4, Protocol: packet.UDP,
		Src: [16]byte{192, 0, 2, 1}, SrcPort: 50000, Dst: [16]byte{192, 0, 2, 53}, DstPort: 53,
	}
	table.Add([]packet.Summary{question})
	table.Expire(start.Add(30 * time.Second).UnixNano())
	fmt.Println(table.Len(), "flow is held")
	table.Expire(start.Add(2 * time.Minute).UnixNano())
	fmt.Println(table.Len(), "flows are held")

	// Output:
	// 1 flow is held
	// flow 53c01653d69ea3d1 part 1: 1 packets, idle-timeout
	// 0 flows are held
}
