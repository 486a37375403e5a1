package netflow

import "github.com/netsampler/goflow2/v2/decoders/netflow"

// element is what a Record wants of an information element. The zero value is
// nothing. Those of times are ordered from the weakest to the strongest: of
// several start times in one record the last in this order counts.
type element uint8

const (
	ignored element = iota
	protocol
	sourcePort
	destinationPort
	sourceIPv4
	sourceIPv6
	destinationIPv4
	destinationIPv6
	flags
	initialFlags // of the first packet, by CERT's yaf
	icmpTypeCode
	icmpType
	icmpCode
	byteCount
	byteTotal
	packets
	packetsTotal
	reverseFlags
	reverseInitialFlags
	reverseByteCount
	reverseByteTotal
	reversePackets
	reversePacketsTotal
	biflowDirection
	flowDirection
	vlan
	innerVLAN
	endReason
	firewallEvent    // what a firewall did
	forwardingStatus // RFC 7270 section 4.12
	exporterIPv4
	exporterIPv6
	systemInit
	sampling
	sampledPackets // taken, and
	skippedPackets // left out, in turn
	sampleSize     // taken, out of
	samplePopulation

	firstTime // no element; those of times follow
	durationMilli
	durationMicro
	startUptime
	startDelta
	startSecond
	startMilli
	startMicro
	startNano
	endUptime
	endDelta
	endSecond
	endMilli
	endMicro
	endNano
	numElements
)

// Enterprise numbers.
const (
	reversePEN = 29305 // RFC 5103: the element of the same number, of the reverse direction
	certPEN    = 6871  // yaf
	// certReverse is added by yaf to the numbers of its own elements for the
	// reverse direction.
	certReverse = 0x4000
)

// forward are the elements of the IANA registry "IPFIX Information Elements".
// Numbers to 127 mean the same in version 9.
var forward = map[uint16]element{
	1: byteCount, 231: byteCount, 85: byteTotal,
	2: packets, 298: packets, 86: packetsTotal,
	4: protocol,
	6: flags,
	7: sourcePort, 180: sourcePort, 182: sourcePort,
	11: destinationPort, 181: destinationPort, 183: destinationPort,
	8: sourceIPv4, 27: sourceIPv6,
	12: destinationIPv4, 28: destinationIPv6,
	32: icmpTypeCode, 139: icmpTypeCode,
	176: icmpType, 178: icmpType,
	177: icmpCode, 179: icmpCode,
	58: vlan, 243: vlan, 245: innerVLAN,
	61:  flowDirection,
	130: exporterIPv4, 131: exporterIPv6,
	136: endReason,
	233: firewallEvent, 89: forwardingStatus,
	239: biflowDirection,
	232: reverseByteCount, 299: reversePackets, // responderOctets, responderPackets
	34: sampling, 50: sampling,
	305: sampledPackets, 306: skippedPackets,
	309: sampleSize, 310: samplePopulation,

	22: startUptime, 21: endUptime, 160: systemInit,
	150: startSecond, 151: endSecond,
	152: startMilli, 153: endMilli,
	154: startMicro, 155: endMicro,
	156: startNano, 157: endNano,
	158: startDelta, 159: endDelta,
	161: durationMilli, 162: durationMicro,
	// observationTime…: records of a single packet
	322: startSecond, 323: startMilli, 324: startMicro, 325: startNano,
}

// reverse are the elements of enterprise 29305 that are no times. Of times, the
// reverse direction's is numElements + the forward one.
var reverse = map[uint16]element{
	1: reverseByteCount, 231: reverseByteCount, 85: reverseByteTotal,
	2: reversePackets, 298: reversePackets, 86: reversePacketsTotal,
	6: reverseFlags,
}

// elementOf resolves a template's field.
func elementOf(f netflow.Field) element {
	switch {
	case !f.PenProvided:
		return forward[f.Type]
	case f.Pen == reversePEN:
		if e := forward[f.Type]; e > firstTime {
			return numElements + e
		}
		return reverse[f.Type]
	case f.Pen == certPEN:
		switch f.Type {
		case 14:
			return initialFlags
		case 15:
			return flags
		case 14 + certReverse:
			return reverseInitialFlags
		case 15 + certReverse:
			return reverseFlags
		}
	}
	return ignored
}
