package filter

import (
	"net"
	"slices"
	"testing"

	"golang.org/x/net/ipv4"

	"github.com/portannot/portannot/capture"
)

// TestKernelTakesPrograms attaches programs to a socket, for which the kernel
// checks them.
func TestKernelTakesPrograms(t *testing.T) {
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	defer udp.Close()
	conn := ipv4.NewPacketConn(udp)
	taken := 0
	for _, expr := range slices.Concat(commonExprs, etherExprs, wifiExprs, goodExprs) {
		for _, lt := range []capture.LinkType{capture.LinkEthernet, capture.LinkRaw, capture.LinkRadiotap} {
			for _, live := range []bool{false, true} {
				p, err := Options{Live: live}.Compile(expr, lt, 0)
				if err != nil {
					continue
				}
				raw, err := p.Raw()
				if err != nil {
					t.Fatal(err)
				}
				if err := conn.SetBPF(raw); err != nil {
					t.Fatalf("%q for %v, live %v: %v\n%v", expr, lt, live, err, p)
				}
				taken++
			}
		}
	}
	t.Logf("%d programs", taken)
}
