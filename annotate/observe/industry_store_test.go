package observe

import "strconv"

// respArray gives a command as clients send it.
func respArray(words ...string) string {
	s := "*" + strconv.Itoa(len(words)) + "\r\n"
	for _, w := range words {
		s += "$" + strconv.Itoa(len(w)) + "\r\n" + w + "\r\n"
	}
	return s
}

func memcachedBinary(magic, op, key, extras, status int, body string) string {
	return cat(magic, op, u16(key), extras, 0, u16(status), u32(len(body)), filler(4), zeros(8), body)
}

// bson gives a document of elements.
func bson(elements ...any) string {
	s := cat(elements...)
	return cat(l32(4+len(s)+1), s, 0)
}

var mongoPing = bson("\x10hello\x00", l32(1), "\x02$db\x00", l32(6), "admin\x00")

func mongoMessage(answered, operation int, parts ...any) string {
	body := cat(parts...)
	return cat(l32(16+len(body)), l32(77), l32(answered), l32(operation), body)
}

func cqlFrame(version, operation int, parts ...any) string {
	return cat(version, 0, u16(0), operation, vec32(cat(parts...)))
}

var storeSamples = []sample{
	{name: "command and reply", transport: tcp, sent: [2]string{respArray("SET", "greeting", "hello"), "+OK\r\n"}, of: Redis, want: Redis, strength: Full, server: Destination},
	{name: "bulk reply", transport: tcp, sent: [2]string{"", "$5\r\nhello\r\n"}, of: Redis, want: Redis, strength: Full, server: Destination},
	{name: "HELLO's reply", transport: tcp, sent: [2]string{"", "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"}, of: Redis, want: Redis, strength: Full, server: Destination},
	{name: "error", transport: tcp, sent: [2]string{"", "-NOAUTH Authentication required.\r\n"}, of: Redis, want: Redis, strength: Full, server: Destination},
	{name: "message", transport: tcp, sent: [2]string{respArray("message", "news", "42")}, of: Redis, want: Redis, strength: Full},
	{name: "subscription", transport: tcp, sent: [2]string{respArray("SUBSCRIBE", "news") + respArray("SUBSCRIBE", "weather"), "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"}, of: Redis, want: Redis, strength: Full, server: Destination},
	{name: "command alone, or a reply", transport: tcp, sent: [2]string{respArray("get", "set", "del")}, of: Redis, want: Redis, strength: Full},
	{name: "list for an answer", transport: tcp, sent: [2]string{respArray("LRANGE", "names", "0", "-1"), respArray("alice", "bob")}, of: Redis, want: Redis, strength: Full, server: Destination},
	{name: "commands for a replica, and what it says", transport: tcp, sent: [2]string{respArray("SET", "greeting", "hello"), respArray("REPLCONF", "ACK", "77")}, of: Redis, want: Redis, strength: Full},
	{name: "short reply", transport: tcp, sent: [2]string{"", ":42\r\n"}, of: Redis, want: Redis, strength: Likely, server: Destination},
	{name: "bulk of another length", transport: tcp, sent: [2]string{"*1\r\n$5\r\nPING\r\n*1\r\n$4\r\nPING\r\n"}, of: Redis},
	{name: "array of no number", transport: tcp, sent: [2]string{"*x\r\n$4\r\nPING\r\n"}, of: Redis},
	{name: "a list in text", transport: tcp, sent: [2]string{"* first\r\n* second\r\n"}, of: Redis},

	{name: "set and stored", transport: tcp, sent: [2]string{"set greeting 0 900 5\r\nhello\r\n", "STORED\r\n"}, of: Memcached, want: Memcached, strength: Full, server: Destination},
	{name: "get and value", transport: tcp, sent: [2]string{"get greeting\r\n", "VALUE greeting 0 5\r\nhello\r\nEND\r\n"}, of: Memcached, want: Memcached, strength: Full, server: Destination},
	{name: "get and nothing", transport: tcp, sent: [2]string{"get greeting\r\n", "END\r\n"}, of: Memcached, want: Memcached, strength: Full, server: Destination},
	{name: "stats", transport: tcp, sent: [2]string{"", "STAT pid 7\r\nSTAT uptime 9\r\nEND\r\n"}, of: Memcached, want: Memcached, strength: Full, server: Destination},
	{name: "binary get and answer", transport: tcp, sent: [2]string{memcachedBinary(0x80, 0, 5, 0, 0, "hello"), memcachedBinary(0x81, 0, 0, 4, 0, zeros(4)+"world")}, of: Memcached, want: Memcached, strength: Full, server: Destination},
	{name: "datagram", transport: udp, sent: [2]string{cat(u16(9), u16(0), u16(1), u16(0), "get greeting\r\n")}, of: Memcached, want: Memcached, strength: Full, server: Destination},
	{name: "data longer than said", transport: tcp, sent: [2]string{"set greeting 0 900 3\r\nhello\r\n"}, of: Memcached},
	{name: "binary get with extras", transport: tcp, sent: [2]string{memcachedBinary(0x80, 0, 5, 4, 0, zeros(4)+"hello")}, of: Memcached},
	{name: "no number", transport: tcp, sent: [2]string{"set the table for five\r\n"}, of: Memcached},

	{name: "hello", transport: tcp, sent: [2]string{mongoMessage(0, 2013, l32(0), 0, mongoPing), mongoMessage(77, 2013, l32(0), 0, bson("\x01ok\x00", filler(8)))}, of: MongoDB, want: MongoDB, strength: Full, server: Destination},
	{name: "old query and reply", transport: tcp, sent: [2]string{mongoMessage(0, 2004, l32(4), "admin.$cmd\x00", l32(0), l32(1), mongoPing), mongoMessage(77, 1, l32(8), l64(0), l32(0), l32(1), bson("\x01ok\x00", filler(8)))}, of: MongoDB, want: MongoDB, strength: Full, server: Destination},
	{name: "compressed", transport: tcp, sent: [2]string{mongoMessage(0, 2012, l32(2013), l32(300), 2, filler(90))}, of: MongoDB, want: MongoDB, strength: Full, server: Destination},
	{name: "reserved flag", transport: tcp, sent: [2]string{mongoMessage(0, 2013, l32(4), 0, mongoPing)}, of: MongoDB},
	{name: "document longer than the message", transport: tcp, sent: [2]string{mongoMessage(0, 2013, l32(0), 0, "\xff\x00\x00\x00\x10hello\x00", l32(1))}, of: MongoDB},
	{name: "collection without a database", transport: tcp, sent: [2]string{mongoMessage(0, 2004, l32(0), "things\x00", l32(0), l32(1), mongoPing)}, of: MongoDB},

	{name: "startup", transport: tcp, sent: [2]string{cqlFrame(4, 1, u16(1), vec16("CQL_VERSION"), vec16("3.4.5")), cqlFrame(0x84, 3, vec16("org.apache.cassandra.auth.PasswordAuthenticator"))}, of: Cassandra, want: Cassandra, strength: Full, server: Destination},
	{name: "options", transport: tcp, sent: [2]string{cqlFrame(5, 5), cqlFrame(0x85, 6, u16(1), vec16("COMPRESSION"), u16(1), vec16("lz4"))}, of: Cassandra, want: Cassandra, strength: Full, server: Destination},
	{name: "query and rows", transport: tcp, sent: [2]string{cqlFrame(3, 7, vec32("SELECT * FROM system.local"), u16(1), 0), cqlFrame(0x83, 8, u32(2), filler(30))}, of: Cassandra, want: Cassandra, strength: Full, server: Destination},
	{name: "version 2", transport: tcp, sent: [2]string{cat(2, 0, 0, 1, vec32(u16(1), vec16("CQL_VERSION"), vec16("3.0.0")))}, of: Cassandra, want: Cassandra, strength: Full, server: Destination},
	{name: "error", transport: tcp, sent: [2]string{"", cqlFrame(0x84, 0, u32(0x0a), vec16("Invalid or unsupported protocol version (66)"))}, of: Cassandra, want: Cassandra, strength: Full, server: Destination},
	{name: "text beyond the frame", transport: tcp, sent: [2]string{cqlFrame(4, 1, u16(1), u16(99), "CQL_VERSION")}, of: Cassandra},
	{name: "unknown flags", transport: tcp, sent: [2]string{cat(4, 0xe0, u16(0), 5, u32(0))}, of: Cassandra},
	{name: "options with a body", transport: tcp, sent: [2]string{cqlFrame(4, 5, filler(9))}, of: Cassandra},
}
