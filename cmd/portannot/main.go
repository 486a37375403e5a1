// Command portannot tags the flows of captures and of flow logs with what the
// IANA port registry says of their ports.
package main

import "os"

func main() {
	ownProcess = true
	os.Exit(run(untilSignalled(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
