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
