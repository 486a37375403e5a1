package netflow

import "github.com/portannot/portannot/annotate/flowlog"

// Formats describes the supported files, for users. Either name stands for both
// formats of files, since one file may have messages of all versions.
func Formats() []flowlog.Info {
	const (
		reads = "protocolIdentifier; source and destination address and port; tcpControlBits; icmpTypeCode; byte and packet counts, " +
			"delta or total, of both directions (RFC 5103); flow start and end in all forms; biflowDirection, flowDirection, flowEndReason, firewallEvent, forwardingStatus; " +
			"VLAN identifiers; exporter address; from options: sampling, systemInitTimeMilliseconds"
		adds = "JSON Lines in place of the messages, or CSV"
	)
	return []flowlog.Info{
		{Name: "netflow", About: "NetFlow 5 and 9 messages, one behind the other, from the network (--listen), from captures (--from-capture)", Reads: reads, Adds: adds},
		{Name: "ipfix", About: "IPFIX file (RFC 5655), from the network (--listen), from captures (--from-capture)", Reads: reads, Adds: adds},
		{Name: "sflow", About: "sFlow 5 from the network (--listen), from captures (--from-capture)", Reads: "flow samples, expanded too, and discarded packets: the raw header, sampled IPv4 and IPv6, " +
			"VLAN of the switch, interfaces, sampling rate, agent and sub-agent", Adds: adds},
	}
}
