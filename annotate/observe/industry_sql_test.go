package observe

func mysqlPacket(sequence int, parts ...any) string {
	body := cat(parts...)
	return cat(l24(len(body)), sequence, body)
}

var (
	mysqlHello = mysqlPacket(0, 10, "8.0.36-0ubuntu0.22.04.1\x00", l32(11), filler(8), 0, l16(0xffff), 255, l16(2), l16(0xdfff), 21, zeros(10), filler(12), 0, "caching_sha2_password\x00")
	mariaHello = mysqlPacket(0, 10, "5.5.5-10.11.6-MariaDB\x00", l32(40), filler(8), 0, l16(0xf7fe), 8, l16(2), l16(0x81ff), 21, zeros(6), l32(0x1d), filler(12), 0, "mysql_native_password\x00")
	mysqlLogin = mysqlPacket(1, l32(0x01bfa685), l32(1<<24), 255, zeros(23), "app\x00", vec8(filler(32)), "shop\x00", "caching_sha2_password\x00")
	mysqlTLS   = mysqlPacket(1, l32(0x01bfae85), l32(1<<24), 255, zeros(23))

	pgUser = cat(u32(3<<16), "user\x00app\x00database\x00shop\x00\x00")
	pgRow  = cat("T", u32(4+2+4+18), u16(1), "one\x00", filler(18))
)

// pgMessage gives a message with its length.
func pgMessage(kind string, parts ...any) string {
	body := cat(parts...)
	return cat(kind, u32(4+len(body)), body)
}

func tdsPacket(kind, status int, parts ...any) string {
	body := cat(parts...)
	return cat(kind, status, u16(8+len(body)), u16(0), 1, 0, body)
}

// tdsOptionList holds the version and the encryption.
var tdsOptionList = cat(0, u16(11), u16(6), 1, u16(17), u16(1), 0xff, "\x0f\x00\x10\x40\x00\x00", 2)

func tnsPacket(kind int, parts ...any) string {
	body := cat(parts...)
	return cat(u16(8+len(body)), u16(0), kind, 0, u16(0), body)
}

const tnsAddress = "(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=shop)))"

var (
	tnsAsk    = tnsPacket(1, u16(318), u16(300), u16(0), u16(8192), u16(65535), u16(0x7f08), u16(0), u16(1), u16(len(tnsAddress)), u16(58), u32(2048), "\x41\x41", zeros(24), tnsAddress)
	tnsAgreed = tnsPacket(2, u16(318), u16(0), u16(8192), u16(65535), u16(1), u16(0), u16(32), "\x41\x41", zeros(8))
)

