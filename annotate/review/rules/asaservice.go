package rules

import (
	"strconv"
	"strings"
)

// asaPorts are the names that an ASA has for ports, where they differ from those
// of the registry or are not in it.
// https://www.cisco.com/c/en/us/td/docs/security/asa/asa916/configuration/general/asa-916-general-config/ref-protocols.html
var asaPorts = map[string]uint16{
	"aol": 5190, "bgp": 179, "biff": 512, "bootpc": 68, "bootps": 67, "chargen": 19, "cifs": 3020, "citrix-ica": 1494, "cmd": 514,
	"ctiqbe": 2748, "daytime": 13, "discard": 9, "dnsix": 195, "domain": 53, "echo": 7, "exec": 512, "finger": 79, "ftp": 21,
	"ftp-data": 20, "gopher": 70, "h323": 1720, "hostname": 101, "http": 80, "https": 443, "ident": 113, "imap4": 143, "irc": 194,
	"isakmp": 500, "kerberos": 750, "klogin": 543, "kshell": 544, "ldap": 389, "ldaps": 636, "login": 513, "lotusnotes": 1352,
	"lpd": 515, "mobile-ip": 434, "nameserver": 42, "netbios-dgm": 138, "netbios-ns": 137, "netbios-ssn": 139, "nfs": 2049,
	"nntp": 119, "ntp": 123, "pcanywhere-data": 5631, "pcanywhere-status": 5632, "pim-auto-rp": 496, "pop2": 109, "pop3": 110,
	"pptp": 1723, "radius": 1645, "radius-acct": 1646, "rip": 520, "rsh": 514, "rtsp": 554, "secureid-udp": 5510, "sip": 5060,
	"smtp": 25, "snmp": 161, "snmptrap": 162, "sqlnet": 1521, "ssh": 22, "sunrpc": 111, "syslog": 514, "tacacs": 49, "talk": 517,
	"telnet": 23, "tftp": 69, "time": 37, "uucp": 540, "vxlan": 4789, "who": 513, "whois": 43, "www": 80, "xdmcp": 177,
}

// port reads a port by its number or name.
func (r *asaReader) port(s string, proto uint64) (uint16, bool) {
	if n, ok := onePort(s); ok {
		return n, true
	}
	if n, ok := asaPorts[s]; ok {
		return n, true
	}
	if r.opt.Port != nil {
		return r.opt.Port(s, uint8(proto))
	}
	return 0, false
}

// comparison reads a comparison with ports; there is none if ok is false. Those that
// are not equal are two ranges.
func (r *asaReader) comparison(proto uint64) (all []term, ok bool) {
	op := r.peek()
	switch op {
	case "eq", "lt", "gt", "neq", "range":
	default:
		return nil, false
	}
	r.at++
	word := r.next()
	n, known := r.port(word, proto)
	m := n
	if op == "range" {
		word += "-" + r.peek()
		var ok2 bool
		m, ok2 = r.port(r.next(), proto)
		known = known && ok2 && n <= m
	}
	if !known {
		r.note(r.rule, r.line, word, "the port is not known by this name")
		return nil, true
	}
	span := func(lo, hi uint64) {
		if lo <= hi && hi <= 65535 {
			all = append(all, term{lo: number(lo), hi: number(hi)})
		}
	}
	switch op {
	case "lt":
		if n > 0 {
			span(0, uint64(n)-1)
		}
	case "gt":
		span(uint64(n)+1, 65535)
	case "neq":
		if n > 0 {
			span(0, uint64(n)-1)
		}
		span(uint64(n)+1, 65535)
	default:
		span(uint64(n), uint64(m))
	}
	if len(all) == 0 { // no port is less than 0
		all = []term{{lo: number(1), hi: number(0)}}
	}
	return all, true
}

// namedProtocols reads a transport, or the two that tcp-udp stands for. nil is any, if ok.
func namedProtocols(s string) (protos []uint64, ok bool) {
	switch s {
	case "ip":
		return nil, true
	case "tcp-udp":
		return []uint64{protoTCP, protoUDP}, true
	case "icmp6":
		return []uint64{protoICMPv6}, true
	case "nos", "pptp", "igrp", "snp":
		n := map[string]uint64{"nos": 94, "pptp": 47, "igrp": 9, "snp": 109}[s]
		return []uint64{n}, true
	}
	n, ok := protocolNames[s]
	if !ok {
		v, err := strconv.ParseUint(s, 10, 8)
		n, ok = v, err == nil
	}
	return []uint64{n}, ok
}

// combine makes services of protocols and ports; a nil list of ports is all. A nil
// list of protocols is any.
func combine(protos []uint64, sports, dports []term, unsure bool) (all []service) {
	if protos == nil {
		return []service{{any: true, sport: anyPort, dport: anyPort, unsure: unsure}}
	}
	if sports == nil {
		sports = []term{anyPort}
	}
	if dports == nil {
		dports = []term{anyPort}
	}
	for _, n := range protos {
		for _, s := range sports {
			for _, d := range dports {
				all = append(all, service{proto: n, sport: s, dport: d, unsure: unsure})
			}
		}
	}
	return all
}

// serviceLine reads a line of an object or a group of services.
func (r *asaReader) serviceLine(w string) bool {
	var all []service
	switch w {
	case "service", "service-object", "protocol-object":
		r.at++
		if r.take("object") {
			all = r.serviceNamed(r.next())
			break
		}
		all = r.serviceItem()
	case "port-object":
		r.at++
		protos, _ := namedProtocols(r.groupProto)
		ports, ok := r.comparison(first(protos))
		all = combine(protos, nil, ports, !ok || ports == nil)
		if protos == nil { // a group without a transport is for any with ports
			all = combine(portProtocols, nil, ports, !ok || ports == nil)
		}
	case "icmp-object":
		all = combine([]uint64{protoICMP}, nil, nil, true)
	case "group-object":
		r.at++
		all = r.serviceNamed(r.next())
	default:
		return w == "description"
	}
	r.services[r.modeName] = append(r.services[r.modeName], all...)
	return true
}

func first(protos []uint64) uint64 {
	if len(protos) > 0 {
		return protos[0]
	}
	return protoTCP
}

// serviceNamed gives what an object or a group stands for.
func (r *asaReader) serviceNamed(name string) []service {
	if all, ok := r.services[name]; ok {
		return all
	}
	r.note(r.rule, r.line, name, "it is not defined")
	return combine(nil, nil, nil, true)
}

// serviceItem reads a transport with its ports: "tcp destination eq www", "tcp eq
// www" of older versions, or "icmp echo".
func (r *asaReader) serviceItem() []service {
	name := r.next()
	protos, ok := namedProtocols(strings.ToLower(name))
	if !ok {
		r.note(r.rule, r.line, name, "unknown protocol")
		return combine(nil, nil, nil, true)
	}
	var sports, dports []term
	unsure := false
	if r.take("source") {
		sports, ok = r.comparison(first(protos))
		unsure = !ok || sports == nil
	}
	if r.take("destination") || r.peek() != "" {
		if len(protos) > 0 && hasPorts(uint8(protos[0])) {
			dports, ok = r.comparison(first(protos))
			unsure = unsure || !ok || dports == nil
		} else { // a type of ICMP, which no flow tells
			unsure = true
		}
	}
	return combine(protos, sports, dports, unsure)
}
