package edition_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/edition"
)

// A few rows of the official CSV. Since they begin above port 0, they are taken as
// an excerpt.
const excerpt = `Service Name,Port Number,Transport Protocol,Description
ipfix,4739,tcp,IP Flow Info Export
ipfix,4739,udp,IP Flow Info Export
ipfixs,4740,tcp,ipfix protocol over TLS
`

func Example() {
	reg, err := edition.Read(strings.NewReader(excerpt), "ports.csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(reg.Edition().Form, reg.Edition().Records, reg.Coverage())
	for _, port := range []uint16{4739, 4740, 4741} {
		e := reg.Lookup(iana.UDP, port)
		fmt.Printf("%d/udp: %s %q\n", port, e.Status, e.Name())
	}
	// Output:
	// csv 3 4739-4740
	// 4739/udp: assigned "ipfix"
	// 4740/udp: unassigned ""
	// 4741/udp: unknown ""
}

// A file that is damaged is an error with its line.
func ExampleRead_damaged() {
	damaged := strings.Replace(excerpt, "4740", "474O", 1)
	_, err := edition.Read(strings.NewReader(damaged), "ports.csv")
	var syntax *iana.SyntaxError
	if errors.As(err, &syntax) {
		fmt.Println("line", syntax.Line)
	}
	fmt.Println(err)
	// Output:
	// line 4
	// ports.csv:4: bad port number "474O"
}

func ExampleCompare() {
	before, err := edition.Read(strings.NewReader(excerpt), "before.csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	after, err := edition.Read(strings.NewReader(excerpt+"ipfixs,4740,udp,ipfix protocol over DTLS\n"), "after.csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range edition.Compare(before, after) {
		fmt.Println(c)
	}
	// Output: 4740/udp: added: ipfixs (ipfix protocol over DTLS)
}
