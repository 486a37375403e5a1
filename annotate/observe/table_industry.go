package observe

// industry are the protocols of databases, messaging, storage, mobile networks,
// tunnels, flow export and plants. The file of a recogniser cites its
// specification.
var industry = []recogniser{
	// Fixed greetings and magic numbers.
	{BitTorrent, onTCP, 20, "\x13", "", findBitTorrent},
	{AMQP, onTCP, 8, "A\x00\x01\x08", "", findAMQP},
	{NATTraversal, onTCP, 6, "I", "", findIKEStream},
	{Rsync, onTCP, 12, "@", "", findRsync},
	{H248, onTCP | onUDP | onSCTP, 6, "M!", "", findH248},
	{NATS, onTCP, 6, "CIMPcimp", "", findNATS},
	{Gearman, onTCP, 12, "\x00", "", findGearman},
	{PPTP, onTCP, 12, "\x00", "", findPPTP},
	{OPCUA, onTCP, 12, "HAREOMC", "", findOPCUA},
	{DNP3, onTCP | onUDP, 10, "\x05", "", findDNP3},
	{Elasticsearch, onTCP, 19, "E", "", findElasticsearch},
	{Git, onTCP, 8, digits + "abcdef", "", findGit},

	{ZMTP, onTCP, 10, "\xff", "", findZMTP},
	{HL7, onTCP, 4, "\x0b", "", findHL7},
	{STOMP, onTCP, 6, "\n\r" + upper, "?^^^", findSTOMP},
	{NNTP, onTCP, 4, digits + upper + lower, "### |MODE|AUTH|LIST|ARTI|HEAD|BODY|STAT|IHAV|CHEC|TAKE|XOVE|OVER|NEWG|CAPA|POST|XHDR|DATE|GROU", findNNTP},
	{Whois, onTCP, 5, "", "", findWhois},

	// Headers over TCP.
	{DCERPC, onTCP, 16, "\x05", "", findDCERPC},
	{TACACS, onTCP, 12, "\xc0\xc1", "", findTACACS},
	{DICOM, onTCP, 10, "\x01\x02\x03\x04\x05\x06\x07", "", findDICOM},
	{NVMe, onTCP, 8, "\x00\x01\x02\x03\x04\x05\x06\x07\x09", "", findNVMe},
	{Lumberjack, onTCP, 6, "12", "", findLumberjack},
	{MQTT, onTCP, 4, "\x10\x20\x82", "", findMQTT},
	{PostgreSQL, onTCP, 1, "\x00" + pgFrontend + pgBackend + pgEither, "", findPostgreSQL},
	{MySQL, onTCP, 8, "", "???\x00|???\x01", findMySQL},
	{TDS, onTCP, 12, "\x01\x02\x03\x04\x10\x12", "", findTDS},
	{TNS, onTCP, 8, "", "??\x00\x00", findTNS},
	{MongoDB, onTCP, 20, "", "???\x00|???\x01|???\x02", findMongoDB},
	{Cassandra, onTCP, 8, "\x01\x02\x03\x04\x05\x81\x82\x83\x84\x85", "", findCassandra},
	{ZooKeeper, onTCP, 24, "\x00", "", findZooKeeper},
	{Kafka, onTCP, 14, "\x00", "", findKafka},
	{Redis, onTCP, 4, "+-:$*%~>|", "", findRedis},
	{Memcached, onTCP, 5, upper + lower, "SET |ADD |REPL|APPE|PREP|CAS |VALU|GET |GETS|GAT |DELE|INCR|DECR|TOUC|STAT|VERS|FLUS|VERB|STOR|NOT_|CLIE|SERV|END\r|EXIS|ERRO", findMemcached},
	{Memcached, onTCP | onUDP, 24, "\x80\x81", "", findMemcachedBinary},
	{ISCSI, onTCP, 48, "\x00\x01\x02\x04\x05\x06\x20\x21\x22\x23\x24\x25\x26\x31\x3f\x40\x41\x42\x43\x44\x46", "", findISCSI},
	{AFP, onTCP, 16, "\x00\x01", "", findAFP},
	{X11, onTCP, 12, "Bl\x01", "", findX11},
	{ONCRPC, onTCP, 28, "\x80", "", findRPCStream},
	{OpenVPN, onTCP, 16, "\x00\x01\x02\x03\x04\x05\x06\x07\x08", "", findOpenVPNStream},
	{S7comm, onTCP, 9, "\x03", "", findS7comm},
	{EtherNetIP, onTCP | onUDP, 24, "\x04\x63\x64\x65\x66\x6f\x70", "", findENIP},
	{IEC104, onTCP, 6, "\x68", "", findIEC104},
	{Modbus, onTCP | onUDP, 9, "", "??\x00\x00", findModbus},
	{SOCKS, onTCP, 2, "\x00\x04\x05", "", findSOCKS},

	// Datagrams.
	{DCERPC, onUDP, 80, "\x04", "", findDCEDatagram},
	{WSDiscovery, onUDP, 64, "<", "", findWSDiscovery},
	{RIP, onUDP, 24, "\x01\x02", "", findRIP},
	{HSRP, onUDP, 6, "\x00\x01\x02", "", findHSRP},
	{NATPMP, onUDP, 2, "\x00", "", findNATPMP},
	{PCP, onUDP, 24, "\x02", "", findPCP},
	{PTP, onUDP, 34, "", "", findPTP},
	{RoCE, onUDP, 16, "", "??\x7f\xff|??\xff\xff", findRoCE},
	{BitTorrent, onUDP, 12, "dB\x00\x01\x41", "", findBitTorrentUDP},
	{ONCRPC, onUDP, 24, "", "", findRPC},
	{IKE, onUDP, 28, "", "", findIKE},
	{SFlow, onUDP, 28, "\x00", "", findSFlow},
	{NetFlow, onUDP | onSCTP, 20, "\x00", "", findNetFlow},
	{IPFIX, onTCP | onUDP | onSCTP, 20, "\x00", "", findIPFIX},
	{BACnet, onUDP, 6, "\x81", "", findBACnet},
	{RMCP, onUDP, 12, "\x06", "", findRMCP},
	{L2TP, onUDP, 8, "\x00\x02\x08\x0a\x40\x42\x48\x4a\xc8", "", findL2TP},
	{PFCP, onUDP, 8, "\x20\x21\x22\x23\x24\x25\x26\x27", "", findPFCP},
	{GTPU, onUDP, 8, gtpFirst, "", findGTP},
	{WireGuard, onUDP, 32, "\x01\x02\x03\x04", "", findWireGuard},
	{OpenVPN, onUDP, 14, "\x20\x38\x40\x50", "", findOpenVPN},
	{VXLAN, onUDP, 22, "\x08\x0c\x88", "", findVXLAN},
	{GENEVE, onUDP, 16, geneveFirst, "", findGENEVE},
	{GSMTAP, onUDP, 17, "\x02", "", findGSMTAP},
	{Memcached, onUDP, 12, "", "", findMemcachedUDP},
	{CoAP, onUDP, 5, coapFirst, "", findCoAP},

	// Signalling.
	{S1AP, onSCTP, 7, "\x00\x20\x40", "", findAPER},
	{M3UA, onSCTP, 8, "\x01", "", findUA},
	{SGsAP, onSCTP, 3, "", "", findSGsAP},
}

// First bytes that are a set of flags.
var (
	gtpFirst = bytesWhere(func(c byte) bool {
		return c>>4 == 3 || c>>4 == 4 || c>>4 == 5 || c == 0x0e || c == 0x0f || c == 0x2e || c == 0x2f
	})
	geneveFirst = bytesWhere(func(c byte) bool { return c < 0x40 })                // version 0, and how long the options are
	coapFirst   = bytesWhere(func(c byte) bool { return c>>6 == 1 && c&0xf <= 8 }) // version 1, and how long the token is
)
