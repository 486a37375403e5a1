package record_test

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/capture/flow"
)

func ExampleAppendJSON() {
	f := flow.Flow{
		Protocol:    6,
		Source:      netip.MustParseAddrPort("192.0.2.10:50123"),
		Destination: netip.MustParseAddrPort("198.51.100.20:443"),
		Forward:     flow.Counters{Packets: 1, IPBytes: 60, FrameBytes: 74, First: 1789376400e9, Last: 1789376400e9},
	}
	a := annotate.New(annotate.Options{}).Flow(&f, nil)
	line := record.AppendJSON(nil, &f, &a)

	var fields struct {
		Time      string `json:"@timestamp"`
		Server    struct{ Port uint16 }
		Portannot struct {
			Service    struct{ Side, Reason, Confidence string }
			Registered struct{ Status, Name string }
			Schema     int
		}
	}
	if err := json.Unmarshal(line, &fields); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%+v\n", fields)
	// Output:
	// {Time:2026-09-14T09:00:00.000000000Z Server:{Port:443} Portannot:{Service:{Side:destination Reason:high-port Confidence:likely} Registered:{Status:assigned Name:https} Schema:2}}
}

func ExampleJSON_AppendLogRecord() {
	an := annotate.New(annotate.Options{})
	var j record.JSON
	var lines []byte
	for _, in := range []annotate.Input{
		{Protocol: 132, Source: netip.MustParseAddrPort("192.0.2.10:50123"), Destination: netip.MustParseAddrPort("192.0.2.20:4739")},
		{Protocol: 1, NoSourcePort: true, NoDestinationPort: true}, // ICMP has no ports
	} {
		a := an.Annotate(in)
		lines = j.AppendLogRecord(lines[:0], &in, nil, &a)
		var fields struct {
			Portannot struct {
				Note       string
				Registered struct{ Name string }
			}
		}
		if err := json.Unmarshal(lines, &fields); err != nil {
			fmt.Println(err)
		}
		fmt.Printf("%+v\n", fields.Portannot)
	}
	// Output:
	// {Note: Registered:{Name:ipfix}}
	// {Note:protocol without ports Registered:{Name:}}
}

func ExampleLookup() {
	for _, name := range []string{"portannot.registered.names", "client.port", "portannot.side"} {
		if f, ok := record.Lookup(name); ok {
			fmt.Printf("%s: %s\n", name, f.Type)
		} else {
			fmt.Printf("%s is no field of the record\n", name)
		}
	}
	// Output:
	// portannot.registered.names: list
	// client.port: number
	// portannot.side is no field of the record
}
