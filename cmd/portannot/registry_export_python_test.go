package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// chDB is ClickHouse as a library of Python.
type chDB struct{ python, script, folder string }

// startChDB looks for the Python of PORTANNOT_CHDB, a folder of a Python environment with
// chdb.
func startChDB(t *testing.T, dir string) engine {
	t.Helper()
	python := filepath.Join(os.Getenv("PORTANNOT_CHDB"), "bin", "python")
	if os.Getenv("PORTANNOT_CHDB") == "" || exec.Command(python, "-c", "import chdb").Run() != nil {
		t.Skip("no chdb in PORTANNOT_CHDB: testdata/engines/install-chdb.sh installs it")
	}
	c := &chDB{python, filepath.Join(repoRoot(t), "testdata", "engines", "clickhouse.py"), filepath.Join(dir, "chdb")}
	t.Logf("ClickHouse %s, in chDB", strings.TrimSpace(c.sql(t, "SELECT version();\n")))
	return c
}

func (c *chDB) sql(t *testing.T, statements string) string {
	t.Helper()
	return runEngine(t, strings.NewReader(statements), c.python, c.script, c.folder)
}

func (c *chDB) load(t *testing.T, script string) {
	t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	if rows := c.sql(t, string(text)+"SELECT count() FROM portannot;\n"); rows != "262144\n" {
		t.Fatalf("portannot has %s rows", rows)
	}
}

func (c *chDB) join(t *testing.T, flows, query, out string) {
	t.Helper()
	c.sql(t, fmt.Sprintf(`DROP TABLE IF EXISTS flows;
CREATE TABLE flows (id UInt64, proto String, src_ip String, src_port Int32, dst_ip String, dst_port Int32, stated String, hint String) ENGINE = MergeTree() ORDER BY id;
INSERT INTO flows SELECT * FROM file('%s', 'CSV', 'id UInt64, proto String, src_ip String, src_port Int32, dst_ip String, dst_port Int32, stated String, hint String');
SELECT id, %s FROM (%s) ORDER BY id INTO OUTFILE '%s' TRUNCATE FORMAT CSV;
`, flows, clickHouseColumns(), query, out))
}

// duckDBPython is DuckDB as a library of Python, which has newer versions than npm.
type duckDBPython struct{ python, script, database string }

// startDuckDBPython looks for the Python of PORTANNOT_PYTHON, a folder of a Python
// environment with duckdb.
func startDuckDBPython(t *testing.T, dir string) engine {
	t.Helper()
	python := filepath.Join(os.Getenv("PORTANNOT_PYTHON"), "bin", "python")
	if os.Getenv("PORTANNOT_PYTHON") == "" || exec.Command(python, "-c", "import duckdb").Run() != nil {
		t.Skip("no duckdb in PORTANNOT_PYTHON, a folder of a Python environment")
	}
	d := &duckDBPython{python, filepath.Join(repoRoot(t), "testdata", "engines", "duckdb_run.py"), filepath.Join(dir, "flows.duckdb")}
	t.Logf("DuckDB %s", strings.TrimSpace(d.sql(t, "SELECT version();")))
	return d
}

func (d *duckDBPython) sql(t *testing.T, statements string) string {
	t.Helper()
	return runEngine(t, strings.NewReader(statements), d.python, d.script, d.database)
}

func (d *duckDBPython) load(t *testing.T, script string) {
	t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	if rows := d.sql(t, string(text)+"SELECT count(*) FROM portannot;"); rows != "262144\n" {
		t.Fatalf("portannot has %s rows", rows)
	}
}

func (d *duckDBPython) join(t *testing.T, flows, query, out string) {
	t.Helper()
	d.sql(t, duckDBJoin(flows, query, out))
}
