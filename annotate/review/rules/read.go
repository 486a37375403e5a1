package rules

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
)

// Kind is a kind of rules file. The zero value is none.
type Kind uint8

// The kinds. Files of the kinds IPSet and PFTable contain no rules. They contain
// the sets of addresses that rules of iptables and of pf refer to.
const (
	NoKind        Kind = iota
	NFT                // nft -j list ruleset
	IPTables           // iptables-save, ip6tables-save
	IPSet              // ipset save
	AWS                // aws ec2 describe-security-groups
	NetworkPolicy      // Kubernetes, YAML or JSON
	PF                 // pfctl -sr, pfctl -sn
	PFTable            // pfctl -t NAME -T show: the addresses of a table
	Table              // the neutral table, CSV or JSON
	ASA                // Cisco ASA, show running-config
	Sense              // pfSense and OPNsense, config.xml
	AWSACL             // aws ec2 describe-network-acls
)

var kindNames = [...]string{NoKind: "", NFT: "nft", IPTables: "iptables", IPSet: "ipset", AWS: "aws-security-groups", NetworkPolicy: "kubernetes-networkpolicy", PF: "pf", PFTable: "pf-table", Table: "table", ASA: "cisco-asa", Sense: "pfsense", AWSACL: "aws-network-acls"}

// String gives the kind's name in reports, such as "nft".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// MarshalText gives the same as String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Source is a rules file. Name is its name in errors and in Rule.File.
type Source struct {
	Name   string
	Reader io.Reader
}

// Options tell Read what the files do not say.
type Options struct {
	// Local lists the addresses of the firewall itself. If it is set, a flow to
	// one of them takes the hook Input, a flow from one of them Output, and any
	// other flow Forward. A flow to a multicast address may take Forward or
	// Input, because the firewall may be in the group.
	Local []netip.Prefix
	// Interfaces are those of the firewall; their addresses are local too. With
	// them it is known by which interfaces a flow comes and goes, and which
	// flows stay within one network.
	Interfaces []Interface
	// Port returns the port of a service name, because pfctl prints names. ok is
	// false if the name is not known. If Port is nil, all names count as unknown.
	// Rules with unknown names are not interpreted.
	Port func(name string, protocol uint8) (port uint16, ok bool)
}

// Firewall is all the rules that packets must pass.
type Firewall struct {
	// Sets are in the order of the files. Files that belong together are one
	// Set: all network policies, all security groups, and iptables rules with
	// the IP sets that they name.
	Sets []*Set
	// Interfaces are those of Options.
	Interfaces []Interface
}

// maxFile is the greatest size of a rules file, in bytes.
const maxFile = 64 << 20

// Read reads rules files and recognises the kind of each by its content. The
// error names every file that cannot be read. It has a hint for a file of
// unknown kind, and the line of a syntax error that cannot be skipped.
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
	fw := &Firewall{Interfaces: opt.Interfaces}
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
	var tables []file
	for i := range files {
		if files[i].kind == PFTable {
			tables = append(tables, files[i])
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
		case Table:
			s, err = readTable(*f, opt)
		case ASA:
			s, err = readASA(*f, opt)
		case Sense:
			s, err = readSense(*f, tables, opt)
		case AWS, NetworkPolicy, PF:
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
			switch f.kind {
			case AWS:
				acls := readACLs(same)
				if acls != nil {
					fw.Sets = append(fw.Sets, acls)
				}
				if acls == nil || slices.ContainsFunc(same, file.hasGroups) {
					s, err = readAWS(same)
				}
			case NetworkPolicy:
				s, err = readPolicies(same)
			case PF:
				s = readPF(append(same, tables...), opt)
			}
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

// hasGroups reports a file of AWS with security groups.
func (f file) hasGroups() bool { return !f.root.is(nodeObject) || f.root.get("SecurityGroups") != nil }

// finish adds what follows from the chains.
func (s *Set) finish(nf *netfilter) {
	s.Openings, s.Truncated = nf.openings()
	if nf.once {
		for i := range s.Openings {
			s.Openings[i].Hook = AnyHook
		}
	}
	s.Covered = nf.covered()
}

// Decide returns what the firewall does with the first packet of a connection.
// Every set that deals with such packets must allow it.
func (fw *Firewall) Decide(f *Flow) Decision {
	var unknown, allowed, apart *Decision
	var assumes, also []*Rule
	for _, s := range fw.Sets {
		d, covered := s.ask(f)
		switch {
		case !covered:
		case d.Apart:
			apart = &d
		case d.Verdict == Deny:
			return d
		case d.Verdict == Unknown && unknown == nil:
			unknown = &d
		case d.Verdict == Allow:
			assumes = append(assumes, d.Assumes...)
			also = append(append(also, d.Also...), d.Rule)
			if allowed == nil || d.Rule != nil {
				allowed = &d
			}
		}
	}
	switch {
	case unknown != nil:
		return *unknown
	case allowed != nil:
		allowed.Assumes = assumes
		allowed.Also = slices.DeleteFunc(also, func(r *Rule) bool { return r == nil || r == allowed.Rule })
		return *allowed
	case apart != nil:
		return *apart
	}
	return Decision{Why: "no rules for such packets", Missing: MissingRules}
}
