package observe

import (
	"slices"
	"strconv"
)

// Protocol is an application protocol. The zero value is unknown.
type Protocol uint8

// The protocols. Their order means nothing and may change.
const (
	Unknown Protocol = iota
	TLS
	DTLS
	SSH
	HTTP  // HTTP/1.x
	HTTP2 // with prior knowledge; includes gRPC
	QUIC
	DNS // over UDP, and with a length before it over TCP
	MDNS
	LLMNR
	NetBIOSName
	NetBIOSDatagram
	NetBIOSSession // a session service message that carries no SMB
	DHCP           // and BOOTP
	DHCPv6
	NTP
	SNMP
	Syslog
	TFTP
	FTP // the control connection
	SMTP
	POP3
	IMAP
	Telnet
	IRC
	SIP
	RTSP
	RTP
	RTCP
	STUN // and TURN
	SMB  // 1, 2 and 3
	RDP
	VNC
	LDAP // and CLDAP
	Kerberos
	RADIUS
	Diameter
	BGP
	LDP
	BFD
	XMPP
	SSDP
	MySQL
	PostgreSQL
	TDS
	TNS
	Redis
	MongoDB
	Memcached
	Cassandra
	Kafka
	AMQP
	MQTT
	NATS
	WireGuard
	OpenVPN
	IKE
	NATTraversal // IKE behind a non-ESP marker or over TCP; ESP itself cannot be recognised
	L2TP
	GTPC
	GTPU
	GTPPrime
	PFCP
	VXLAN
	GENEVE
	S1AP
	NGAP
	X2AP
	M3UA
	BitTorrent
	Modbus
	DNP3
	S7comm
	EtherNetIP
	BACnet
	IEC104
	OPCUA
	NetFlow
	IPFIX
	SFlow
	Gearman
	GSMTAP
	XnAP
	F1AP
	E1AP
	E2AP
	W1AP
	M2AP
	M3AP
	XwAP
	SBcAP
	LCSAP
	RUA
	HNBAP
	M2UA
	M2PA
	SUA
	IUA
	SGsAP
	H248 // Megaco
	PPTP // the control connection
	RMCP // ASF and IPMI
	SOCKS
	X11
	ISCSI
	AFP
	Rsync
	Git
	ONCRPC // programs other than NFS
	NFS
	ZooKeeper
	Elasticsearch // between nodes; clients use HTTP
	CoAP
	DCERPC // over TCP and UDP; in pipes it is inside SMB
	RIP    // 1 and 2
	HSRP
	WSDiscovery
	NATPMP
	PCP
	PTP
	Whois
	NNTP
	STOMP
	ZMTP
	DICOM
	HL7    // version 2, in MLLP
	TACACS // TACACS+
	Lumberjack
	NVMe // over TCP
	RoCE // version 2
	numProtocols
)

var protocolNames = [numProtocols]string{
	Unknown: "unknown", TLS: "tls", DTLS: "dtls", SSH: "ssh", HTTP: "http", HTTP2: "http2", QUIC: "quic",
	DNS: "dns", MDNS: "mdns", LLMNR: "llmnr",
	NetBIOSName: "netbios-ns", NetBIOSDatagram: "netbios-dgm", NetBIOSSession: "netbios-ssn",
	DHCP: "dhcp", DHCPv6: "dhcpv6", NTP: "ntp", SNMP: "snmp", Syslog: "syslog", TFTP: "tftp",
	FTP: "ftp", SMTP: "smtp", POP3: "pop3", IMAP: "imap", Telnet: "telnet", IRC: "irc",
	SIP: "sip", RTSP: "rtsp", RTP: "rtp", RTCP: "rtcp", STUN: "stun", SMB: "smb", RDP: "rdp", VNC: "vnc",
	LDAP: "ldap", Kerberos: "kerberos", RADIUS: "radius", Diameter: "diameter", BGP: "bgp", LDP: "ldp",
	BFD: "bfd", XMPP: "xmpp", SSDP: "ssdp",
	MySQL: "mysql", PostgreSQL: "postgresql", TDS: "tds", TNS: "tns", Redis: "redis", MongoDB: "mongodb",
	Memcached: "memcached", Cassandra: "cassandra", Kafka: "kafka", AMQP: "amqp", MQTT: "mqtt", NATS: "nats",
	WireGuard: "wireguard", OpenVPN: "openvpn", IKE: "ike", NATTraversal: "ipsec-nat-t", L2TP: "l2tp",
	GTPC: "gtp-c", GTPU: "gtp-u", GTPPrime: "gtp-prime", PFCP: "pfcp", VXLAN: "vxlan", GENEVE: "geneve",
	S1AP: "s1ap", NGAP: "ngap", X2AP: "x2ap", M3UA: "m3ua",
	BitTorrent: "bittorrent", Modbus: "modbus", DNP3: "dnp3", S7comm: "s7comm", EtherNetIP: "enip",
	BACnet: "bacnet", IEC104: "iec104", OPCUA: "opcua", NetFlow: "netflow", IPFIX: "ipfix", SFlow: "sflow",
	Gearman: "gearman", GSMTAP: "gsmtap",
	XnAP: "xnap", F1AP: "f1ap", E1AP: "e1ap", E2AP: "e2ap", W1AP: "w1ap", M2AP: "m2ap", M3AP: "m3ap", XwAP: "xwap",
	SBcAP: "sbc-ap", LCSAP: "lcs-ap", RUA: "rua", HNBAP: "hnbap",
	M2UA: "m2ua", M2PA: "m2pa", SUA: "sua", IUA: "iua", SGsAP: "sgsap", H248: "h248",
	PPTP: "pptp", RMCP: "rmcp", SOCKS: "socks", X11: "x11", ISCSI: "iscsi", AFP: "afp", Rsync: "rsync", Git: "git",
	ONCRPC: "oncrpc", NFS: "nfs", ZooKeeper: "zookeeper", Elasticsearch: "elasticsearch", CoAP: "coap",
	DCERPC: "dcerpc", RIP: "rip", HSRP: "hsrp", WSDiscovery: "ws-discovery", NATPMP: "nat-pmp", PCP: "pcp", PTP: "ptp",
	Whois: "whois", NNTP: "nntp", STOMP: "stomp", ZMTP: "zmtp", DICOM: "dicom", HL7: "hl7", TACACS: "tacacs",
	Lumberjack: "lumberjack", NVMe: "nvme", RoCE: "roce",
}

// String gives the name in lower case: "tls".
func (p Protocol) String() string {
	if p < numProtocols {
		return protocolNames[p]
	}
	return "protocol(" + strconv.Itoa(int(p)) + ")"
}

// ParseProtocol returns the protocol with a name, and false if there is none.
func ParseProtocol(name string) (Protocol, bool) {
	for p, n := range protocolNames {
		if n == name {
			return Protocol(p), true
		}
	}
	return Unknown, false
}

// ProtocolNames lists the names of the protocols.
func ProtocolNames() []string { return slices.Clone(protocolNames[1:]) }
