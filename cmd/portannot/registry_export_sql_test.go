package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sqlite is a database in a file.
type sqlite struct{ program, database string }

func startSQLite(t *testing.T, dir string) engine {
	t.Helper()
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("no sqlite3 here")
	}
	s := &sqlite{program, filepath.Join(dir, "flows.sqlite")}
	t.Logf("SQLite %s", strings.Fields(runEngine(t, nil, program, "--version"))[0])
	return s
}

func (s *sqlite) sql(t *testing.T, statements string) string {
	t.Helper()
	return runEngine(t, strings.NewReader(statements), s.program, "-bail", s.database)
}

func (s *sqlite) load(t *testing.T, script string) {
	t.Helper()
	if rows := s.sql(t, fmt.Sprintf(".read %s\nSELECT count(*) FROM portannot;\n", script)); rows != "262144\n" {
		t.Fatalf("portannot has %s rows", rows)
	}
}

func (s *sqlite) join(t *testing.T, flows, query, out string) {
	t.Helper()
	rows := s.sql(t, fmt.Sprintf(`DROP TABLE IF EXISTS flows;
CREATE TABLE flows (id INTEGER, proto TEXT, src_ip TEXT, src_port INTEGER, dst_ip TEXT, dst_port INTEGER, stated TEXT, hint TEXT);
.mode csv
.import %s flows
UPDATE flows SET src_port = nullif(src_port, -1), dst_port = nullif(dst_port, -1);
SELECT id, %s FROM (%s) ORDER BY id;
`, flows, engineColumns(map[string]string{"portannot_registered_names": "(SELECT group_concat(value, '|') FROM json_each(%s))"}), query))
	if err := os.WriteFile(out, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
}

// postgres is a server of its own, on a socket.
type postgres struct{ psql, socket string }

// postgresProgram looks for a program of the server on the PATH, and where Debian has it.
func postgresProgram(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

func (p *postgres) sql(t *testing.T, args ...string) string {
	t.Helper()
	return runEngine(t, nil, p.psql, append([]string{"-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", p.socket, "-U", "test", "postgres"}, args...)...)
}

func (p *postgres) load(t *testing.T, script string) {
	t.Helper()
	if rows := p.sql(t, "-f", script, "-c", "SELECT count(*) FROM portannot"); rows != "262144\n" {
		t.Fatalf("portannot has %s rows", rows)
	}
}

func (p *postgres) join(t *testing.T, flows, query, out string) {
	t.Helper()
	p.sql(t, "-c", "DROP TABLE IF EXISTS flows",
		"-c", "CREATE TABLE flows (id bigint, proto text, src_ip text, src_port integer, dst_ip text, dst_port integer, stated text, hint text)",
		"-c", fmt.Sprintf("\\copy flows FROM '%s' (FORMAT csv, NULL '-1')", flows))
	query = strings.ReplaceAll(strings.TrimSpace(query), "\n", " ") // \copy takes one line
	p.sql(t, "-c", fmt.Sprintf("\\copy (SELECT id, %s FROM (%s) AS q ORDER BY id) TO '%s' (FORMAT csv)",
		engineColumns(map[string]string{"portannot_registered_names": "array_to_string(%s, '|')"}), query, out))
}
