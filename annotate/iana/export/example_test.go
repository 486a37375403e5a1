package export_test

import (
	"fmt"
	"os"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/export"
)

func Example() {
	reg, err := iana.NewRegistry(iana.Edition{Date: "2026-08-17", Source: "example"}, []iana.Record{{
		Name: "ipfix", Description: "IP Flow Info Export",
		HasPort: true, Ports: iana.Span{First: 4739, Last: 4739}, Transport: iana.SCTP,
	}}, iana.AllPorts())
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := export.WriteServices(os.Stdout, reg); err != nil {
		fmt.Println(err)
	}
	// Output:
	// # Services by port, of the IANA Service Name and Transport Protocol Port Number
	// # Registry (RFC 6335), edition 2026-08-17.
	// # Source: example
	// # registration-does-not-validate-traffic
	// # A registered port says nothing of what the traffic really is (IANA).
	//
	// ipfix	4739/sctp	# IP Flow Info Export
}
