package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// engine is a database that joins flows with the exported registry.
type engine interface {
	// load runs the script that registry export wrote.
	load(t *testing.T, script string)
	// join fills the table flows from a file of CSV, runs the query of the
	// topic, and writes the columns of comparedColumns behind id as CSV, in
	// the order of id.
	join(t *testing.T, flows, query, out string)
}

// comparedColumns are those of which the topic promises that they are what
// enrich gives. Engines have them with "_" in place of the dots.
var comparedColumns = []string{
	"service.side", "service.reason", "service.confidence", "service.port", "registered.status", "registered.name", "registered.names",
	"source_registered.status", "source_registered.name", "destination_registered.status", "destination_registered.name", "caveat",
}

// TestEngines joins generated flows with the exported registry, on the engines that are
// here, by the queries of --query, and compares every row with what enrich says of the
// same flows. PORTANNOT_ENGINE_FLOWS is how many;
// testdata/engines/run.sh takes 10 million. At the default every port of every
// transport is met.
func TestEngines(t *testing.T) {
	long(t)
	total := 300_000
	if s := os.Getenv("PORTANNOT_ENGINE_FLOWS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			t.Fatalf("PORTANNOT_ENGINE_FLOWS=%q: want a number", s)
		}
		total = n
	}
	const chunk = 1_000_000 // so that the files stay below half a gigabyte
	for _, c := range []struct {
		name, format string
		start        func(t *testing.T, dir string) engine
	}{
		{"duckdb", "duckdb", startDuckDB},
		{"duckdb-python", "duckdb", startDuckDBPython},
		{"clickhouse", "clickhouse", startClickHouse},
		{"chdb", "clickhouse", startChDB},
		{"postgres", "postgres", startPostgres},
		{"sqlite", "sqlite", startSQLite},
		{"spark", "spark", startSpark},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			db := c.start(t, dir)
			_, query, _ := runProgram(t, "", "registry", "export", "--query", c.format)
			script := filepath.Join(dir, "portannot.sql")
			expect(t, 0, nil, "registry", "export", "--registry", "embedded", "-o", c.format, "-w", script)
			db.load(t, script)
			for first := 0; first < total; first += chunk {
				n := min(chunk, total-first)
				f := generateFlows(t, dir, first, n, true)
				out := filepath.Join(dir, "joined.csv")
				db.join(t, f.all, query, out)
				compareRows(t, f, out, first, n)
				if t.Failed() {
					return
				}
			}
			t.Logf("%d flows: every row is what enrich gives", total)
		})
	}
}

