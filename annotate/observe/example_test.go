package observe_test

import (
	"fmt"

	"github.com/portannot/portannot/annotate/observe"
)

// A connection to port 443, which is registered as https, begins like SSH.
func Example() {
	in := observe.Input{Transport: 6} // TCP
	in.Sent[0].Data = []byte("SSH-2.0-OpenSSH_9.9\r\n")
	o := observe.Recognise(&in)
	fmt.Println(o.Protocol, o.Strength, string(in.Text(o.Name)))

	verdict, why := observe.Judge(o, []string{"https"}, false)
	fmt.Printf("%v: %s\n", verdict, why)
	// Output:
	// ssh full OpenSSH_9.9
	// contradicts: the registered service does not speak the observed protocol
}

// A query of DNS comes from the client, whatever the ports: the other end is the
// service.
func ExampleRecognise() {
	in := observe.Input{Transport: 17} // UDP
	in.Sent[1].Data = []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03org\x00\x00\x01\x00\x01")
	o := observe.Recognise(&in)
	fmt.Println(o.Protocol, "from the", o.Server, "as service:", o.ServerStrength)
	fmt.Println(o.Reason)
	// Output:
	// dns from the source as service: full
	// DNS query: header, counts and question fit
}

// A DCE/RPC bind names the interface that is asked for.
func ExampleInput_Interface() {
	in := observe.Input{Transport: 6}
	in.Sent[0].Data = []byte("\x05\x00\x0b\x03\x10\x00\x00\x00\x48\x00\x00\x00\x01\x00\x00\x00\xb8\x10\xb8\x10\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01\x00" +
		"\x08\x83\xaf\xe1\x1f\x5d\xc9\x11\x91\xa4\x08\x00\x2b\x14\xa0\xfa\x03\x00\x00\x00" +
		"\x04\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\x00\x2b\x10\x48\x60\x02\x00\x00\x00")
	u := in.Interface(observe.Recognise(&in))
	fmt.Println(u, observe.InterfaceName(u))
	// Output: e1af8308-5d1f-11c9-91a4-08002b14a0fa epmapper
}
