package observe

import "encoding/hex"

// DCE/RPC: messages of a connection, over TCP and in pipes of SMB, and datagrams
// (The Open Group, C706 "DCE 1.1: Remote Procedure Call" sections 12.5 and 12.6;
// [MS-RPCE] section 2.2). The version is followed by the order of bytes in which
// the sender writes numbers.
const (
	dceHeader   = 16
	dceDatagram = 80
	dceBind     = 11
	dceAlter    = 14
	dceTrailer  = 64
	dceContext  = 28 // where a bind's first context begins

	reasonDCE       = "DCE/RPC message: version, type and lengths fit"
	reasonDCEBind   = "DCE/RPC bind: lengths and contexts fit"
	reasonDCEPacket = "DCE/RPC datagram: version, type and length fit"
)

// dceSizes gives for each type of message on a connection the fewest bytes that
// it has; 0 where there is no such type.
const dceSizes = "\x18\x00\x18\x18\x00\x00\x00\x00\x00\x00\x00\x1c\x18\x12\x1c\x18\x14\x10\x10\x10"

// dceRoles give who sends each type: requests from the client, responses and
// faults from the server, and what agrees on contexts. A server may call back.
var (
	dceRoles         = [len(dceSizes)]role{0: client, 2: server, 3: server, 11: client, 12: server, 13: server, 14: client, 15: server, 16: client, 17: server, 18: client, 19: client}
	dceDatagramRoles = [...]role{0: client, 1: client, 2: server, 3: server, 4: server, 5: server, 6: server, 7: client, 8: client, 9: either, 10: server}
)

// dceOrder reads the data representation (C706 section 14.1): integers in either
// order, text in ASCII or EBCDIC, one of four floating-point formats.
func dceOrder(b []byte) (read16 func([]byte) int, ok bool) {
	if b[0]&0x10 != 0 {
		return le16, b[0]&0xee == 0 && b[1] <= 3
	}
	return be16, b[0]&0xee == 0 && b[1] <= 3
}

// findDCERPC recognises a message of a connection.
func findDCERPC(m *message) match {
	b := m.b
	kind := int(b[2])
	read16, ok := dceOrder(b[4:])
	if !ok || b[0] != 5 || b[1] > 1 || kind >= len(dceSizes) || dceSizes[kind] == 0 || b[6] != 0 || b[7] != 0 {
		return match{}
	}
	size, auth := read16(b[8:]), read16(b[10:])
	if size < int(dceSizes[kind]) || auth > 0 && dceHeader+8+auth > size {
		return match{}
	}
	found := match{protocol: DCERPC, strength: Full, sender: dceRoles[kind], reason: reasonDCE}
	if b[4] == 0 && !m.follows(size, 5) {
		found.strength = Likely // most of the header is zeros
	}
	if kind != dceBind && kind != dceAlter {
		return found
	}
	// The longest fragments, a group, and contexts: number, count of transfer
	// syntaxes, the interface.
	found.reason = reasonDCEBind
	if len(b) < dceContext+20 {
		found.strength = Likely
		return found
	}
	if b[24] == 0 || b[25]|b[26]|b[27] != 0 || b[30] == 0 || size < dceContext+44 {
		return match{}
	}
	found.uuid = span{dceContext + 4, 16}
	return found
}

// findDCEDatagram recognises a datagram.
func findDCEDatagram(m *message) match {
	b := m.b
	kind := int(b[1])
	read16, ok := dceOrder(b[4:])
	if !ok || b[0] != 4 || kind >= len(dceDatagramRoles) || b[2]&0x80 != 0 || b[3]&0xfc != 0 || b[78] > 16 {
		return match{}
	}
	size := dceDatagram + read16(b[74:])
	found := match{protocol: DCERPC, strength: Full, sender: dceDatagramRoles[kind], reason: reasonDCEPacket, uuid: span{24, 16}}
	// The interface's identifier has a version and a variant (RFC 9562 section 4).
	if version := read16(b[30:]) >> 12; version == 0 || version > 5 || b[32]&0xc0 != 0x80 {
		found.strength = Likely
	}
	// Behind it there may be an authentication's trailer.
	if m.n != size && (b[78] == 0 || m.n < size || m.n > size+dceTrailer || found.strength != Full) {
		return match{}
	}
	return found
}

// UUID is a universally unique identifier (RFC 9562), in the order in which it is
// written. The zero value means none.
type UUID [16]byte

// String gives the identifier as it is written: "e1af8308-5d1f-11c9-91a4-08002b14a0fa".
func (u UUID) String() string { return string(u.AppendTo(nil)) }

// AppendTo appends the text that String returns.
func (u UUID) AppendTo(b []byte) []byte {
	b = append(hex.AppendEncode(b, u[:4]), '-')
	b = append(hex.AppendEncode(b, u[4:6]), '-')
	b = append(hex.AppendEncode(b, u[6:8]), '-')
	b = append(hex.AppendEncode(b, u[8:10]), '-')
	return hex.AppendEncode(b, u[10:])
}

