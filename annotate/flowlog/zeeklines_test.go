package flowlog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
)

// What is done at a glance is what is done line by line, for lines that are
// plain, nearly plain, and not at all.
func TestPlainLines(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	port := func() string {
		switch r.IntN(8) {
		case 0:
			return fmt.Sprint(r.IntN(65536))
		case 1:
			return pick("0", "00443", "443", "65535", "65536", "99999", "000080", "-", "", "8x", "/443", ":443", "4 3", "\xff3")
		}
		return pick("443", "53", "11434", "50000", "60001", "40000", "35000", "22", "4")
	}
	for _, fields := range []string{
		"ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\torig_bytes",
		"uid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice",
		"ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tconn_state\torig_bytes\thistory\torig_pkts",
		"ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\thistory",
		"ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tconn_state",
		"ts\tuid\thistory\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice",
		"ts\tuid\tid.resp_h\tid.orig_p\tid.orig_h\tid.resp_p\tproto\tservice",
		"ts\tid.orig_p\tid.resp_p\tproto\tlast",
		"ts\tid.resp_p\tid.orig_p\tproto\tlast",
		"ts\tid.orig_p\tid.resp_p\tproto",
		"ts\tx\tid.orig_p\tid.resp_p\tproto\tproto\tlast",
		"ts\tx\tid.orig_p\ta\tb\tc\td\tid.resp_p\te\tf\tproto\tg\tlast",
	} {
		names := strings.Split(fields, "\t")
		head := newZeekLog('\t')
		_, layout, err := head.head(nil, []byte("#fields\t"+fields), false)
		if err != nil {
			t.Fatal(err)
		}
		z := layout.(*zeekLog)
		plain := 0
		for _, opt := range []EnrichOptions{{}, {Selector: annotate.Selector{Unexpected: true}}} {
			opt.Annotator = testAnnotator
			w, slow := newWorker(&opt), newWorker(&opt)
			for range 100 {
				var in []byte
				for range r.IntN(600) {
					for i, name := range names {
						if i > 0 {
							in = append(in, '\t')
						}
						switch name {
						case "ts":
							in = append(in, pick("1789376400.123456", "1789376400.1", "1500000000.5", "0900000000.0", "1500000000.z", "0000000000.0", "1789376400", "-", "15000\x3000000.5", "178937640.000", "a789376400.1")...)
						case "id.orig_p", "id.resp_p":
							in = append(in, port()...)
						case "proto":
							in = append(in, pick("tcp", "tcp", "tcp", "udp", "udp", "icmp", "sctp", "tdp", "ucp", "TCP", "6", "-", "", "unknown_transport", "tcp6", "icmp6")...)
						case "conn_state":
							in = append(in, pick("SF", "SF", "S0", "OTH", "SHR", "-", "", "x")...)
						case "history":
							in = append(in, pick("ShADadFf", "ShADadFf", "S", "^hA", "DdAa", "^dD", "HsA", "S^d", "-", "")...)
						case "id.orig_h", "id.resp_h":
							in = append(in, pick("224.0.0.251", "239.1.2.3", "255.255.255.255", "ff02::fb", "::ffff:224.0.0.1", "23.4.5.6", "25.5.5.5", "223.1.1.1", "fe80::1", "2", "",
								"192.0.2.1", "192.0.2.2", "198.51.100.1", "203.0.113.1", "10.0.0.200", "2001:db8::1", "2001:db8:1111:2222:3333:4444:5555:6666", "", "-", strings.Repeat("h", r.IntN(200)))...)
						default:
							in = append(in, pick("-", "", "CFnTq7xXBAMqPEmDP9", "12345", strings.Repeat("v", r.IntN(90)))...)
						}
					}
					switch r.IntN(40) {
					case 0:
						in = append(in, "\tmore"...)
					case 1:
						in = in[:max(bytes.LastIndexByte(in, '\t'), 0)]
					case 2:
						in = append(in, '\r')
					case 3:
						in = append(in, '\n')
					case 4:
						in = append(in, bytes.Repeat([]byte("x"), r.IntN(2*markedSize))...)
					}
					in = append(in, '\n')
				}
				if r.IntN(2) == 0 && len(in) > 0 {
					in = in[:len(in)-1]
				}
				b := &block{in: in, name: "log", line: 7, layout: z}
				w.do(b)
				slow.stats = Stats{}
				want := slow.lineByLine(nil, b, in, b.line)
				if !bytes.Equal(b.out, want) {
					t.Fatalf("%s: %s", fields, firstDifference(b.out, want))
				}
				if !reflect.DeepEqual(b.stats, slow.stats) {
					t.Fatalf("%s: counted %+v, want %+v", fields, b.stats, slow.stats)
				}
			}
			if w.zeek != nil {
				for _, a := range w.zeek.list {
					if a.key != 0 {
						plain++
					}
				}
			}
		}
		if _, ok := z.plain(); ok != (plain > 0) {
			t.Errorf("%s: plain lines %v, but %d were learned", fields, ok, plain)
		}
	}
}
