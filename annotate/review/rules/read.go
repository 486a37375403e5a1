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
	// of these is Input, one from them Output, and all others are Forward.
	Local []netip.Prefix
}

// Firewall is all rules that packets have to pass.
type Firewall struct {
	// Sets are those of the files, in their order. Files that belong together
	// share one: all network policies, all security groups, and iptables rules
	// with the sets that they name.
	Sets []*Set
}

// Read reads rules files, each of whatever kind its content shows. The error
// names all files that cannot be read: files of no known kind, with a hint, and
// syntax that cannot be passed over, with its line.
func Read(sources []Source, opt Options) (*Firewall, error) {
	return nil, errors.New("read rules: not implemented")
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
		case d.Verdict == Allow:
			allowed = &d // of several, the last is as good as any
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
