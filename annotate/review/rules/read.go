package rules

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// Kind is a kind of rules file. The zero value is none.
type Kind uint8

// The kinds. IPSet holds no rules: it says what the names of sets in rules
// stand for.
const (
	NoKind        Kind = iota
	NFT                // nft -j list ruleset
	IPTables           // iptables-save, ip6tables-save
	IPSet              // ipset save
	AWS                // aws ec2 describe-security-groups
	NetworkPolicy      // Kubernetes, YAML or JSON
	PF                 // pfctl -sr
)

var kindNames = [...]string{NoKind: "", NFT: "nft", IPTables: "iptables", IPSet: "ipset", AWS: "aws-security-groups", NetworkPolicy: "kubernetes-networkpolicy", PF: "pf"}

// String gives the kind's name in reports, such as "nft".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// MarshalText gives the same as String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Source is a rules file. Name is what errors and rules call it.
type Source struct {
	Name   string
	Reader io.Reader
}

// Options say what the files do not.
type Options struct {
	// Local holds the addresses of the firewall itself. With it, a flow to one
	// of these is Input, one from them Output, and all others are Forward, except
	// to multicast addresses, of which the firewall may be a member.
	Local []netip.Prefix
	// Port gives the number of a service's name: pfctl prints names. nil, and
	// false, stand for names that are not known; rules with them are not
	// interpreted.
	Port func(name string, protocol uint8) (port uint16, ok bool)
}

// Firewall is all rules that packets have to pass.
type Firewall struct {
	// Sets are those of the files, in their order. Files that belong together
	// share one: all network policies, all security groups, and iptables rules
	// with the sets that they name.
	Sets []*Set
}

// maxFile bounds the size of a rules file, in octets.
const maxFile = 256 << 20

// Read reads rules files, each of whatever kind its content shows. The error
// names all files that cannot be read: files of no known kind, with a hint, and
// syntax that cannot be passed over, with its line.
func Read(sources []Source, opt Options) (*Firewall, error) {
	files := make([]file, len(sources))
	var errs []error
	for i, src := range sources {
		f, err := load(src)
		if err != nil {
			errs = append(errs, fmt.Errorf("read rules: %w", err))
		}
		files[i] = f
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	fw := new(Firewall)
	ipt := newIPTReader(opt)
	for i := range files {
		if files[i].kind == IPSet {
			ipt.readIPSet(files[i].data, files[i].name)
		}
	}
	twice := map[string]bool{} // tables of nft that the output of iptables-save has too, and has whole
	for i := range files {
		if files[i].kind == IPTables {
			tablesOfNFT(files[i].data, twice)
		}
	}
	joined := map[Kind]bool{} // kinds that share a set, and have it
	for i := range files {
		f := &files[i]
		var s *Set
		var err error
		switch f.kind {
		case NFT:
			s, err = readNFT(f.root, f.data, f.name, opt, twice)
		case IPTables:
			ipt.read(f.data, f.name)
			continue
		case AWS, NetworkPolicy:
			if joined[f.kind] {
				continue
			}
			joined[f.kind] = true
			var same []file
			for _, g := range files[i:] {
				if g.kind == f.kind {
					same = append(same, g)
				}
			}
			if f.kind == AWS {
				s, err = readAWS(same)
			} else {
				s, err = readPolicies(same)
			}
		case PF:
			s = readPF(f.data, f.name, opt)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("read rules: %w", err))
		} else if s != nil {
			fw.Sets = append(fw.Sets, s)
		}
	}
	if s := ipt.set(); s != nil {
		fw.Sets = append(fw.Sets, s)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return fw, nil
}

// Decide says what becomes of the first packet of a connection. It has to be
// allowed by every set that deals with such packets.
func (fw *Firewall) Decide(f *Flow) Decision {
	var unknown, allowed *Decision
	for _, s := range fw.Sets {
		d, covered := s.ask(f)
		switch {
		case !covered:
		case d.Verdict == Deny:
			return d
		case d.Verdict == Unknown && unknown == nil:
			unknown = &d
		case d.Verdict == Allow && (allowed == nil || d.Rule != nil):
			allowed = &d
		}
	}
	switch {
	case unknown != nil:
		return *unknown
	case allowed != nil:
		return *allowed
	}
	return Decision{Why: "no rules for such packets"}
}
