package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
)

// maxInterfaces is the greatest size of a file of interfaces, in bytes.
const maxInterfaces = 16 << 20

// ReadInterfaces reads what is behind the interfaces of a firewall: lines with the
// name of an interface and what is behind it,
//
//	lan 10.20.0.0/16 2001:db8:20::/64
//	wan 203.0.113.5/29 default
//
// or the output of "ip -j address" and "ip -j route" (also -4 and -6), one after the
// other. An address with its length, as 203.0.113.5/29, is the firewall's own, in
// that network; one without a length is just that. "#" begins a comment. Sources
// are read as one. name is the name of a source in errors, which have the line.
func ReadInterfaces(sources []Source) ([]Interface, error) {
	var x interfaces
	for _, src := range sources {
		data, err := io.ReadAll(io.LimitReader(src.Reader, maxInterfaces+1))
		switch {
		case err != nil:
		case len(data) > maxInterfaces:
			err = fmt.Errorf("more than %d MiB", maxInterfaces>>20)
		case bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")):
			err = x.json(data)
		default:
			err = x.lines(string(data))
		}
		if err != nil {
			return nil, fmt.Errorf("read interfaces %s: %w", src.Name, err)
		}
	}
	if len(x) == 0 {
		return nil, errors.New("read interfaces: no interface is named")
	}
	return x, nil
}

type interfaces []Interface

// named gives the interface with a name, a new one if there is none yet.
func (x *interfaces) named(name string) *Interface {
	for i := range *x {
		if (*x)[i].Name == name {
			return &(*x)[i]
		}
	}
	*x = append(*x, Interface{Name: name})
	return &(*x)[len(*x)-1]
}

// own adds an address of the firewall, and its network.
func (i *Interface) own(p netip.Prefix) {
	if a := p.Addr().WithZone(""); !slices.Contains(i.Addrs, a) {
		i.Addrs = append(i.Addrs, a)
	}
	if !p.IsSingleIP() && !p.Addr().IsLinkLocalUnicast() { // these are of each interface
		i.network(p.Masked())
	}
}

func (i *Interface) network(p netip.Prefix) {
	if p.Bits() == 0 {
		i.Default = true
	} else if !slices.Contains(i.Networks, p) {
		i.Networks = append(i.Networks, p)
	}
}

func (x *interfaces) lines(text string) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		i := x.named(words[0])
		for _, word := range words[1:] {
			if word == "default" {
				i.Default = true
				continue
			}
			if a, err := netip.ParseAddr(word); err == nil && a.Zone() == "" {
				i.own(netip.PrefixFrom(a, a.BitLen()))
				continue
			}
			p, err := netip.ParsePrefix(word)
			switch {
			case err != nil:
				return fmt.Errorf("line %d: %q is no network, no address and not default", n, word)
			case p == p.Masked() && !p.IsSingleIP():
				i.network(p)
			default:
				i.own(p)
			}
		}
	}
	return nil
}

// Parts of what ip prints as JSON. Of address: an object an interface. Of route: an
// object a route, whose type is absent if it is unicast.
type (
	ipObject struct {
		Name string   `json:"ifname"`
		Info []ipInfo `json:"addr_info"`
		Dst  string   `json:"dst"`
		Dev  string   `json:"dev"`
		Type string   `json:"type"`
		Hops []ipHop  `json:"nexthops"`
	}
	ipInfo struct {
		Local  netip.Addr `json:"local"`
		Length int        `json:"prefixlen"`
		Peer   netip.Addr `json:"address"` // of a point-to-point link
	}
	ipHop struct {
		Dev string `json:"dev"`
	}
)

func (x *interfaces) json(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		var list []ipObject
		if err := dec.Decode(&list); err == io.EOF {
			return nil
		} else if err != nil {
			at := dec.InputOffset()
			if syntax := new(json.SyntaxError); errors.As(err, &syntax) {
				at = syntax.Offset
			}
			return fmt.Errorf("not what ip -j address or ip -j route prints: line %d: %w", bytes.Count(data[:min(at, int64(len(data)))], []byte("\n"))+1, err)
		}
		for i := range list {
			if err := x.object(&list[i]); err != nil {
				return err
			}
		}
	}
}

func (x *interfaces) object(o *ipObject) error {
	if o.Name != "" {
		i := x.named(o.Name)
		for _, a := range o.Info {
			if !a.Local.IsValid() {
				continue
			}
			p := netip.PrefixFrom(a.Local, a.Length)
			if !p.IsValid() {
				return fmt.Errorf("interface %s: %v/%d is no address with its length", o.Name, a.Local, a.Length)
			}
			if a.Peer.IsValid() { // the length is that of the other end's network
				i.own(netip.PrefixFrom(a.Local, a.Local.BitLen()))
				i.network(netip.PrefixFrom(a.Peer, a.Length).Masked())
				continue
			}
			i.own(p)
		}
		return nil
	}
	if o.Dst == "" || o.Type != "" && o.Type != "unicast" {
		return nil // a link without addresses; local, broadcast and unreachable routes
	}
	devs := []string{o.Dev}
	for _, h := range o.Hops {
		devs = append(devs, h.Dev)
	}
	for _, dev := range devs {
		if dev == "" {
			continue
		}
		i := x.named(dev)
		if o.Dst == "default" {
			i.Default = true
			continue
		}
		p, err := netip.ParsePrefix(o.Dst)
		if a, e := netip.ParseAddr(o.Dst); e == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("route of %s: %q is no network", dev, o.Dst)
		}
		if !p.Addr().IsLinkLocalUnicast() && !p.Addr().IsMulticast() {
			i.network(p.Masked())
		}
	}
	return nil
}
