package observe

// table lists the recognisers in their order of preference: those that leave
// least to chance first. The lines of a protocol with a fixed greeting or a
// long structure come before those that only have a short header.
var table = append(append([]recogniser{}, internet...), industry...)

const (
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	digits = "0123456789"

	replies = "### |###-|###\r" // of servers that speak in lines
)

// internet are the protocols of networks in general: security, the web, names,
// mail, directories, voice, routing. The file of a recogniser cites its
// specification.
var internet = []recogniser{
	{TLS, onTCP, 6, "\x14\x15\x16\x17\x80", "", findTLS},
	{DTLS, onUDP | onSCTP | onDCCP, 13, "\x14\x15\x16\x17\x18\x19\x1a", "", findDTLS},
	{SSH, onTCP | onSCTP, 4, "S", "", findSSH},
	{HTTP, onTCP | onUDP | onSCTP, 6, upper, "?^", findStartLine}, // and SIP, RTSP, SSDP
	{HTTP2, onTCP, 9, "\x00", "", findHTTP2},
	{SMB, onTCP, 4, "\x00\x81\x82\x83", "", findSMB}, // and NetBIOS sessions
	{BGP, onTCP, 19, "\xff", "", findBGP},
	{VNC, onTCP, 12, "R", "", findVNC},
	{RDP, onTCP, 11, "\x03", "", findRDP},
	{XMPP, onTCP, 4, "<", "", findXMPP},
	{SMTP, onTCP, 4, digits + upper + lower, replies + "|EHLO|HELO|LHLO|MAIL|RCPT|STAR|AUTH|RSET|NOOP|QUIT", findSMTP},
	{FTP, onTCP, 4, digits + upper + lower, replies + "|USER|AUTH|PASV|EPSV|SYST|FEAT|TYPE|EPRT|OPTS|PORT|CWD|PWD|LIST|NLST|MLSD|RETR|STOR|PASS|QUIT|SIZE|STAT|NOOP|DELE|CDUP|MDTM|REST|MKD|RMD|RNFR|RNTO|ABOR", findFTP},
	{POP3, onTCP, 4, "+-" + upper + lower, "+OK|-ERR|CAPA|STLS|APOP|USER|AUTH|STAT|UIDL|QUIT|LIST|RETR|PASS|NOOP", findPOP3},
	{IMAP, onTCP, 5, "*." + digits + upper + lower, "?@@@", findIMAP},
	{IRC, onTCP, 6, ":" + upper + lower, "?!!", findIRC},
	{Telnet, onTCP, 3, "\xff", "", findTelnet},
	{Syslog, onTCP | onUDP, 5, "<123456789", "", findSyslog},
	{STUN, onTCP | onUDP, 8, "\x00\x01", "", findSTUN},
	{SNMP, onTCP | onUDP, 8, "\x30", "", findSNMP},
	{LDAP, onTCP | onUDP, 7, "\x30", "", findLDAP},
	{Kerberos, onUDP, 8, "\x6a\x6b\x6c\x6d\x6e\x6f\x7e", "", findKerberos},
	{Kerberos, onTCP, 12, "\x00", "", findKerberosOverTCP},
	{Diameter, onTCP | onSCTP, 28, "\x01", "", findDiameter},
	{LDP, onTCP | onUDP, 14, "\x00", "", findLDP},
	{DNS, onTCP, 14, "", "", findDNSOverTCP},
	{DNS, onUDP, 12, "", "", findDNS}, // and mDNS, LLMNR, the NetBIOS name service
	{QUIC, onUDP, 7, quicFirst, "", findQUIC},
	{NetBIOSDatagram, onUDP, 47, "\x10\x11\x12\x14\x15\x16", "", findNetBIOSDatagram},
	{DHCP, onUDP, 4, "\x01\x02", "", findDHCP},
	{DHCPv6, onUDP, 4, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11", "", findDHCPv6},
	{RADIUS, onUDP, 20, "\x01\x02\x03\x04\x05\x0b\x0c\x0d\x28\x29\x2a\x2b\x2c\x2d", "", findRADIUS},
	{TFTP, onUDP, 4, "\x00", "", findTFTP},
	{RTCP, onUDP | onDCCP, 8, rtpFirst, "", findRTCP},
	{BFD, onUDP, 24, "\x20\x21\x22\x23\x24\x25\x26\x27\x28\x29", "", findBFD},
	{NTP, onUDP, 8, "", "", findNTP},
	{RTP, onUDP | onDCCP, 12, "\x80\x90\xa0\xb0", "", findRTP},
}

// First bytes that are a set of flags.
var (
	// A long header, or the public header of Google's with a version and an
	// identifier.
	quicFirst = bytesWhere(func(c byte) bool { return c&0x80 != 0 || c&0x49 == 0x09 })
	rtpFirst  = bytesWhere(func(c byte) bool { return c>>6 == 2 }) // version 2
)

func bytesWhere(want func(c byte) bool) string {
	var s []byte
	for c := range 256 {
		if want(byte(c)) {
			s = append(s, byte(c))
		}
	}
	return string(s)
}
