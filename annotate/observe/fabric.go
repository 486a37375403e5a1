package observe

// NVMe/TCP: units with a type, the length of their header, where their data begin,
// and the whole length, little-endian (NVM Express, "TCP Transport Specification"
// section 3.6).
const (
	nvmeCommon = 8
	nvmeICSize = 128
	nvmeMaxPDU = 1 << 24

	reasonNVMeInit = "NVMe/TCP connection initialised: lengths and reserved bytes fit"
	reasonNVMe     = "NVMe/TCP unit: type and lengths fit"
)

// nvmeSizes gives the length of each type's header.
const nvmeSizes = "\x80\x80\x18\x18\x48\x18\x18\x18\x00\x18"

// findNVMe recognises a unit. Even types are the host's, odd ones the
// controller's; the host opens the connection.
func findNVMe(m *message) match {
	b := m.b
	found := match{protocol: NVMe, strength: Full, sender: client, reason: reasonNVMe}
	if b[0]&1 != 0 {
		found.sender = server
	}
	size, ok := nvmeUnit(b)
	if !ok {
		return match{}
	}
	switch b[0] {
	case 0, 1: // format 0, alignment, digests, a limit, and nothing
		found.reason = reasonNVMeInit
		if size != nvmeICSize || m.n < nvmeICSize || len(b) < 32 || be16(b[8:]) != 0 || b[10] > 31 || b[11] > 3 || !allZero(b[16:min(len(b), nvmeICSize)]) {
			return match{}
		}
	case 4: // a command, whose data are described by a scatter-gather list
		if len(b) < 48 || b[9]&0xc3 != 0x40 || b[8] != 0x7f && b[8] > 0x90 {
			return match{}
		}
		if b[8] == 0x7f && len(b) > 12 && b[12] > 8 { // fabrics: a type, and 35 bytes that are reserved
			return match{}
		}
	case 6, 7: // where in the data, and how many
		if len(b) < 24 || le32(b[16:]) == 0 || int(le32(b[16:])) != size-int(b[3]) && int(le32(b[16:]))+4 != size-int(b[3]) || le32(b[20:]) != 0 {
			return match{}
		}
	case 5: // the queue's identifier is not used
		if len(b) < 24 || size != 24 && size != 28 || b[18]|b[19] != 0 && le16(b[18:]) > 128 {
			return match{}
		}
		found.strength = Likely
	case 9:
		if len(b) < 24 || size != 24 && size != 28 || le32(b[16:]) == 0 || le32(b[20:]) != 0 {
			return match{}
		}
	default: // why the connection ends
		if len(b) < 24 || size > 152 || le16(b[8:]) == 0 || le16(b[8:]) > 6 || !allZero(b[14:24]) {
			return match{}
		}
	}
	if found.strength == Likely && len(b) >= size+nvmeCommon {
		if _, ok := nvmeUnit(b[size:]); !ok {
			return match{}
		}
		found.strength = Full
	}
	return found
}

// nvmeUnit checks a unit's common header, and gives its length.
func nvmeUnit(b []byte) (size int, ok bool) {
	size = int(le32(b[4:]))
	if int(b[0]) >= len(nvmeSizes) || nvmeSizes[b[0]] == 0 || b[2] != nvmeSizes[b[0]] || size < int(b[2]) || size > nvmeMaxPDU || b[1]&0xf0 != 0 {
		return 0, false
	}
	return size, b[3] == 0 || b[3] >= b[2] && int(b[3]) <= size && b[3]%4 == 0
}

// RoCEv2: InfiniBand's transport header behind UDP's, and a check sequence over
// the packet behind all (IBTA, "InfiniBand Architecture Specification" volume 1
// sections 9.2 and A17.3).
const (
	bthHeader  = 12
	bthCheck   = 4
	bthDefault = 0x7fff // of the partition that all ports are in, without the bit of full membership

	reasonRoCE = "RoCEv2 header: operation, partition and lengths fit"
)

// bthSizes gives for an operation of the reliable connection how many bytes of
// further headers it has, plus one; 0 is none. The other transports have the same
// in their own range, the datagram one 8 more.
const bthSizes = "\x01\x01\x01\x05\x01\x05\x11\x01\x01\x05\x11\x15\x11\x05\x01\x05\x05\x05\x0d\x1d\x1d\x00\x05\x05"

// bthExtra gives the bytes of further headers.
func bthExtra(operation byte) (n int, ok bool) {
	low := int(operation & 0x1f)
	switch operation >> 5 {
	case 0: // reliable connection
	case 1: // unreliable connection: sends and writes
		if low > 11 {
			return 0, false
		}
	case 3: // datagram: send only, without or with immediate data
		if low != 4 && low != 5 {
			return 0, false
		}
		return 8 + 4*(low-4), true
	case 4: // congestion notification: 16 bytes that are reserved
		return 16, operation == 0x81
	case 5: // extended reliable connection: the receiver's number stands before
		if low >= len(bthSizes) || bthSizes[low] == 0 {
			return 0, false
		}
		return 4 + int(bthSizes[low]) - 1, true
	default:
		return 0, false
	}
	if low >= len(bthSizes) || bthSizes[low] == 0 {
		return 0, false
	}
	return int(bthSizes[low]) - 1, true
}

// findRoCE recognises a packet. Either end may send each operation.
func findRoCE(m *message) match {
	b := m.b
	extra, ok := bthExtra(b[0])
	pad := int(b[1] >> 4 & 3)
	if !ok || b[1]&0xf != 0 || b[4]&0x3f != 0 || b[8]&0x7f != 0 || m.n < bthHeader+extra+pad+bthCheck || m.n%4 != 0 {
		return match{}
	}
	if be16(b[2:])&0x7fff != bthDefault {
		return match{} // there are no others over Ethernet (section A16.5.10)
	}
	if be24(b[5:]) == 0 || b[0] == 0x81 && (len(b) < bthHeader+16 || !allZero(b[bthHeader:bthHeader+16])) {
		return match{} // queue pair 0 does not leave the subnet
	}
	// An operation in one packet says how many bytes it writes.
	if low := b[0] & 0x1f; b[0]>>5 < 2 && (low == 10 || low == 11) && (len(b) < bthHeader+16 || int(be32(b[bthHeader+12:])) != m.n-bthHeader-extra-pad-bthCheck) {
		return match{}
	}
	return match{protocol: RoCE, strength: Full, reason: reasonRoCE}
}