// Interface returns the interface that a DCE/RPC message asks for, or the zero
// UUID if it names none. o is the result of Recognise for in.
func (in *Input) Interface(o Observation) (u UUID) {
	if len(in.Text(o.UUID)) != len(u) {
		return u
	}
	copy(u[:], in.Text(o.UUID))
	if in.Sent[o.UUID.From-Source].Data[4]&0x10 != 0 { // the first three parts are numbers, in the sender's order
		u[0], u[1], u[2], u[3] = u[3], u[2], u[1], u[0]
		u[4], u[5], u[6], u[7] = u[5], u[4], u[7], u[6]
	}
	return u
}

// InterfaceName returns the name of a DCE/RPC interface, or "" if this package does
// not know it. It knows the interfaces of C706 appendices O to Q, of Microsoft's
// open specifications (section 1.9 of each [MS-*]), and of PROFINET (IEC
// 61158-6-10).
func InterfaceName(u UUID) string {
	var b [36]byte
	return interfaceNames[string(u.AppendTo(b[:0]))]
}

var interfaceNames = map[string]string{
	"e1af8308-5d1f-11c9-91a4-08002b14a0fa": "epmapper",
	"afa8bd80-7d8a-11c9-bef4-08002b102989": "mgmt",
	"333a2276-0000-0000-0d00-00809c000000": "conv",
	"12345778-1234-abcd-ef00-0123456789ab": "lsarpc",
	"12345778-1234-abcd-ef00-0123456789ac": "samr",
	"12345678-1234-abcd-ef00-01234567cffb": "netlogon",
	"12345678-1234-abcd-ef00-0123456789ab": "spoolss",
	"4b324fc8-1670-01d3-1278-5a47bf6ee188": "srvsvc",
	"6bffd098-a112-3610-9833-46c3f87e345a": "wkssvc",
	"6bffd098-a112-3610-9833-012892020162": "browser",
	"338cd001-2244-31f1-aaaa-900038001003": "winreg",
	"367abb81-9844-35f1-ad32-98f038001003": "svcctl",
	"1ff70682-0a51-30e8-076d-740be8cee98b": "atsvc",
	"86d35949-83c9-4044-b424-db363231fd0c": "ITaskSchedulerService",
	"e3514235-4b06-11d1-ab04-00c04fc2dcd2": "drsuapi",
	"3919286a-b10c-11d0-9ba8-00c04fd92ef5": "dssetup",
	"82273fdc-e32a-18c3-3f78-827929dc23ea": "eventlog",
	"f6beaff7-1e19-4fbb-9f8f-b89e2018337c": "IEventService",
	"894de0c0-0d55-11d3-a322-00c04fa321a1": "InitShutdown",
	"99fcfec4-5260-101b-bbcb-00aa0021347a": "IObjectExporter",
	"000001a0-0000-0000-c000-000000000046": "IRemoteSCMActivator",
	"00000131-0000-0000-c000-000000000046": "IRemUnknown",
	"00000143-0000-0000-c000-000000000046": "IRemUnknown2",
	"9556dc99-828c-11cf-a37e-00aa003240c7": "IWbemServices",
	"f309ad18-d86a-11d0-a075-00c04fb68820": "IWbemLevel1Login",
	"50abc2a4-574d-40b3-9d66-ee4fd5fba076": "DnsServer",
	"6bffd098-a112-3610-9833-46c3f874532d": "dhcpsrv",
	"5b821720-f63b-11d0-aad2-00c04fc324db": "dhcpsrv2",
	"f5cc59b4-4264-101a-8c59-08002b2f8426": "frsrpc",
	"897e2e5f-93f3-4376-9c9c-fd2277495c27": "FrsTransport",
	"4fc742e0-4a10-11cf-8273-00aa004ae673": "netdfs",
	"c681d488-d850-11d0-8c52-00c04fd90f7e": "efsrpc",
	"df1941c5-fe89-4e79-bf10-463657acf44d": "efsrpc",
	"8fb6d884-2388-11d0-8c35-00c04fda2795": "W32Time",
	"a4f1db00-ca47-1067-b31f-00dd010662da": "EMSMDB",
	"f5cc5a18-4264-101a-8c59-08002b2f8426": "NSPI",
	"1544f5e0-613c-11d1-93df-00c04fd7bd09": "RFRI",
	"fdb3a030-065f-11d1-bb9b-00a024ea5525": "qmcomm",
	"91ae6020-9e3c-11cf-8d7c-00aa00c091be": "ICertPassage",
	"3dde7c30-165d-11d1-ab8f-00805f14db40": "BackupKey",
	"76f03f96-cdfd-44fc-a22c-64950a001209": "IRemoteWinspool",
	"a8e0653c-2744-4389-a61d-7373df8b2292": "FileServerVssAgent",
	"2f5f6520-ca46-1067-b319-00dd010662da": "tapsrv",
	"17fdd703-1827-4e34-79d4-24a55c53bb37": "msgsvcsend",
	"dea00001-6c97-11d1-8271-00a02442df7d": "PNIO-Device",
	"dea00002-6c97-11d1-8271-00a02442df7d": "PNIO-Controller",
}
