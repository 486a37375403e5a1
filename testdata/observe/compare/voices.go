package main

import (
	"bufio"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/portannot/portannot/testdata/observe/flows"
)

// voices are what the three call a protocol.
type voices struct {
	ours   string
	ndpi   string // several with "|"
	tshark string
}

// names maps what nDPI and tshark call a protocol to our names. A protocol
// that is in only one of them is not compared.
var names = []voices{
	{"tls", "TLS|SMTPS|IMAPS|POPS", "tls|ssl"},
	{"dtls", "DTLS", "dtls"},
	{"ssh", "SSH", "ssh"},
	{"http", "HTTP|HTTP_Connect|HTTP_Proxy|WebSocket|SOAP|OCSP|IPP", "http|http-over-tls|websocket|ipp"},
	{"http2", "", "http2"},
	{"quic", "QUIC", "quic|gquic"},
	{"dns", "DNS", "dns"},
	{"mdns", "MDNS", "mdns"},
	{"llmnr", "LLMNR", "llmnr"},
	{"netbios-ns", "NetBIOS", "nbns"},
	{"netbios-dgm", "NetBIOS", "nbdgm"},
	{"netbios-ssn", "NetBIOS", ""},
	{"dhcp", "DHCP", "dhcp|bootp"},
	{"dhcpv6", "DHCPV6", "dhcpv6"},
	{"ntp", "NTP", "ntp"},
	{"snmp", "SNMP", "snmp"},
	{"syslog", "Syslog", "syslog"},
	{"tftp", "TFTP", "tftp"},
	{"ftp", "FTP_CONTROL", "ftp"},
	{"smtp", "SMTP|SMTPS", "smtp"},
	{"pop3", "POP3|POPS", "pop"},
	{"imap", "IMAP|IMAPS", "imap"},
	{"telnet", "Telnet", "telnet"},
	{"irc", "IRC", "irc"},
	{"sip", "SIP", "sip"},
	{"rtsp", "RTSP", "rtsp"},
	{"rtp", "RTP", "rtp"},
	{"rtcp", "RTCP", "rtcp"},
	{"stun", "STUN", "stun|classicstun"},
	{"smb", "SMBv1|SMBv23", "smb|smb2"},
	{"rdp", "RDP", "rdp"},
	{"vnc", "VNC", "vnc"},
	{"ldap", "LDAP", "ldap|cldap"},
	{"kerberos", "Kerberos", "kerberos"},
	{"radius", "Radius", "radius"},
	{"diameter", "Diameter", "diameter"},
	{"bgp", "BGP", "bgp"},
	{"ldp", "", "ldp"},
	{"bfd", "", "bfd"},
	{"xmpp", "Jabber", "xmpp"},
	{"ssdp", "SSDP", "ssdp"},
	{"mysql", "MySQL", "mysql"},
	{"postgresql", "PostgreSQL", "pgsql"},
	{"tds", "MsSQL-TDS", "tds"},
	{"tns", "Oracle", "tns"},
	{"redis", "Redis", "resp"},
	{"mongodb", "MongoDB", "mongo"},
	{"memcached", "Memcached", "memcache"},
	{"cassandra", "Cassandra", "cql"},
	{"kafka", "", "kafka"},
	{"amqp", "AMQP", "amqp"},
	{"mqtt", "MQTT", "mqtt"},
	{"nats", "Nats", "nats"},
	{"wireguard", "WireGuard", "wg"},
	{"openvpn", "OpenVPN", "openvpn"},
	{"ike", "IPsec", "isakmp"},
	{"ipsec-nat-t", "IPsec", "udpencap"},
	{"l2tp", "", "l2tp"},
	{"gtp-c", "GTP|GTP_C", "gtpv2"},
	{"gtp-u", "GTP|GTP_U", "gtp"},
	{"gtp-prime", "GTP|GTP_PRIME", "gtpprime"},
	{"pfcp", "", "pfcp"},
	{"vxlan", "", "vxlan"},
	{"geneve", "", "geneve"},
	{"s1ap", "", "s1ap"},
	{"ngap", "", "ngap"},
	{"x2ap", "", "x2ap"},
	{"m3ua", "", "m3ua"},
	{"bittorrent", "BitTorrent", "bittorrent|bt-dht|bt-utp"},
	{"modbus", "Modbus", "mbtcp|modbus"},
	{"dnp3", "DNP3", "dnp3"},
	{"s7comm", "s7comm", "s7comm|s7comm-plus"},
	{"enip", "EthernetIP", "enip"},
	{"bacnet", "", "bacnet|bvlc"},
	{"iec104", "IEC60870", "iec60870_104|104apci|iec60870_asdu"},
	{"opcua", "", "opcua"},
	{"netflow", "NetFlow", "cflow"},
	{"ipfix", "NetFlow", "cflow"},
	{"sflow", "sFlow", "sflow"},
	{"gearman", "", "gearman"},
	{"gsmtap", "", "gsmtap"},
	// The ones that were added last: see recentTable.
	{"dcerpc", "DCE_RPC", "dcerpc"},
	{"rip", "", "rip"},
	{"hsrp", "", "hsrp"},
	{"ws-discovery", "WSD", ""},
	{"nat-pmp", "", "nat-pmp|portcontrol"},
	{"pcp", "", "portcontrol"},
	{"ptp", "", "ptp"},
	{"whois", "Whois-DAS", "whois"},
	{"nntp", "Usenet", "nntp"},
	{"stomp", "", ""},
	{"zmtp", "ZeroMQ", ""},
	{"dicom", "", "dicom"},
	{"hl7", "", "hl7"},
	{"tacacs", "", "tacplus"},
	{"lumberjack", "", ""},
	{"nvme", "", "nvme-tcp"},
	{"iscsi", "", "iscsi"},
	{"roce", "", "infiniband|rroce"},
}

