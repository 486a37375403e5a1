package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pythonEngine is an engine that is a library of Python, which has newer versions than
// Debian and npm.
type pythonEngine struct {
	python, script, database string
	sqlOfJoin                func(flows, query, out string) string
}

// startPythonEngine looks for the Python of the environment whose folder a variable
// names.
func startPythonEngine(t *testing.T, variable, library, script, database string, join func(flows, query, out string) string) engine {
	t.Helper()
	python := filepath.Join(os.Getenv(variable), "bin", "python")
	if os.Getenv(variable) == "" || exec.Command(python, "-c", "import "+library).Run() != nil {
		t.Skipf("no %s in %s, a folder of a Python environment", library, variable)
	}
	e := &pythonEngine{python, filepath.Join(repoRoot(t), "testdata", "engines", script), database, join}
	t.Logf("%s, version %s", library, strings.TrimSpace(e.sql(t, "SELECT version();\n")))
	return e
}

func startChDB(t *testing.T, dir string) engine {
	return startPythonEngine(t, "PORTANNOT_CHDB", "chdb", "clickhouse.py", filepath.Join(dir, "chdb"), chDBJoin)
}

func startDuckDBPython(t *testing.T, dir string) engine {
	return startPythonEngine(t, "PORTANNOT_PYTHON", "duckdb", "duckdb_run.py", filepath.Join(dir, "flows.duckdb"), duckDBJoin)
}

func (e *pythonEngine) sql(t *testing.T, statements string) string {
	t.Helper()
	return runEngine(t, strings.NewReader(statements), e.python, e.script, e.database)
}

func (e *pythonEngine) load(t *testing.T, script string) {
	t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	if rows := e.sql(t, string(text)+"SELECT count(*) FROM portannot;\n"); rows != "262144\n" {
		t.Fatalf("portannot has %s rows", rows)
	}
}

func (e *pythonEngine) join(t *testing.T, flows, query, out string) {
	t.Helper()
	e.sql(t, e.sqlOfJoin(flows, query, out))
}

func chDBJoin(flows, query, out string) string {
	return fmt.Sprintf(`DROP TABLE IF EXISTS flows;
CREATE TABLE flows (id UInt64, proto String, src_ip String, src_port Int32, dst_ip String, dst_port Int32, stated String, hint String) ENGINE = MergeTree() ORDER BY id;
INSERT INTO flows SELECT * FROM file('%s', 'CSV', 'id UInt64, proto String, src_ip String, src_port Int32, dst_ip String, dst_port Int32, stated String, hint String');
SELECT id, %s FROM (%s) ORDER BY id INTO OUTFILE '%s' TRUNCATE FORMAT CSV;
`, flows, clickHouseColumns(), query, out)
}
