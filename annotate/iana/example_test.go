package iana_test

import (
	"fmt"
	"time"

	"github.com/portannot/portannot/annotate/iana"
)

func Example() {
	e := iana.Embedded().Lookup(iana.TCP, 443)
	fmt.Println(e.Status, e.Name())
	fmt.Println(e.Description())
	fmt.Println(e.References())
	fmt.Println(iana.Warning)
	// Output:
	// assigned https
	// http protocol over TLS/SSL
	// [RFC9110]
	// A registered port says nothing of what the traffic really is (IANA).
}

// A port may have several names. The first is the preferred one.
func ExampleEntry_Names() {
	e := iana.Embedded().Lookup(iana.TCP, 80)
	fmt.Println(e.Names())
	// Output: [http www www-http]
}

// Each transport has assignments of its own. This port is assigned for SCTP, and
// reserved for TCP and UDP.
func ExampleEntry_Siblings() {
	for _, t := range iana.Transports() {
		e := iana.Embedded().Lookup(t, 38412)
		fmt.Printf("%d/%s: %s; also assigned on %q\n", e.Port, t, e.Status, e.Siblings())
	}
	// Output:
	// 38412/tcp: reserved; also assigned on "sctp"
	// 38412/udp: reserved; also assigned on "sctp"
	// 38412/sctp: assigned; also assigned on ""
	// 38412/dccp: unassigned; also assigned on "sctp"
}

// Lookup has an answer for every port and transport.
func ExampleRegistry_Lookup() {
	reg := iana.Embedded()
	for _, port := range []uint16{9, 53, 38412, 50000} {
		e := reg.Lookup(iana.UDP, port)
		fmt.Printf("%d/udp: %s %q\n", port, e.Status, e.Name())
	}
	var none iana.Registry // covers no port
	fmt.Println(53, none.Lookup(iana.UDP, 53).Status)
	// Output:
	// 9/udp: assigned "discard"
	// 53/udp: assigned "domain"
	// 38412/udp: reserved ""
	// 50000/udp: dynamic ""
	// 53 unknown
}

// A service name may have several ports, also on several transports.
func ExampleRegistry_ByName() {
	for _, e := range iana.Embedded().ByName("ipfix") {
		fmt.Printf("%d/%s %s\n", e.Port, e.Transport, e.Description())
	}
	// Output:
	// 4739/tcp IP Flow Info Export
	// 4739/udp IP Flow Info Export
	// 4739/sctp IP Flow Info Export
}

// Near finds the name that was meant.
func ExampleRegistry_Near() {
	fmt.Println(iana.Embedded().Near("htpt", 1))
	// Output: [http]
}

func ExampleAppendRegistration() {
	e := iana.Embedded().Lookup(iana.SCTP, 38412)
	fmt.Printf("%s\n", iana.AppendRegistration(nil, e))
	// Output: {"status":"assigned","listed":true,"name":"ng-control","names":["ng-control"],"description":"NG Control Plane (3GPP)","range":"user","registration_date":"2017-05-18","modification_date":"2017-05-19"}
}

// The registry of an earlier day, for traffic of that day.
func ExampleAsOf() {
	for _, day := range []string{"2016-06-28", "2026-08-17"} {
		date, err := time.Parse(time.DateOnly, day)
		if err != nil {
			fmt.Println(err)
			return
		}
		reg, err := iana.AsOf(date)
		if err != nil {
			fmt.Println(err)
			return
		}
		e := reg.Lookup(iana.TCP, 11434)
		fmt.Printf("%s: %s %q\n", day, e.Status, e.Name())
	}
	// Output:
	// 2016-06-28: unassigned ""
	// 2026-08-17: assigned "ollama"
}
