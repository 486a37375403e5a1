package review

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/flow"
)

// benchFlows are flows of which half go to a service of their own, as in a
// capture at the edge of a large network.
func benchFlows(n int) ([]Flow, []annotate.Annotation) {
	an := annotate.New(annotate.Options{})
	r := rand.New(rand.NewPCG(1, 2))
	flows, annotations := make([]Flow, n), make([]annotate.Annotation, n)
	ports := []uint16{443, 443, 443, 80, 22, 25, 993, 8080, 3306, 5555, 2, 1023}
	for i := range flows {
		var c, s [4]byte
		binary.BigEndian.PutUint32(c[:], 10<<24|r.Uint32()>>16)
		binary.BigEndian.PutUint32(s[:], 20<<24|uint32(r.IntN(n/2+1)))
		at := begin.UnixNano() + int64(i)*1000
		f := &flows[i]
		*f = Flow{
			Protocol: 6, Source: netip.AddrPortFrom(netip.AddrFrom4(c), uint16(49152+r.IntN(16384))),
			Destination: netip.AddrPortFrom(netip.AddrFrom4(s), ports[int(s[3])%len(ports)]),
			Start:       at, Last: at + 1e9, Packets: 10, Bytes: 5000, Counted: true, State: flow.Closed,
		}
		annotations[i] = an.Annotate(annotate.Input{Protocol: 6, Source: f.Source, Destination: f.Destination, Start: at,
			Opening: flow.Opening{Server: flow.Destination, Confirmed: true}})
	}
	return flows, annotations
}

func BenchmarkCollector(b *testing.B) {
	flows, annotations := benchFlows(500_000)
	for b.Loop() {
		c := NewCollector(iana.Embedded(), Options{})
		c.Expect(len(flows))
		c.AddAll(flows, annotations, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(flows)), "ns/flow")
}

func BenchmarkReport(b *testing.B) {
	flows, annotations := benchFlows(500_000)
	services := 0
	for b.Loop() {
		b.StopTimer()
		c := NewCollector(iana.Embedded(), Options{})
		for i := range flows {
			c.Add(&flows[i], &annotations[i])
		}
		b.StartTimer()
		services = c.Report(Context{Listed: 200}).Summary.Services
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(services), "ns/service")
}

// BenchmarkCollectorCompared is that of BenchmarkCollector with a policy and rules.
func BenchmarkCollectorCompared(b *testing.B) {
	flows, annotations := benchFlows(500_000)
	fw := firewallOf(b, saved("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-s 192.168.0.0/16 -j DROP",
		"-p tcp -m multiport --dports 80,443 -j ACCEPT", "-s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT",
		"-s 10.0.0.0/8 -p tcp -m tcp --dport 25 -j ACCEPT", "-s 10.0.0.0/8 -p tcp -m tcp --dport 3306 -j ACCEPT",
		"-p tcp -m tcp --dport 8080:8090 -j ACCEPT", "-s 10.1.0.0/16 -j ACCEPT"))
	p := policy(b, "version: 1\nexpected:\n  - ports: [80/tcp, 443/tcp]\n  - ports: [22/tcp]\n    clients: [10.0.0.0/8]\n  - ports: [3306/tcp]\n    servers: [10.0.0.0/8]\n")
	for b.Loop() {
		c := NewCollector(iana.Embedded(), Options{Rules: fw, Policy: p, Now: begin})
		c.Expect(len(flows))
		c.AddAll(flows, annotations, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(flows)), "ns/flow")
}
