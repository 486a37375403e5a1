package observe

// MongoDB: messages with a header of four little-endian numbers (MongoDB
// manual, "MongoDB Wire Protocol"): length, request, the request answered, and
// operation.
const (
	mongoHeader     = 16
	mongoReply      = 1
	mongoUpdate     = 2001
	mongoQuery      = 2004
	mongoKill       = 2007
	mongoCompressed = 2012
	mongoMsg        = 2013
	mongoMaxMessage = 48000000
)

const (
	reasonMongoMsg        = "MongoDB OP_MSG: flags, section and document fit"
	reasonMongoQuery      = "MongoDB OP_QUERY: collection name fits"
	reasonMongoReply      = "MongoDB OP_REPLY: flags and first document fit"
	reasonMongoCompressed = "MongoDB OP_COMPRESSED: operation and compressor fit"
)

// findMongoDB recognises the messages that servers since 3.6 know and the
// older query and reply.
func findMongoDB(m *message) match {
	b := m.b
	size, operation := int(le32(b)), le32(b[12:])
	if size < mongoHeader+5 || size > mongoMaxMessage {
		return match{}
	}
	found := match{protocol: MongoDB, sender: client}
	if le32(b[8:]) != 0 {
		found.sender = server // it answers a request
	}
	switch operation {
	case mongoMsg:
		// Of the flags' lower half only two have a meaning, and a receiver must
		// refuse the others.
		if len(b) < 26 || le32(b[16:])&0xfffc != 0 || b[20] > 1 {
			return match{}
		}
		if b[20] == 0 && !bsonDocument(b[21:], size-21) {
			return match{}
		}
		if part := int(le32(b[21:])); b[20] == 1 && (part < 5 || part > size-21) {
			return match{}
		}
		found.strength, found.reason = Full, reasonMongoMsg
	case mongoQuery:
		if len(b) < 24 || le32(b[16:])&^0xfe != 0 || found.sender == server {
			return match{}
		}
		at, dot := 20, false
		for ; at < len(b) && b[at] != 0; at++ {
			if b[at] <= ' ' || at > 20+255 {
				return match{}
			}
			dot = dot || b[at] == '.'
		}
		if !dot {
			return match{}
		}
		if at+9+5 <= len(b) && !bsonDocument(b[at+9:], size-at-9) {
			return match{}
		}
		found.strength, found.reason = Full, reasonMongoQuery
	case mongoReply:
		if size < 36 || len(b) < 36 || le32(b[16:])&^0xf != 0 || found.sender == client || le32(b[32:]) > 1<<20 {
			return match{}
		}
		if le32(b[32:]) > 0 && (len(b) < 41 || !bsonDocument(b[36:], size-36)) {
			return match{}
		}
		found.strength, found.reason = Full, reasonMongoReply
		if le32(b[32:]) == 0 {
			found.strength = Likely
		}
	case mongoCompressed:
		if len(b) < 25 || b[24] > 3 || le32(b[20:]) > mongoMaxMessage {
			return match{}
		}
		if was := le32(b[16:]); was != mongoMsg && was != mongoReply && (was < mongoUpdate || was > mongoKill) {
			return match{}
		}
		found.strength, found.reason = Full, reasonMongoCompressed
	}
	return found
}

// bsonDocument reports whether b may begin a BSON document of size bytes at
// most (bsonspec.org): its length, then elements of a type and a name.
func bsonDocument(b []byte, size int) bool {
	length := int(le32(b))
	if length < 5 || length > size {
		return false
	}
	kind := b[4]
	if length == 5 {
		return kind == 0
	}
	if kind == 0 || kind > 0x13 && kind != 0x7f && kind != 0xff {
		return false
	}
	for i := 5; i < len(b); i++ {
		switch {
		case b[i] == 0:
			return i > 5 && i < length
		case b[i] < ' ':
			return false
		}
	}
	return true
}

// Cassandra: frames of the CQL native protocol (Apache Cassandra,
// "native_protocol_v4.spec" section 2): version and direction, flags, stream,
// operation, length.
const (
	cqlError        = 0x00
	cqlStartup      = 0x01
	cqlReady        = 0x02
	cqlAuthenticate = 0x03
	cqlOptions      = 0x05
	cqlSupported    = 0x06
	cqlQuery        = 0x07
	cqlResult       = 0x08
	cqlPrepare      = 0x09
	cqlRegister     = 0x0b
	cqlMaxFrame     = 256 << 20
)

const (
	reasonCQLBody  = "CQL frame: operation and body fit"
	reasonCQLEmpty = "CQL frame without a body"
)

// findCassandra recognises the requests that begin a connection, a query, and
// their answers.
func findCassandra(m *message) match {
	b := m.b
	version, header := b[0]&0x7f, 9
	if version < 3 {
		header = 8 // the stream has one byte in versions 1 and 2
	}
	if version == 0 || version > 5 || len(b) < header || b[1]&^0x1f != 0 {
		return match{}
	}
	operation, size := b[header-5], int(be32(b[header-4:]))
	if size < 0 || size > cqlMaxFrame {
		return match{}
	}
	found := match{protocol: Cassandra, sender: client, reason: reasonCQLBody}
	if b[0]&0x80 != 0 {
		found.sender = server
	}
	body := b[header:]
	if size < len(body) {
		body = body[:size]
	}
	short := len(body) < size // not all of it is there
	ok := false
	switch {
	case size == 0:
		if m.ends(header) && b[1] == 0 && (found.sender == client && operation == cqlOptions || found.sender == server && operation == cqlReady) && version >= 3 {
			found.strength, found.reason = Full, reasonCQLEmpty
			return found
		}
	case found.sender == client:
		switch operation {
		case cqlStartup: // a map, which has the key CQL_VERSION
			ok = len(body) >= 6 && be16(body) >= 1 && be16(body) <= 16 && cqlString(body[2:], short)
		case cqlQuery, cqlPrepare: // a long text
			if len(body) >= 4 && be32(body) >= 4 && be32(body) <= uint32(size-4) {
				ok = sqlText(body[4:min(len(body), 4+int(be32(body)))])
			}
		case cqlRegister: // a list of event types
			ok = len(body) >= 6 && be16(body) >= 1 && be16(body) <= 8 && cqlString(body[2:], short)
		}
	default:
		switch operation {
		case cqlError: // a code and a text
			ok = len(body) >= 8 && body[0] == 0 && body[1] == 0 && body[2] <= 0x25 && cqlString(body[4:], short)
		case cqlAuthenticate: // the name of a class
			ok = cqlString(body, short)
		case cqlSupported: // a map
			ok = len(body) >= 6 && be16(body) >= 1 && be16(body) <= 32 && cqlString(body[2:], short)
		case cqlResult: // void, rows, keyspace, prepared, schema change
			if len(body) >= 4 && be32(body) >= 1 && be32(body) <= 5 {
				found.strength = Likely
				return found
			}
		}
	}
	if !ok {
		return match{}
	}
	found.strength = Full
	return found
}

// cqlString reports whether b begins with a length and a text that is not
// empty; short says that b may lack its end.
func cqlString(b []byte, short bool) bool {
	if len(b) < 4 {
		return false
	}
	n := be16(b)
	if n == 0 || n > 512 || 2+n > len(b) && !short {
		return false
	}
	return printable(b[2:min(len(b), 2+n)])
}
