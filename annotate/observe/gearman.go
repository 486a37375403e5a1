package observe

// Gearman: packets of a magic, a type and a length (gearman.org, "Gearman
// Protocol").
const (
	gearmanHeader = 12
	gearmanTypes  = 42

	reasonGearman = "Gearman packet: magic, type and length fit"
)

// findGearman recognises packets of clients and workers, which are clients
// too, and of job servers.
func findGearman(m *message) match {
	b := m.b
	if len(b) < gearmanHeader || be32(b[4:]) == 0 || be32(b[4:]) > gearmanTypes || be32(b[8:]) > 1<<30 {
		return match{}
	}
	found := match{protocol: Gearman, strength: Full, reason: reasonGearman}
	switch string(b[:4]) {
	case "\x00REQ":
		found.sender = client
	case "\x00RES":
		found.sender = server
	default:
		return match{}
	}
	return found
}

// ZooKeeper: records with four bytes of length (Apache ZooKeeper,
// "zookeeper.jute": ConnectRequest and ConnectResponse).
const (
	zkPassword = 16

	reasonZooKeeper = "ZooKeeper session: length, version and password's length fit"
)

// findZooKeeper recognises the request for a session and its answer. Releases
// since 3.4 add a byte for read-only service.
func findZooKeeper(m *message) match {
	b := m.b
	found := match{protocol: ZooKeeper, strength: Full, reason: reasonZooKeeper}
	size, at := int(be32(b)), 0
	switch size {
	case 44, 45: // version, last transaction seen, time-out, session, password
		found.sender, at = client, 16
	case 36, 37: // version, time-out, session, password
		found.sender, at = server, 8
	default:
		return match{}
	}
	if len(b) < at+4+8+4 || be32(b[4:]) != 0 || be32(b[at+12:]) != zkPassword || be32(b[at:]) > 1<<24 || size&1 != 0 && len(b) >= 4+size && b[3+size] > 1 {
		return match{}
	}
	return found
}

// Elasticsearch's transport between nodes: two letters, a length, a request
// number, a status and a version (Elasticsearch source, TcpHeader).
const (
	esHeader = 19

	reasonElastic = "Elasticsearch transport header: status and version fit"
)

// findElasticsearch recognises a message of the transport; clients use HTTP.
func findElasticsearch(m *message) match {
	b := m.b
	size := be32(b[2:])
	if b[0] != 'E' || b[1] != 'S' || size < esHeader-6 || size > 1<<30 || b[6] != 0 || b[7] != 0 || b[14]&^0x0f != 0 {
		return match{}
	}
	// 5.0.0 is 5000099.
	if v := be32(b[15:]); v < 1000000 || v > 99999999 {
		return match{}
	}
	found := match{protocol: Elasticsearch, strength: Full, sender: client, reason: reasonElastic}
	if b[14]&1 != 0 {
		found.sender = server
	}
	return found
}

// ONC RPC, which carries NFS: calls and replies (RFC 5531 section 9), over TCP
// with a record mark before them (section 11).
const (
	rpcCall      = 0
	rpcReply     = 1
	rpcVersion   = 2
	rpcMaxAuth   = 400
	rpcLast      = 1 << 31 // of the record mark: the last fragment
	rpcNFS       = 100003  // program numbers
	rpcNFSACL    = 100227
	rpcMaxRecord = 1 << 24

	reasonRPCCall   = "ONC RPC call: version, program and credentials fit"
	reasonRPCAnswer = "ONC RPC reply to the call that the other end sent"
	reasonRPCReply  = "ONC RPC reply: state and verifier fit"
)

// findRPC recognises a call or reply in a datagram.
func findRPC(m *message) match {
	return rpcMessage(m.b, m.peer.b)
}

// findRPCStream recognises it in a stream.
func findRPCStream(m *message) match {
	mark := be32(m.b)
	if size := mark &^ rpcLast; size < 24 || size > rpcMaxRecord || mark&rpcLast == 0 || m.n < 4+24 {
		return match{}
	}
	var peer []byte
	if len(m.peer.b) > 4 {
		peer = m.peer.b[4:]
	}
	return rpcMessage(m.b[4:], peer)
}

func rpcMessage(b, peer []byte) match {
	if p := rpcProgram(b); p != Unknown {
		found := match{protocol: p, strength: Full, sender: client, reason: reasonRPCCall}
		if rpcCallback(b) {
			found.sender = either
		}
		return found
	}
	if len(b) < 20 || be32(b[4:]) != rpcReply {
		return match{}
	}
	found := match{protocol: ONCRPC, strength: Likely, sender: server, reason: reasonRPCReply}
	switch be32(b[8:]) {
	case 0: // accepted: verifier, then how it went
		size := be32(b[16:])
		if flavor := be32(b[12:]); flavor > 6 && flavor != 390003 || size > rpcMaxAuth {
			return match{}
		}
		if at := 20 + int(size+3)&^3; len(b) >= at+4 && be32(b[at:]) > 5 {
			return match{}
		}
	case 1: // denied
		if be32(b[12:]) > 1 {
			return match{}
		}
	default:
		return match{}
	}
	if p := rpcProgram(peer); p != Unknown && be32(peer) == be32(b) {
		found.protocol, found.strength, found.reason = p, Full, reasonRPCAnswer
		if rpcCallback(peer) {
			found.sender = either
		}
	}
	return found
}

// rpcCallback reports a call of a program with a number that a client chose (RFC
// 5531 section 8.4): servers call it, over the connection that the client opened
// too (RFC 8881 section 2.10.3.1).
func rpcCallback(call []byte) bool {
	program := be32(call[12:])
	return program >= 0x40000000 && program < 0x60000000
}

// rpcProgram gives the protocol of a call, Unknown where b begins none.
func rpcProgram(b []byte) Protocol {
	if len(b) < 32 || be32(b[4:]) != rpcCall || be32(b[8:]) != rpcVersion || be32(b[16:]) > 255 || be32(b[20:]) > 1023 ||
		be32(b[24:]) > 6 && be32(b[24:]) != 390003 || be32(b[28:]) > rpcMaxAuth {
		return Unknown
	}
	switch program := be32(b[12:]); {
	case program == rpcNFS || program == rpcNFSACL:
		return NFS
	case program >= 100000 && program < 1<<31:
		return ONCRPC
	}
	return Unknown
}