// The ruby code of Logstash's filter, run by Ruby with the exported dictionary,
// gives what enrich gives. Of the protocol's spellings it takes those of the
// Elastic Common Schema, names.
func TestLogstashFilter(t *testing.T) {
	long(t)
	ruby, err := exec.LookPath("ruby")
	if err != nil {
		t.Skip("no ruby here")
	}
	dir := t.TempDir()
	config, dictionary := filepath.Join(dir, "logstash.conf"), filepath.Join(dir, "portannot.json")
	expect(t, 0, nil, "registry", "export", "-o", "logstash", "--setup", "-w", config)
	expect(t, 0, nil, "registry", "export", "--registry", "embedded", "-o", "logstash", "-w", dictionary)
	const n = 20_000
	f := generateFlows(t, dir, 4<<16, n, false) // server.* is no more than a hint
	flows, err := os.ReadFile(f.all)
	if err != nil {
		t.Fatal(err)
	}
	var named bytes.Buffer // without numbers for protocols
	names := strings.NewReplacer(",6,", ",tcp,", ",17,", ",udp,", ",136,", ",udplite,", ",132,", ",sctp,", ",33,", ",dccp,", ",47,", ",gre,")
	for line := range strings.Lines(string(flows)) {
		cells := strings.SplitN(line, ",", 3)
		named.WriteString(cells[0] + names.Replace(","+cells[1]+",") + cells[2])
	}
	joined := filepath.Join(dir, "joined.csv")
	rows := runEngine(t, &named, ruby, filepath.Join(repoRoot(t), "testdata", "engines", "logstash.rb"), config, dictionary)
	if err := os.WriteFile(joined, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	compareRows(t, f, joined, 4<<16, n)
}

// engineFlows are the files of one lot of flows. Those with an even identifier
// are in a log that names no roles, the others in one of Zeek's.
type engineFlows struct {
	all             string // what the engine loads
	plain, zeek     string // logs
	plainOut, zkOut string // what enrich made of them
}

// generateFlows writes flows with identifiers from first up, and lets enrich
// annotate them. If states is set, half of Zeek's connections were seen to begin.
func generateFlows(t *testing.T, dir string, first, n int, states bool) engineFlows {
	t.Helper()
	f := engineFlows{}
	var w [3]*bufio.Writer
	for i, name := range []struct {
		path *string
		file string
	}{{&f.all, "all.csv"}, {&f.plain, "plain.csv"}, {&f.zeek, "conn.log"}} {
		*name.path = filepath.Join(dir, name.file)
		file, err := os.Create(*name.path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		w[i] = bufio.NewWriterSize(file, 1<<16)
	}
	w[1].WriteString("id,proto,src_ip,src_port,dst_ip,dst_port\n")
	w[2].WriteString("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n" +
		"#fields\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\thistory\n#types\tstring\taddr\tport\taddr\tport\tenum\tstring\n")
	rng := rand.New(rand.NewPCG(uint64(first), 8))
	for id := first; id < first+n; id++ {
		zeek := id%4 == 3
		proto, src, dst, sport, dport := generateFlow(rng, id, zeek)
		stated, hint := "", ""
		if zeek {
			history := "Dd"
			if hint = "destination"; states && proto == "tcp" && id%8 == 3 {
				stated, hint, history = hint, "", "ShADadFf"
			}
			fmt.Fprintf(w[2], "C%d\t%s\t%d\t%s\t%d\t%s\t%s\n", id, src, sport, dst, dport, proto, history)
		} else {
			fmt.Fprintf(w[1], "%d,%s,%s,%s,%s,%s\n", id, proto, src, portCell(sport), dst, portCell(dport))
		}
		fmt.Fprintf(w[0], "%d,%s,%s,%d,%s,%d,%s,%s\n", id, proto, src, sport, dst, dport, stated, hint)
	}
	for _, w := range w {
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	f.plainOut = enrichFile(t, f.plain, "--map", "proto=proto,src=src_ip,sport=src_port,dst=dst_ip,dport=dst_port")
	f.zkOut = enrichFile(t, f.zeek, "-o", "csv")
	return f
}

func portCell(port int) string {
	if port < 0 {
		return ""
	}
	return strconv.Itoa(port)
}

// generateFlow makes a flow; a port of -1 is not reported.
func generateFlow(rng *rand.Rand, id int, zeek bool) (proto, src, dst string, sport, dport int) {
	protos := []string{"tcp", "udp", "sctp", "dccp", "TCP", "17", "6", "UDP", "132", "33", "udplite", "136", "icmp", "47"}
	edges := []int{0, 1, 20, 68, 511, 512, 546, 993, 1023, 1024, 32767, 32768, 49151, 49152, 60999, 65535, 80, 443, 53, 123, 5353, 38412}
	address := func() string {
		a, b := rng.IntN(256), rng.IntN(254)+1
		switch rng.IntN(16) {
		case 0:
			return fmt.Sprintf("%d.%d.0.%d", 224+rng.IntN(16), a, b)
		case 1:
			return []string{"255.255.255.255", "ff02::fb", "ff0e::1:2", "FF02::1", "::ffff:224.0.0.251", "223.255.1.1", "240.0.0.1", "fe80::1", "22.4.0.1", "2.240.0.1"}[rng.IntN(10)]
		case 2, 3:
			return fmt.Sprintf("2001:db8:%x::%x", a, b)
		}
		return fmt.Sprintf("10.%d.%d.%d", rng.IntN(256), a, b)
	}
	port := func() int {
		switch rng.IntN(8) {
		case 0:
			return edges[rng.IntN(len(edges))]
		case 1, 2:
			return rng.IntN(1024)
		case 3:
			return 32768 + rng.IntN(1<<15)
		case 4:
			return 1024 + rng.IntN(9000)
		case 5:
			if !zeek && rng.IntN(4) == 0 {
				return -1
			}
		}
		return rng.IntN(1 << 16)
	}
	proto, src, dst, sport, dport = protos[rng.IntN(len(protos))], address(), address(), port(), port()
	if zeek {
		proto = []string{"tcp", "udp", "sctp"}[rng.IntN(3)]
		sport, dport = max(sport, 1), max(dport, 1)
	}
	switch {
	case rng.IntN(12) == 0:
		dport = sport
	case id < 4<<16 && !zeek:
		proto, dport = protos[id>>16], id&0xffff // each port of each transport
	case id < 4<<16:
		sport = max(1, id&0xffff)
	}
	return proto, src, dst, sport, dport
}

// enrichFile annotates a log and gives the name of the result.
func enrichFile(t *testing.T, log string, flags ...string) string {
	t.Helper()
	out, err := os.Create(log + ".enriched")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var stderr bytes.Buffer
	args := append([]string{"enrich", "--registry", "embedded"}, flags...)
	if code := run(context.Background(), append(args, log), strings.NewReader(""), out, &stderr); code != 0 {
		t.Fatalf("enrich %s: exit code %d: %s", log, code, stderr.Bytes())
	}
	return out.Name()
}

// compareRows compares what an engine joined with what enrich wrote.
func compareRows(t *testing.T, f engineFlows, joined string, first, n int) {
	t.Helper()
	plain, zeek := openRows(t, f.plainOut), openRows(t, f.zkOut)
	got := openRows(t, joined)
	wanted := map[*csvRows][]int{}
	for _, rows := range []*csvRows{plain, zeek} {
		header := rows.next(t)
		for _, name := range comparedColumns {
			at := -1
			for i, h := range header {
				if h == "portannot."+name {
					at = i
				}
			}
			if at < 0 {
				t.Fatalf("%s has no column portannot.%s: %q", rows.name, name, header)
			}
			wanted[rows] = append(wanted[rows], at)
		}
	}
	bad := 0
	for id := first; id < first+n; id++ {
		row := got.next(t)
		rows := plain
		if id%4 == 3 {
			rows = zeek
		}
		want := rows.next(t)
		if row == nil || want == nil || row[0] != strconv.Itoa(id) || rows == plain && want[0] != row[0] {
			t.Fatalf("flow %d: the engine gives %q, enrich %q", id, row, want)
		}
		for i, at := range wanted[rows] {
			if row[i+1] != want[at] {
				if bad++; bad <= 10 {
					t.Errorf("flow %d: %s %q, enrich says %q: %q", id, comparedColumns[i], row[i+1], want[at], want)
				}
			}
		}
	}
	for _, rows := range []*csvRows{got, plain, zeek} {
		if row := rows.next(t); row != nil {
			t.Errorf("%s has more rows: %q", rows.name, row)
		}
	}
	if bad > 10 {
		t.Errorf("%d values differ", bad)
	}
}

// csvRows reads a file of CSV.
type csvRows struct {
	name string
	csv  *csv.Reader
}

func openRows(t *testing.T, name string) *csvRows {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	r := &csvRows{name, csv.NewReader(bufio.NewReaderSize(f, 1<<16))}
	r.csv.ReuseRecord = true
	return r
}

// next gives a row, or nil at the end.
func (r *csvRows) next(t *testing.T) []string {
	t.Helper()
	row, err := r.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
	return row
}

// duckDB is a database in a file, run by way of Node.js.
type duckDB struct{ node, script, folder, database string }

func startDuckDB(t *testing.T, dir string) engine {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node here: DuckDB is run by it")
	}
	folder := os.Getenv("PORTANNOT_DUCKDB")
	if folder == "" {
		folder = filepath.Join(os.TempDir(), "portannot-duckdb")
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "@duckdb", "node-api")); err != nil {
		t.Skipf("no @duckdb/node-api in %s: testdata/engines/install-duckdb.sh installs it", folder)
	}
	return &duckDB{node, filepath.Join(repoRoot(t), "testdata", "engines", "duckdb.mjs"), folder, filepath.Join(dir, "flows.db")}
}

// sql runs statements and gives the rows of the last one.
func (d *duckDB) sql(t *testing.T, statements string) string {
	t.Helper()
	return runEngine(t, strings.NewReader(statements), d.node, d.script, d.folder, d.database)
}

func (d *duckDB) load(t *testing.T, script string) {
	t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	if rows := d.sql(t, string(text)+"SELECT count(*) FROM portannot;"); rows != "[\"262144\"]\n" {
		t.Fatalf("portannot has %s rows", rows)
	}
}

func (d *duckDB) join(t *testing.T, flows, query, out string) {
	t.Helper()
	d.sql(t, duckDBJoin(flows, query, out))
}

func duckDBJoin(flows, query, out string) string {
	// The notation for strings is that of SQL; no name here has a quote in it.
	return fmt.Sprintf(`
CREATE OR REPLACE TABLE flows AS SELECT id, proto, src_ip, nullif(src_port, -1) AS src_port, dst_ip, nullif(dst_port, -1) AS dst_port, stated, hint
FROM read_csv('%s', header = false, columns = {id: BIGINT, proto: VARCHAR, src_ip: VARCHAR, src_port: INTEGER, dst_ip: VARCHAR, dst_port: INTEGER, stated: VARCHAR, hint: VARCHAR});
COPY (
SELECT id, %s
FROM (%s) ORDER BY id) TO '%s' (FORMAT csv, HEADER false);
SELECT count(*) FROM flows;
`, flows, engineColumns(map[string]string{"portannot_registered_names": "array_to_string(%s, '|')"}), query, out)
}

// The Parquet file of the table is, for DuckDB, the table of its own script.
func TestParquetInDuckDB(t *testing.T) {
	long(t)
	dir := t.TempDir()
	d := startDuckDB(t, dir).(*duckDB)
	bin := filepath.Join(dir, "portannot-parquet")
	if out, err := exec.Command("go", "build", "-o", bin, "../portannot-parquet").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	script, table, file := filepath.Join(dir, "portannot.sql"), filepath.Join(dir, "portannot.csv"), filepath.Join(dir, "portannot.parquet")
	expect(t, 0, nil, "registry", "export", "--registry", "embedded", "-o", "duckdb", "-w", script)
	expect(t, 0, nil, "registry", "export", "--registry", "embedded", "-o", "table", "-w", table)
	runEngine(t, nil, bin, "-o", file, table)
	d.load(t, script)
	rows := d.sql(t, fmt.Sprintf(`CREATE VIEW read AS FROM '%s';
SELECT (SELECT count(*) FROM read), (SELECT count(*) FROM (FROM read EXCEPT ALL FROM portannot)), (SELECT count(*) FROM (FROM portannot EXCEPT ALL FROM read));`, file))
	if rows != "[\"262144\",\"0\",\"0\"]\n" {
		t.Errorf("rows, those that the script's table has not, those that it has beside: %s", rows)
	}
	// Flows, with the types that the topic promises.
	demo := filepath.Join(repoRoot(t), "testdata", "captures", "demo.pcap")
	_, flows, _ := runProgram(t, "", "-q", "--registry", "embedded", "-r", demo, "-o", "csv")
	runEngine(t, strings.NewReader(flows), bin, "-o", filepath.Join(dir, "flows.parquet"))
	got := d.sql(t, fmt.Sprintf(`SELECT count(*), sum("network.bytes")::BIGINT, max("source.port"), list(DISTINCT typeof("@timestamp")),
  count(*) FILTER (list_contains("portannot.registered.names", 'www')), count(*) FILTER ("event.end" >= "@timestamp") FROM '%s';`,
		filepath.Join(dir, "flows.parquet")))
	if got != "[\"21\",\"9318\",61739,[\"TIMESTAMP WITH TIME ZONE\"],\"1\",\"21\"]\n" {
		t.Errorf("flows: %s", got)
	}
}

// clickHouse is a server of its own.
type clickHouse struct{ client, port string }

func startClickHouse(t *testing.T, dir string) engine {
	t.Helper()
	server, err := exec.LookPath("clickhouse-server")
	if err != nil {
		t.Skip("no clickhouse-server here")
	}
	client, err := exec.LookPath("clickhouse-client")
	if err != nil {
		t.Skip("no clickhouse-client here")
	}
	config, err := os.ReadFile(filepath.Join(repoRoot(t), "testdata", "engines", "clickhouse.xml"))
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "clickhouse")
	for _, sub := range []string{"data", "tmp", "files", "schemas"} {
		if err := os.MkdirAll(filepath.Join(home, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	tcp := freePort(t)
	text := strings.NewReplacer("TCP_PORT", tcp, "HTTP_PORT", freePort(t)).Replace(string(config))
	for _, name := range []string{"config.xml", "users.xml"} { // users are in the same text
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(server, "--config-file=config.xml")
	cmd.Dir = home
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { cmd.Wait(); close(gone) }()
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-gone
		}
	})
	c := &clickHouse{client, tcp}
	for start := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if exec.Command(client, "--host", "127.0.0.1", "--port", tcp, "--query", "SELECT 1").Run() == nil {
			break
		}
		select {
		case <-gone:
			t.Skipf("clickhouse-server does not start here: %s", log.Bytes())
		default:
		}
		if time.Since(start) > time.Minute {
			t.Fatal("clickhouse-server does not answer")
		}
	}
	t.Logf("ClickHouse %s", strings.TrimSpace(c.run(t, nil, "--query", "SELECT version()")))
	return c
}

