package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func startPostgres(t *testing.T, dir string) engine {
	t.Helper()
	initdb, server, psql := postgresProgram("initdb"), postgresProgram("postgres"), postgresProgram("psql")
	if initdb == "" || server == "" || psql == "" {
		t.Skip("no PostgreSQL here: initdb, postgres, psql")
	}
	// The server refuses to be root, and a socket's path has 107 bytes at most.
	home, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	var as *syscall.SysProcAttr
	if os.Geteuid() == 0 {
		const nobody = 65534
		as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if err := os.Chown(home, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(home, "data")
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.SysProcAttr, cmd.Env = home, as, append(os.Environ(), "HOME="+home, "LC_ALL=C")
		return cmd
	}
	if out, err := command(initdb, "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync").CombinedOutput(); err != nil {
		t.Skipf("initdb does not work here: %v: %s", err, out)
	}
	cmd := command(server, "-D", data, "-k", home, "-c", "listen_addresses=", "-c", "fsync=off")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	p := &postgres{psql, home}
	for start := time.Now(); exec.Command(psql, "-X", "-h", home, "-U", "test", "postgres", "-c", "SELECT 1").Run() != nil; time.Sleep(100 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatal("the server does not answer")
		}
	}
	t.Logf("PostgreSQL %s", strings.TrimSpace(p.sql(t, "-c", "SHOW server_version")))
	return p
}
