package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// vpcFlow has the columns of an AWS VPC flow log in Parquet, with the types that
// https://docs.aws.amazon.com/athena/latest/ug/vpc-flow-logs-parquet.html gives: int is
// 32 bits, bigint 64. A field that was not recorded is null.
type vpcFlow struct {
	Version    int32   `parquet:"version,optional"`
	AccountID  *string `parquet:"account_id,optional"`
	Interface  *string `parquet:"interface_id,optional"`
	SrcAddr    *string `parquet:"srcaddr,optional"`
	DstAddr    *string `parquet:"dstaddr,optional"`
	SrcPort    *int32  `parquet:"srcport,optional"`
	DstPort    *int32  `parquet:"dstport,optional"`
	Protocol   *int64  `parquet:"protocol,optional"`
	Packets    *int64  `parquet:"packets,optional"`
	Bytes      *int64  `parquet:"bytes,optional"`
	Start      *int64  `parquet:"start,optional"`
	End        *int64  `parquet:"end,optional"`
	Action     *string `parquet:"action,optional"`
	LogStatus  *string `parquet:"log_status,optional"`
	TCPFlags   *int32  `parquet:"tcp_flags,optional"`
	Type       *string `parquet:"type,optional"`
	PktSrcAddr *string `parquet:"pkt_srcaddr,optional"`
	PktDstAddr *string `parquet:"pkt_dstaddr,optional"`
	Direction  *string `parquet:"flow_direction,optional"`
	Path       *int32  `parquet:"traffic_path,optional"`
}

