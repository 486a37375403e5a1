package capture

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// linkOfHardware gives the link type of the packets of an interface whose
// hardware type (ARPHRD_) is t. Types that have none here are LinkRaw.
func linkOfHardware(t uint16) LinkType {
	for _, h := range hardwareLinks {
		if h.hardware == t {
			return h.link
		}
	}
	return LinkRaw
}

// hardwareLinks are the hardware types whose packets have a link layer header
// that is worth keeping, most frequent first.
var hardwareLinks = [...]struct {
	hardware uint16
	link     LinkType
}{
	{unix.ARPHRD_ETHER, LinkEthernet},
	{unix.ARPHRD_LOOPBACK, LinkEthernet}, // with addresses of zero
	{unix.ARPHRD_IEEE80211_RADIOTAP, LinkRadiotap},
	{unix.ARPHRD_IEEE80211, LinkIEEE80211},
	{unix.ARPHRD_IEEE80211_PRISM, LinkPrism},
	{unix.ARPHRD_CISCO, LinkCHDLC},
	{unix.ARPHRD_FRAD, LinkFrameRelay},
	{unix.ARPHRD_FDDI, LinkFDDI},
	{unix.ARPHRD_IEEE802, LinkTokenRing},
	{unix.ARPHRD_IEEE802_TR, LinkTokenRing},
}

// fill makes a Packet of the ring's frame, which begins with header. It gives
// false when the frame does not fit the block.
func (l *Live) fill(p *Packet, frame []byte, header *unix.Tpacket3Hdr) bool {
	const addressOffset = (unix.SizeofTpacket3Hdr + unix.TPACKET_ALIGNMENT - 1) &^ (unix.TPACKET_ALIGNMENT - 1)
	if len(frame) < addressOffset+unix.SizeofSockaddrLinklayer {
		return false
	}
	address := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&frame[addressOffset]))
	begin, end := int(header.Mac), int(header.Mac)+int(header.Snaplen)
	network := int(header.Net)
	if begin < addressOffset || end > len(frame) {
		return false
	}
	l.number++
	*p = Packet{
		Time:      int64(header.Sec)*1e9 + int64(header.Nsec),
		Number:    l.number,
		Link:      linkOfHardware(address.Hatype),
		Length:    header.Len,
		Interface: uint32(address.Ifindex),
	}
	if l.lastName == "" || l.lastIndex != p.Interface {
		l.lastIndex, l.lastName = p.Interface, l.InterfaceName(p.Interface)
	}
	p.InterfaceName = l.lastName
	if header.Status&unix.TP_STATUS_VLAN_VALID != 0 {
		tpid := uint32(unix.ETH_P_8021Q)
		if header.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
			tpid = uint32(header.Hv1.Vlan_tpid)
		}
		p.VLAN = tpid<<16 | header.Hv1.Vlan_tci&0xffff
		p.Length += 4
	}
	if p.Link == LinkRaw {
		switch networkOrder(address.Protocol) {
		case unix.ETH_P_IP, unix.ETH_P_IPV6:
		default:
			p.Link = LinkLinuxSLL2
		}
		if network < begin || network > end || network < sll2Len {
			network = begin // cut before the network layer
		}
		p.Length -= uint32(network - begin)
		begin = network
		if p.Link == LinkLinuxSLL2 {
			// Before the network layer are at least the frame's header and
			// the address, which were read. Both have done their work.
			sll2 := frame[begin-sll2Len : begin]
			writeSLL2(sll2, *address)
			begin -= sll2Len
			p.Length += sll2Len
		}
	}
	p.Data = frame[begin:end:end]
	if len(p.Data) > l.snapLen { // a filter that gave more than the snap length
		p.Data = p.Data[:l.snapLen:l.snapLen]
	}
	return true
}

// writeSLL2 writes a header of LINKTYPE_LINUX_SLL2. All of it is in network
// order; the address holds its protocol in that order already.
func writeSLL2(b []byte, a unix.RawSockaddrLinklayer) {
	binary.NativeEndian.PutUint16(b[0:], a.Protocol)
	binary.BigEndian.PutUint16(b[2:], 0)
	binary.BigEndian.PutUint32(b[4:], uint32(a.Ifindex))
	binary.BigEndian.PutUint16(b[8:], a.Hatype)
	b[10] = a.Pkttype
	b[11] = a.Halen
	copy(b[12:sll2Len], a.Addr[:])
}

// device is an interface as the capture needs it.
type device struct {
	index int
	link  LinkType
}

// findDevice asks in the socket's network namespace, which need not be that
// of the thread that asks. An interface that is down is ENETDOWN: it would
// give nothing and no error.
func findDevice(fd int, name string) (device, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return device{}, errInterface(name, ErrNoInterface)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request); err != nil {
		if err == unix.ENODEV {
			return device{}, errInterface(name, ErrNoInterface)
		}
		return device{}, errInterface(name, err)
	}
	d := device{index: int(request.Uint32())}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, request); err != nil {
		return device{}, errInterface(name, err)
	}
	if request.Uint16()&unix.IFF_UP == 0 {
		return device{}, errInterface(name, unix.ENETDOWN)
	}
	hardware, err := hardwareType(fd, name)
	if err != nil {
		return device{}, errInterface(name, err)
	}
	d.link = linkOfHardware(hardware)
	return d, nil
}

func errInterface(name string, err error) error { return fmt.Errorf("interface %s: %w", name, err) }

// deviceName gives the name of an interface by its index.
func deviceName(fd int, index uint32) (string, error) {
	// unix.Ifreq can be made only with a name, and does not need it here.
	request, err := unix.NewIfreq("")
	if err != nil {
		return "", err
	}
	request.SetUint32(index)
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFNAME, request); err != nil {
		return "", err
	}
	return request.Name(), nil
}
