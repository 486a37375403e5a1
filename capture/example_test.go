package capture_test

import (
	"fmt"
	"io"
	"log"
	"time"

	"github.com/portannot/portannot/capture"
)

// The packets of a capture file.
func Example() {
	r, err := capture.Open("../testdata/captures/demo.pcap", capture.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()

	var packets [64]capture.Packet
	for err != io.EOF {
		var n int
		n, err = r.Next(packets[:])
		for _, p := range packets[:n] {
			if p.Number <= 3 {
				fmt.Println(p.Number, time.Unix(0, p.Time).UTC().Format(time.RFC3339Nano), p.Link, p.Length, "bytes")
			}
		}
		if err != nil && err != io.EOF {
			log.Fatal(err) // the rest of the file cannot be read
		}
	}
	damage, total := r.Problems()
	for _, d := range damage {
		log.Print(&d) // stepped over
	}
	fmt.Println(r.Format(), "with", total, "places of damage")

	// Output:
	// 1 2026-09-14T09:00:00Z ETHERNET 286 bytes
	// 2 2026-09-14T09:00:00.001Z ETHERNET 286 bytes
	// 3 2026-09-14T09:00:00.352Z ETHERNET 75 bytes
	// pcap with 0 places of damage
}
