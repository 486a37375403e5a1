// Command gen writes a flow log of a given size for the benchmarks: Zeek's
// conn.log as TSV, or Suricata's EVE. The content depends on the seed alone.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
)

// Ports that services of an office network have, the more usual ones more often.
var servicePorts = []int{443, 443, 443, 443, 443, 443, 53, 53, 53, 53, 80, 80, 123, 22, 25, 389, 445, 88, 135, 3389, 5060, 8080, 8443, 993, 1433, 3306, 5432, 6379, 9200, 11434}

// record is a flow of the log.
type record struct {
	n                int
	ts               float64
	src, dst         string
	sport, dport     int
	proto            string
	sent, got        int
	packets, answers int
	seconds          float64
}

func main() {
	form := flag.String("form", "zeek", "zeek or eve")
	size := flag.Int64("bytes", 200<<20, "size, at least")
	seed := flag.Uint64("seed", 1, "seed")
	flag.Parse()
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	r := rand.New(rand.NewPCG(*seed, 0))
	write := writeEVE
	switch *form {
	case "zeek":
		write = writeZeek
		out.WriteString(zeekHeader)
	case "eve":
	default:
		fmt.Fprintf(os.Stderr, "gen: unknown form %q\n", *form)
		os.Exit(2)
	}
	written := int64(0)
	for n := 0; written < *size; n++ {
		f := next(r, n)
		written += int64(write(out, &f, r))
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func next(r *rand.Rand, n int) record {
	f := record{n: n, ts: 1789376400 + float64(n)*0.0007, sport: 32768 + r.IntN(32768), proto: "tcp",
		sent: r.IntN(20000), got: r.IntN(200000), packets: 1 + r.IntN(40), answers: r.IntN(200), seconds: r.ExpFloat64() * 5}
	f.dport = servicePorts[r.IntN(len(servicePorts))]
	if f.dport == 53 || f.dport == 123 {
		f.proto = "udp"
	}
	switch r.IntN(100) {
	case 0: // a scan
		f.dport = r.IntN(65536)
	case 1:
		f.proto, f.sport, f.dport = "icmp", 8, 0
	}
	if r.IntN(10) == 0 {
		f.src = fmt.Sprintf("2001:db8:%x::%x", r.IntN(256), r.IntN(65536))
		f.dst = fmt.Sprintf("2001:db8:ffff::%x", r.IntN(65536))
	} else {
		f.src = fmt.Sprintf("10.%d.%d.%d", r.IntN(4), r.IntN(256), r.IntN(256))
		f.dst = fmt.Sprintf("198.%d.%d.%d", 18+r.IntN(2), r.IntN(256), r.IntN(256))
	}
	return f
}

const zeekHeader = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t2026-09-14-09-00-00\n" +
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n" +
	"#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\n"

func uid(r *rand.Rand) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	b := make([]byte, 17)
	for i := range b {
		b[i] = digits[r.IntN(len(digits))]
	}
	return "C" + string(b)
}

func writeZeek(out *bufio.Writer, f *record, r *rand.Rand) int {
	n, _ := fmt.Fprintf(out, "%.6f\t%s\t%s\t%d\t%s\t%d\t%s\t-\t%.6f\t%d\t%d\tSF\tT\tF\t0\tShADadFf\t%d\t%d\t%d\t%d\t-\n",
		f.ts, uid(r), f.src, f.sport, f.dst, f.dport, f.proto, f.seconds, f.sent, f.got, f.packets, f.sent+40*f.packets, f.answers, f.got+40*f.answers)
	return n
}

func writeEVE(out *bufio.Writer, f *record, r *rand.Rand) int {
	sec, frac := int(f.ts)-1789376400, int(f.ts*1e6)%1e6
	when := fmt.Sprintf("2026-09-14T%02d:%02d:%02d.%06d+0000", 9+sec/3600%10, sec/60%60, sec%60, frac)
	proto := map[string]string{"tcp": "TCP", "udp": "UDP", "icmp": "ICMP"}[f.proto]
	ports := fmt.Sprintf(`"src_port":%d,"dest_ip":"%s","dest_port":%d`, f.sport, f.dst, f.dport)
	if proto == "ICMP" {
		ports = fmt.Sprintf(`"dest_ip":"%s","icmp_type":8,"icmp_code":0`, f.dst)
	}
	n, _ := fmt.Fprintf(out, `{"timestamp":"%s","flow_id":%d,"in_iface":"eth0","event_type":"flow","src_ip":"%s",%s,"proto":"%s","app_proto":"tls","flow":{"pkts_toserver":%d,"pkts_toclient":%d,"bytes_toserver":%d,"bytes_toclient":%d,"start":"%s","end":"%s","age":%d,"state":"closed","reason":"timeout","alerted":false},"tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed"}}`+"\n",
		when, r.Uint64()>>11, f.src, ports, proto, f.packets, f.answers, f.sent, f.got, when, when, int(f.seconds))
	return n
}