var sqlSamples = []sample{
	{name: "greeting and login", transport: tcp, sent: [2]string{mysqlLogin, mysqlHello}, of: MySQL, want: MySQL, strength: Full, server: Destination, text: "8.0.36-0ubuntu0.22.04.1"},
	{name: "MariaDB's greeting and TLS", transport: tcp, sent: [2]string{mysqlTLS + tlsHello1, mariaHello}, of: MySQL, want: MySQL, strength: Full, server: Destination, upgrade: true, text: "5.5.5-10.11.6-MariaDB"},
	{name: "host not allowed", transport: tcp, sent: [2]string{"", mysqlPacket(0, 0xff, l16(1130), "Host '192.0.2.7' is not allowed to connect to this MySQL server")}, of: MySQL, want: MySQL, strength: Full, server: Destination},
	{name: "query and result", transport: tcp, sent: [2]string{mysqlPacket(0, 3, "select id, name from customer"), mysqlPacket(1, 1) + mysqlPacket(2, "\x03def", vec8("shop"), filler(30))}, of: MySQL, want: MySQL, strength: Full, server: Destination},
	{name: "protocol 9", transport: tcp, sent: [2]string{"", mysqlPacket(0, 9, "3.22.32\x00", l32(11), filler(8), 0)}, of: MySQL},
	{name: "reserved bytes in use", transport: tcp, sent: [2]string{"", mysqlPacket(0, 10, "8.0.36\x00", l32(11), filler(8), 0, l16(0xffff), 255, l16(2), l16(0xdfff), 21, filler(10), filler(12), 0)}, of: MySQL},
	{name: "login without protocol 4.1", transport: tcp, sent: [2]string{mysqlPacket(1, l32(0x01bfa485), l32(1<<24), 255, zeros(23), "app\x00")}, of: MySQL},
	{name: "query that is no SQL", transport: tcp, sent: [2]string{mysqlPacket(0, 3, "what time is it")}, of: MySQL},

	{name: "startup", transport: tcp, sent: [2]string{cat(u32(4+len(pgUser)), pgUser), pgMessage("R", u32(10), "SCRAM-SHA-256\x00\x00")}, of: PostgreSQL, want: PostgreSQL, strength: Full, server: Destination},
	{name: "asked for TLS", transport: tcp, sent: [2]string{cat(u32(8), u32(80877103), tlsHello1), "S" + tlsHello2}, of: PostgreSQL, want: PostgreSQL, strength: Full, server: Destination, upgrade: true},
	{name: "refused TLS", transport: tcp, sent: [2]string{cat(u32(8), u32(80877103)), "N"}, of: PostgreSQL, want: PostgreSQL, strength: Full, server: Destination, upgrade: true},
	{name: "cancel", transport: tcp, sent: [2]string{cat(u32(16), u32(80877102), filler(8))}, of: PostgreSQL, want: PostgreSQL, strength: Full, server: Destination},
	{name: "error", transport: tcp, sent: [2]string{"", pgMessage("E", "SFATAL\x00", "VFATAL\x00", "C28000\x00", "Mno entry in pg_hba.conf\x00\x00")}, of: PostgreSQL, want: PostgreSQL, strength: Full, server: Destination},
	{name: "query and row", transport: tcp, sent: [2]string{pgMessage("Q", "SELECT 1;\x00"), pgRow + pgMessage("D", u16(1), u32(1), "1") + pgMessage("C", "SELECT 1\x00") + pgMessage("Z", "I")}, of: PostgreSQL, want: PostgreSQL, strength: Full, server: Destination},
	{name: "prepared statement", transport: tcp, sent: [2]string{pgMessage("P", "\x00SELECT $1\x00", u16(0)) + pgMessage("B", "\x00\x00", u16(0), u16(0), u16(0)) + pgMessage("E", "\x00", u32(0)) + pgMessage("S")}, of: PostgreSQL, want: PostgreSQL, strength: Full, server: Destination},
	{name: "version 4", transport: tcp, sent: [2]string{cat(u32(4+len(pgUser)), u32(4<<16), pgUser[4:])}, of: PostgreSQL},
	{name: "no user", transport: tcp, sent: [2]string{cat(u32(8+15), u32(3<<16), "database\x00shop\x00\x00")}, of: PostgreSQL},
	{name: "frontend's and backend's types", transport: tcp, sent: [2]string{pgMessage("P", filler(9)) + pgMessage("T", filler(9)) + pgMessage("D", filler(9))}, of: PostgreSQL},

	{name: "pre-login", transport: tcp, sent: [2]string{tdsPacket(0x12, 1, tdsOptionList), tdsPacket(4, 1, tdsOptionList)}, of: TDS, want: TDS, strength: Full, server: Destination},
	{name: "TLS in pre-login", transport: tcp, sent: [2]string{tdsPacket(0x12, 1, tlsHello1)}, of: TDS, want: TDS, strength: Full, server: Destination, upgrade: true},
	{name: "login", transport: tcp, sent: [2]string{tdsPacket(0x10, 1, l32(120), l32(0x74000004), filler(112))}, of: TDS, want: TDS, strength: Full, server: Destination},
	{name: "batch and response", transport: tcp, sent: [2]string{tdsPacket(1, 1, l32(22), l32(18), l16(2), filler(8), l32(1), utf16("select 1")), tdsPacket(4, 1, "\xfd", l16(0x10), l16(0xc1), l64(1))}, of: TDS, want: TDS, strength: Full, server: Destination},
	{name: "batch of version 7.0", transport: tcp, sent: [2]string{tdsPacket(1, 1, utf16("select @@version"))}, of: TDS, want: TDS, strength: Full, server: Destination},
	{name: "login's answer", transport: tcp, sent: [2]string{"", tdsPacket(4, 1, "\xe3", l16(8), filler(8), "\xab", l16(20), filler(20), "\xfd", zeros(12))}, of: TDS, want: TDS, strength: Full, server: Destination},
	{name: "Sybase login", transport: tcp, sent: [2]string{tdsPacket(2, 0, "host", zeros(26), 4, "sa", zeros(28), 2, zeros(30), 0, filler(411))}, of: TDS, want: TDS, strength: Full, server: Destination},
	{name: "gap between options", transport: tcp, sent: [2]string{tdsPacket(0x12, 1, 0, u16(11), u16(6), 1, u16(18), u16(1), 0xff, filler(8))}, of: TDS},
	{name: "login of version 8", transport: tcp, sent: [2]string{tdsPacket(0x10, 1, l32(120), l32(0x05000000), filler(112))}, of: TDS},

	{name: "connect and accept", transport: tcp, sent: [2]string{tnsAsk, tnsAgreed}, of: TNS, want: TNS, strength: Full, server: Destination},
	{name: "resend", transport: tcp, sent: [2]string{"", "\x00\x08\x00\x00\x0b\x00\x00\x00"}, of: TNS, want: TNS, strength: Full, server: Destination},
	{name: "refusal", transport: tcp, sent: [2]string{"", tnsPacket(4, 34, 0, vec16("(DESCRIPTION=(ERR=12514))"))}, of: TNS, want: TNS, strength: Full, server: Destination},
	{name: "redirection", transport: tcp, sent: [2]string{"", tnsPacket(5, vec16("(ADDRESS=(PROTOCOL=tcp))"))}, of: TNS, want: TNS, strength: Full, server: Destination},
	{name: "data", transport: tcp, sent: [2]string{tnsPacket(6, u16(0), filler(30))}, of: TNS, want: TNS, strength: Likely},
	{name: "checksum in use", transport: tcp, sent: [2]string{tnsAsk[:2] + "\x12\x34" + tnsAsk[4:]}, of: TNS},
	{name: "version 200", transport: tcp, sent: [2]string{tnsAsk[:8] + "\x00\xc8" + tnsAsk[10:]}, of: TNS},
}
