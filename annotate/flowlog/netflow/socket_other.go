//go:build !linux

package netflow

import "net"

// growBuffer asks for memory for datagrams that wait to be read.
func growBuffer(conn *net.UDPConn, n int) { conn.SetReadBuffer(n) }

// socketDrops would give how many datagrams the system has dropped. It does not
// say.
func socketDrops(*net.UDPConn) (n uint32, ok bool) { return 0, false }
