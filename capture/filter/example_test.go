package filter_test

import (
	"errors"
	"fmt"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/filter"
)

func ExampleCompile() {
	p, err := filter.Compile("ip proto 6", capture.LinkEthernet, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(p)
	// Output:
	// (000) ldh [12]
	// (001) jneq #2048,3
	// (002) ldb [23]
	// (003) jneq #6,1
	// (004) ret #262144
	// (005) ret #0
}

func ExampleSyntaxError() {
	_, err := filter.Compile("tcp and prt 80", capture.LinkEthernet, 0)
	fmt.Println(err)
	var syntax *filter.SyntaxError
	if errors.As(err, &syntax) {
		fmt.Println(syntax.Caret())
	}
	// Output:
	// compile filter: column 9: "prt" needs a qualifier before it, as in "host prt"
	// tcp and prt 80
	//         ^
}

// One expression for packets of two link types.
func ExampleSet() {
	ethernet := []byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00" +
		"\x45\x00\x00\x1c\x00\x00\x00\x00\x40\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02" +
		"\xc0\x00\x00\x35\x00\x08\x00\x00")
	packets := []capture.Packet{
		{Link: capture.LinkEthernet, Data: ethernet, Length: uint32(len(ethernet))},
		{Link: capture.LinkRaw, Data: ethernet[14:], Length: uint32(len(ethernet) - 14)},
	}
	services := func(name string) []filter.Service {
		if name == "domain" {
			return []filter.Service{{Transport: 6, Port: 53}, {Transport: 17, Port: 53}}
		}
		return nil
	}
	set, err := filter.NewSet("udp port domain", filter.Options{Services: services})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range packets {
		ok, err := set.Match(&packets[i])
		fmt.Println(packets[i].Link, ok, err)
	}
	// Output:
	// ETHERNET true <nil>
	// RAW true <nil>
}