// oursOf gives our name for one of a tool's.
func oursOf(column func(i int) string, name string) []string {
	var all []string
	for i := range names {
		if slices.Contains(strings.Split(column(i), "|"), name) {
			all = append(all, names[i].ours)
		}
	}
	return all
}

func ofNDPI(name string) []string {
	return oursOf(func(i int) string { return names[i].ndpi }, name)
}

func ofTshark(name string) []string {
	return oursOf(func(i int) string { return names[i].tshark }, name)
}

var ndpiLine = regexp.MustCompile(`^\t\d+\t(\S+) (\S+):(\d+) (?:<->|->) (\S+):(\d+) .*?\[proto: [^/]*/([^\]]+)\].*?\[Confidence: ([^\]]+)\]`)

// readNDPI enters what "ndpiReader -d -v 2" printed. Only what came from the
// packets counts: -d turns guesses by port off, and its confidence says DPI.
func readNDPI(path string, index map[flows.Key]*flow) error {
	return lines(path, func(l string) {
		p := ndpiLine.FindStringSubmatch(l)
		if p == nil {
			return
		}
		f := index[keyOf(p[1], p[2], p[3], p[4], p[5])]
		if f == nil {
			return
		}
		f.listed = true
		if !strings.HasPrefix(p[7], "DPI") || p[6] == "Unknown" {
			return
		}
		f.ndpi = p[6]
		f.ndpiParts = strings.Split(p[6], ".")
	})
}

func keyOf(transport, a, aPort, b, bPort string) flows.Key {
	var protocol uint8
	switch strings.ToUpper(transport) {
	case "TCP":
		protocol = 6
	case "UDP":
		protocol = 17
	case "SCTP":
		protocol = 132
	}
	return flows.MakeKey(protocol, endpointOf(a, aPort), endpointOf(b, bPort))
}

func endpointOf(addr, port string) flows.Endpoint {
	ip, _ := netip.ParseAddr(strings.Trim(addr, "[]"))
	n, _ := strconv.ParseUint(port, 10, 16)
	return flows.Endpoint{Addr: ip, Port: uint16(n)}
}

// readTshark enters the layers that tshark printed for each frame.
func readTshark(path string, index map[flows.Key]*flow) error {
	return lines(path, func(l string) {
		c := strings.Split(l, "\t")
		if len(c) < 12 || strings.Contains(c[1], ":icmp") {
			return
		}
		src, dst := c[2], c[3]
		if src == "" || strings.LastIndex(c[1], ":ipv6:") > strings.LastIndex(c[1], ":ip:") && c[4] != "" {
			src, dst = c[4], c[5]
		}
		layers := strings.Split(c[1], ":")
		// The innermost transport with its ports.
		for i := len(layers) - 1; i >= 0; i-- {
			at := map[string]int{"tcp": 6, "udp": 8, "sctp": 10}[layers[i]]
			if at == 0 {
				continue
			}
			if f := index[keyOf(layers[i], src, c[at], dst, c[at+1])]; f != nil {
				for _, name := range layers[i+1:] {
					if !slices.Contains(f.tshark, name) {
						f.tshark = append(f.tshark, name)
					}
				}
			}
			return
		}
	})
}

func lines(path string, each func(string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		each(sc.Text())
	}
	return sc.Err()
}
