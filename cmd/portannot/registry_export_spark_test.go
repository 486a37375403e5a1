package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// spark runs spark-sql, a new one for each script, since its views are of a session.
type spark struct{ program, dir, setup string }

// startSpark looks for spark-sql in PORTANNOT_SPARK, the folder of a Python environment
// with pyspark, and on the PATH.
func startSpark(t *testing.T, dir string) engine {
	t.Helper()
	program, err := exec.LookPath("spark-sql")
	if folder := os.Getenv("PORTANNOT_SPARK"); folder != "" {
		program, err = exec.LookPath(filepath.Join(folder, "bin", "spark-sql"))
		if home, _ := filepath.Glob(filepath.Join(folder, "lib", "python*", "site-packages", "pyspark")); len(home) > 0 {
			t.Setenv("SPARK_HOME", home[0])
		}
	}
	if err != nil {
		t.Skip("no spark-sql here: testdata/engines/install-spark.sh installs it")
	}
	s := &spark{program: program, dir: dir}
	t.Logf("Spark %s", strings.TrimSpace(s.sql(t, "SELECT version();")))
	return s
}

func (s *spark) sql(t *testing.T, statements string) string {
	t.Helper()
	script := filepath.Join(s.dir, "spark.sql")
	if err := os.WriteFile(script, []byte(statements), 0o600); err != nil {
		t.Fatal(err)
	}
	return runEngine(t, nil, s.program, "--master", "local[2]", "--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=4",
		"--conf", "spark.sql.warehouse.dir="+filepath.Join(s.dir, "warehouse"), "--conf", "spark.hadoop.javax.jdo.option.ConnectionURL=jdbc:derby:memory:portannot;create=true",
		"--conf", "spark.driver.extraJavaOptions=-Dderby.system.home="+s.dir, "-S", "-f", script)
}

func (s *spark) load(t *testing.T, script string) {
	t.Helper()
	_, setup, _ := runProgram(t, "", "registry", "export", "-o", "spark", "--setup")
	s.setup = strings.ReplaceAll(setup, "path 'portannot.csv'", "path '"+script+"'")
	if rows := s.sql(t, s.setup+"SELECT count(*) FROM portannot;"); strings.TrimSpace(rows) != "262144" {
		t.Fatalf("portannot has %s rows", rows)
	}
}

func (s *spark) join(t *testing.T, flows, query, out string) {
	t.Helper()
	folder := filepath.Join(s.dir, "joined")
	s.sql(t, s.setup+fmt.Sprintf(`
CREATE TEMPORARY VIEW flows (id BIGINT, proto STRING, src_ip STRING, src_port INT, dst_ip STRING, dst_port INT, stated STRING, hint STRING)
USING csv OPTIONS (path '%s', nullValue '-1');
INSERT OVERWRITE DIRECTORY '%s' USING csv OPTIONS (emptyValue '')
SELECT id, %s FROM (%s) ORDER BY id;
`, flows, folder, engineColumns(map[string]string{"portannot_registered_names": "array_join(%s, '|')"}), query))
	parts, err := filepath.Glob(filepath.Join(folder, "part-*"))
	if err != nil || len(parts) == 0 {
		t.Fatalf("no result: %v", err)
	}
	slices.Sort(parts) // which are in the order of the rows
	var all []byte
	for _, part := range parts {
		b, err := os.ReadFile(part)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	if err := os.WriteFile(out, all, 0o600); err != nil {
		t.Fatal(err)
	}
}