func vpcFlows(t testing.TB) []byte {
	t.Helper()
	flow := func(src, dst string, sport, dport int32, protocol int64, action string, flags int32) vpcFlow {
		return vpcFlow{
			Version: 5, AccountID: new("123456789010"), Interface: new("eni-0123456789abcdef0"), SrcAddr: &src, DstAddr: &dst, SrcPort: &sport, DstPort: &dport,
			Protocol: &protocol, Packets: new(int64(3)), Bytes: new(int64(180)), Start: new(int64(1789376400)), End: new(int64(1789376460)), Action: &action,
			LogStatus: new("OK"), TCPFlags: &flags, Type: new("IPv4"), PktSrcAddr: &src, PktDstAddr: &dst, Direction: new("ingress"), Path: new(int32(1)),
		}
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[vpcFlow](&b, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(2))
	_, err := w.Write([]vpcFlow{
		flow("192.0.2.10", "198.51.100.20", 50123, 443, 6, "ACCEPT", 2),
		flow("192.0.2.10", "192.0.2.53", 51514, 53, 17, "ACCEPT", 0),
		flow("203.0.113.7", "192.0.2.10", 40000, 4, 6, "REJECT", 2),
		{Version: 5, Interface: new("eni-0123456789abcdef0"), Start: new(int64(1789376400)), End: new(int64(1789376460)), LogStatus: new("NODATA")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func writeFile(t testing.TB, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLinesOfAWS: each row is an object that portannot enrich annotates.
func TestLinesOfAWS(t *testing.T) {
	path := writeFile(t, vpcFlows(t))
	var out, stderr bytes.Buffer
	if code := run([]string{path}, strings.NewReader(""), &out, &stderr); code != 0 || stderr.Len() > 0 {
		t.Fatalf("code %d: %s", code, stderr.Bytes())
	}
	const first = `{"version":5,"account_id":"123456789010","interface_id":"eni-0123456789abcdef0","srcaddr":"192.0.2.10","dstaddr":"198.51.100.20","srcport":50123,"dstport":443,` +
		`"protocol":6,"packets":3,"bytes":180,"start":1789376400,"end":1789376460,"action":"ACCEPT","log_status":"OK","tcp_flags":2,"type":"IPv4","pkt_srcaddr":"192.0.2.10",` +
		`"pkt_dstaddr":"198.51.100.20","flow_direction":"ingress","traffic_path":1}` + "\n"
	if lines := strings.SplitAfter(out.String(), "\n"); len(lines) != 5 || lines[0] != first ||
		lines[3] != `{"version":5,"interface_id":"eni-0123456789abcdef0","start":1789376400,"end":1789376460,"log_status":"NODATA"}`+"\n" {
		t.Errorf("%s", out.Bytes())
	}

	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	enrich := exec.Command(goTool, "run", "../portannot", "enrich", "--registry", "embedded", "--format", "aws", "-o", "json")
	enrich.Stdin = bytes.NewReader(out.Bytes())
	enrich.Stderr = &stderr
	annotated, err := enrich.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	for i, want := range []string{`"name":"https"`, `"name":"domain"`, `"status":"unassigned"`} {
		lines := strings.Split(string(annotated), "\n")
		if len(lines) != 4 || !strings.Contains(lines[i], want) {
			t.Errorf("row %d: no %s in %s%s", i+1, want, annotated, stderr.Bytes())
		}
	}
	if !strings.Contains(strings.Split(string(annotated), "\n")[2], `"outcome":"denied"`) {
		t.Errorf("not denied: %s", annotated)
	}
}

// nested has what other logs have: groups, lists, times, unsigned numbers.
type nested struct {
	Source struct {
		IP   string `parquet:"ip"`
		Port uint16 `parquet:"port"`
		More struct {
			Zone *string `parquet:"zone,optional"`
		} `parquet:"more"`
	} `parquet:"src_endpoint"`
	Name    string    `parquet:"name"`
	At      time.Time `parquet:"at,timestamp(microsecond)"`
	Tags    []string  `parquet:"tags,list"`
	Plain   []int64   `parquet:"plain"`
	Big     uint64    `parquet:"big"`
	Share   float64   `parquet:"share"`
	Yes     bool      `parquet:"yes"`
	Records []struct {
		Key string `parquet:"key"`
	} `parquet:"records,list"`
}

func nestedFile(t testing.TB) []byte {
	t.Helper()
	n := nested{Name: "a\"<\n", At: time.Date(2026, 9, 14, 9, 0, 0, 123456000, time.UTC), Tags: []string{"x", "y"}, Plain: []int64{-1}, Big: 1<<64 - 1, Share: 0.5, Yes: true}
	n.Source.IP, n.Source.Port = "192.0.2.1", 65535
	n.Records = append(n.Records, struct {
		Key string `parquet:"key"`
	}{"k"})
	var b bytes.Buffer
	w := parquet.NewGenericWriter[nested](&b)
	if _, err := w.Write([]nested{n, {}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLinesNested(t *testing.T) {
	var out, stderr bytes.Buffer
	if code := run([]string{writeFile(t, nestedFile(t))}, strings.NewReader(""), &out, &stderr); code != 0 {
		t.Fatalf("code %d: %s", code, stderr.Bytes())
	}
	if !strings.Contains(stderr.String(), "column records.list.element.key is in a list of records, and left out") {
		t.Errorf("%s", stderr.Bytes())
	}
	var got map[string]any
	line, _, _ := strings.Cut(out.String(), "\n")
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	again, _ := json.Marshal(got)
	const want = `{"at":"2026-09-14T09:00:00.123456Z","big":18446744073709552000,"name":"a\"\u003c\n","plain":[-1],"share":0.5,"src_endpoint":{"ip":"192.0.2.1","port":65535},"tags":["x","y"],"yes":true}`
	if string(again) != want || !strings.Contains(line, `"big":18446744073709551615`) {
		t.Errorf("got  %s\nwant %s", again, want)
	}
}

// TestLinesUsage: a damaged file is said, and its own output refused.
func TestLinesUsage(t *testing.T) {
	whole := vpcFlows(t)
	path := writeFile(t, whole)
	var stderr bytes.Buffer
	if code := run([]string{"-w", path, path}, strings.NewReader(""), io.Discard, &stderr); code != 2 {
		t.Errorf("code %d: %s", code, stderr.Bytes())
	}
	if b, _ := os.ReadFile(path); !bytes.Equal(b, whole) {
		t.Error("the input was changed")
	}
	stderr.Reset()
	if code := run([]string{writeFile(t, whole[:len(whole)-20])}, strings.NewReader(""), io.Discard, &stderr); code != 1 || !strings.Contains(stderr.String(), "read ") {
		t.Errorf("code %d: %s", code, stderr.Bytes())
	}
	out := filepath.Join(t.TempDir(), "rows.json")
	if code := run([]string{"-w", out, path}, strings.NewReader(""), io.Discard, &stderr); code != 0 {
		t.Errorf("code %d", code)
	}
	if b, _ := os.ReadFile(out); bytes.Count(b, []byte("\n")) != 4 {
		t.Errorf("%s", b)
	}
}

// FuzzLines: whatever a file holds, lines are objects, and nothing panics. The library
// makes room for as many values as a page announces, so run it with a limit of memory.
func FuzzLines(f *testing.F) {
	f.Add(vpcFlows(f))
	f.Add(nestedFile(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		var out bytes.Buffer
		l := liner{name: "x"}
		l.lines(bytes.NewReader(b), int64(len(b)), &out)
		for line := range bytes.Lines(out.Bytes()) {
			if !json.Valid(line) {
				t.Fatalf("%q", line)
			}
		}
	})
}