// freePort gives a TCP port of the loopback that is free now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (c *clickHouse) run(t *testing.T, stdin io.Reader, args ...string) string {
	t.Helper()
	return runEngine(t, stdin, c.client, append([]string{"--host", "127.0.0.1", "--port", c.port}, args...)...)
}

func (c *clickHouse) load(t *testing.T, script string) {
	t.Helper()
	f, err := os.Open(script)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c.run(t, f, "--multiquery")
	if rows := c.run(t, nil, "--query", "SELECT count() FROM portannot"); rows != "262144\n" {
		t.Fatalf("portannot has %s rows", rows)
	}
}

func (c *clickHouse) join(t *testing.T, flows, query, out string) {
	t.Helper()
	c.run(t, strings.NewReader(`DROP TABLE IF EXISTS flows;
CREATE TABLE flows (id UInt64, proto String, src_ip String, src_port Int32, dst_ip String, dst_port Int32, stated String, hint String)
ENGINE = MergeTree() ORDER BY id;
`), "--multiquery")
	f, err := os.Open(flows)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c.run(t, f, "--query", "INSERT INTO flows FORMAT CSV")
	rows := c.run(t, nil, "--query", `
SELECT id, `+clickHouseColumns()+`
FROM (`+query+`) ORDER BY id FORMAT CSV`)
	if err := os.WriteFile(out, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
}

func clickHouseColumns() string {
	return engineColumns(map[string]string{
		"portannot_service_port": "if(%[1]s < 0, '', toString(%[1]s))", "portannot_registered_names": "arrayStringConcat(%s, '|')"})
}

// engineColumns gives comparedColumns as an engine names them, some of them as
// text by an expression.
func engineColumns(as map[string]string) string {
	var list []string
	for _, name := range comparedColumns {
		column := "portannot_" + strings.ReplaceAll(name, ".", "_")
		if expression := as[column]; expression != "" {
			column = fmt.Sprintf(expression, column)
		}
		list = append(list, column)
	}
	return strings.Join(list, ", ")
}

func runEngine(t *testing.T, stdin io.Reader, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = stdin
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %.2000s", filepath.Base(name), err, stderr.Bytes())
	}
	return stdout.String()
}
