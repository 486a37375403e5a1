//go:build !linux

package main

import "testing"

func startPostgres(t *testing.T, dir string) engine {
	t.Skip("PostgreSQL is tried on Linux")
	return nil
}
