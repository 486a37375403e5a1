package rules

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// iptModules are the matches whose options are interpreted, all or some.
var iptModules = map[string]bool{
	"tcp": true, "udp": true, "udplite": true, "sctp": true, "dccp": true, "icmp": true, "icmp6": true, "icmpv6": true, "ipv6-icmp": true,
	"multiport": true, "comment": true, "conntrack": true, "state": true, "iprange": true, "set": true, "mark": true,
	"addrtype": true, "limit": true, "hashlimit": true, "connlimit": true, "quota": true, "recent": true, "nfacct": true, "rpfilter": true,
}

// ports reads a list of ports and ranges, as in 22,80:90 or :1023.
func ports(list string) ([]term, bool) {
	var all []term
	for _, s := range strings.Split(list, ",") {
		lo, hi, isRange := strings.Cut(s, ":")
		if !isRange {
			hi = lo
		} else {
			if lo == "" {
				lo = "0"
			}
			if hi == "" {
				hi = "65535"
			}
		}
		first, err := strconv.ParseUint(lo, 10, 16)
		last, err2 := strconv.ParseUint(hi, 10, 16)
		if err != nil || err2 != nil {
			return nil, false
		}
		all = append(all, term{lo: number(first), hi: number(last)})
	}
	return all, true
}

// bitsOf reads a list of names of bits. Names are compared in lower case.
func bitsOf(list string, names map[string]uint64) (uint64, bool) {
	var all uint64
	for _, s := range strings.Split(list, ",") {
		s = strings.ToLower(s)
		switch {
		case s == "none":
			continue
		case s == "all":
			all |= 0x3f // the six flags that iptables means by it
			continue
		}
		bit, ok := names[strings.ReplaceAll(s, "_", "-")]
		if !ok {
			return 0, false
		}
		all |= bit
	}
	return all, true
}

// extension reads the options of modules. It reports whether it knows them.
func (r *iptRule) extension(not bool, option, argument string, arguments []string, text string) bool {
	switch r.module {
	case "tcp", "udp", "udplite", "sctp", "dccp":
		return r.portOption(not, option, argument, arguments)
	case "icmp", "icmp6", "icmpv6", "ipv6-icmp":
		if option != "--icmp-type" && option != "--icmpv6-type" {
			return false
		}
		if argument == "any" {
			return true
		}
		r.note(r.rule, r.line, text, "no flow tells")
		r.add(expr{proto: r.proto}, not, term{})
		return true
	case "multiport":
		return r.multiport(not, option, argument)
	case "comment":
		if option == "--comment" {
			if r.rule.Comment != "" {
				r.rule.Comment += "; "
			}
			r.rule.Comment += argument
			return true
		}
	case "conntrack", "state":
		return r.conntrack(not, option, argument)
	case "iprange":
		return r.iprange(not, option, argument)
	case "set":
		switch option {
		case "--match-set":
			r.matchSet(not, arguments, text)
			return true
		case "--return-nomatch":
			return false
		}
		return strings.HasPrefix(option, "--update-") || strings.HasPrefix(option, "! --update-")
	case "mark":
		if option != "--mark" {
			return false
		}
		v, m, ok := valueMask(argument)
		if !ok {
			return false
		}
		r.add(expr{field: markField, ops: []bitOp{{op: '&', n: uint64(m)}}}, not, single(number(uint64(v))))
		return true
	case "addrtype":
		x := expr{field: sourceTypeField}
		switch option {
		case "--dst-type":
			x.field = destinationTypeField
		case "--src-type":
		default:
			return false
		}
		var terms []term
		for _, s := range strings.Split(argument, ",") {
			n, ok := typeNames[strings.ToLower(s)]
			if !ok {
				return false
			}
			terms = append(terms, single(number(n)))
		}
		if x.field == sourceTypeField {
			r.note(r.rule, r.line, text, "no flow tells")
		}
		r.add(x, not, terms...)
		return true
	case "limit":
		return r.bounded(not, option, "--limit", "", "the rate is not exceeded")
	case "hashlimit":
		if option == "--hashlimit" {
			option = "--hashlimit-upto"
		}
		return r.bounded(not, option, "--hashlimit-upto", "--hashlimit-above", "the rate is not exceeded")
	case "connlimit":
		return r.bounded(not, option, "--connlimit-upto", "--connlimit-above", "the number of connections is not exceeded")
	case "quota":
		return r.bounded(not, option, "--quota", "", "the quota is not used up")
	case "recent":
		switch option {
		case "--set":
			r.say(truth(!not))
			return true
		case "--name", "--mask", "--rsource", "--rdest", "--seconds", "--reap", "--rttl", "--hitcount":
			return true
		case "--update", "--rcheck":
			// Once is enough to be in the list, but only many times make so many
			// hits.
			if m := hitsRE.FindStringSubmatch(r.rule.Text); m != nil && m[1] != "0" && m[1] != "1" {
				r.say(truth(not))
				r.rule.Assumes = "the client has not come so often before"
				return true
			}
		}
	case "nfacct":
		return option == "--nfacct-name"
	case "rpfilter":
		switch option {
		case "--invert":
			r.rule.Assumes = trueSource
			r.say(never)
			return true
		case "--loose", "--validmark", "--accept-local":
			r.rule.Assumes = trueSource
			return true
		}
	}
	return false
}

// hitsRE finds how many hits a rule asks for.
var hitsRE = regexp.MustCompile(`--hitcount (\d+)\b`)

// bounded reads options about what is taken as not exceeded. Options that only
// say how it is counted are passed over.
func (r *iptRule) bounded(not bool, option, upTo, above, assumes string) bool {
	switch option {
	case upTo:
		r.say(truth(!not))
	case above:
		r.say(truth(not))
	default:
		return strings.HasPrefix(option, upTo[:strings.LastIndexByte(upTo, '-')+1]) || strings.HasPrefix(option, "--"+r.module)
	}
	r.rule.Assumes = assumes
	return true
}

// portOption reads the options of protocols with ports.
func (r *iptRule) portOption(not bool, option, argument string, arguments []string) bool {
	x := expr{proto: r.proto}
	if !hasPorts(r.proto) {
		return false
	}
	switch option {
	case "--sport", "--source-port":
		x.field = sourcePortField
	case "--dport", "--destination-port":
		x.field = destinationPortField
	case "--syn":
		r.add(expr{field: flagsField, proto: protoTCP, ops: []bitOp{{op: '&', n: 0x17}}}, not, single(number(flagSYN)))
		return true
	case "--tcp-flags":
		if len(arguments) != 2 {
			return false
		}
		mask, ok := bitsOf(arguments[0], flagNames)
		want, ok2 := bitsOf(arguments[1], flagNames)
		if ok && ok2 {
			r.add(expr{field: flagsField, proto: protoTCP, ops: []bitOp{{op: '&', n: mask}}}, not, single(number(want)))
		}
		return ok && ok2
	default:
		return false
	}
	terms, ok := ports(argument)
	if ok {
		r.add(x, not, terms...)
	}
	return ok
}

func (r *iptRule) multiport(not bool, option, argument string) bool {
	terms, ok := ports(argument)
	if !ok {
		return false
	}
	source, destination := expr{field: sourcePortField, proto: r.proto}, expr{field: destinationPortField, proto: r.proto}
	switch option {
	case "--sports", "--source-ports":
		r.add(source, not, terms...)
	case "--dports", "--destination-ports":
		r.add(destination, not, terms...)
	case "--ports":
		e := new(elements)
		for _, t := range terms {
			e.all = append(e.all, element{terms: []term{t, {any: true}}}, element{terms: []term{{any: true}, t}})
		}
		r.steps = append(r.steps, step{cond: &condition{exprs: []expr{source, destination}, elements: e, not: not}})
	default:
		return false
	}
	return true
}

func (r *iptRule) conntrack(not bool, option, argument string) bool {
	switch option {
	case "--ctstate", "--state":
		var states []string
		var status uint64
		for _, s := range strings.Split(argument, ",") {
			switch s {
			case "SNAT":
				status |= statusSNAT
			case "DNAT":
				status |= statusDNAT
			default:
				states = append(states, s)
			}
		}
		e := new(elements)
		if len(states) > 0 {
			bits, ok := bitsOf(strings.Join(states, ","), stateNames)
			if !ok {
				return false
			}
			e.all = append(e.all, element{terms: []term{{mask: bits}, {any: true}}})
		}
		c := &condition{exprs: []expr{{field: stateField}, {field: statusField}}, elements: e, not: not}
		if status != 0 {
			e.all = append(e.all, element{terms: []term{{any: true}, {mask: status}}})
		} else {
			c.exprs, e.all[0].terms = c.exprs[:1], e.all[0].terms[:1]
		}
		r.steps = append(r.steps, step{cond: c})
	case "--ctstatus":
		if argument == "NONE" {
			r.say(truth(not)) // an empty mask, of which no bit can be set
			return true
		}
		bits, ok := bitsOf(argument, statusNames)
		if !ok {
			return false
		}
		r.add(expr{field: statusField}, not, term{mask: bits})
	case "--ctorigsrc", "--ctorigdst":
		p, ok := prefixOf(argument)
		if !ok {
			return false
		}
		x := expr{field: originalSourceField}
		if option == "--ctorigdst" {
			x.field = originalDestinationField
		}
		r.add(x, not, prefixTerm(p))
	case "--ctorigdstport":
		terms, ok := ports(argument)
		if !ok {
			return false
		}
		r.add(expr{field: originalDestinationPortField}, not, terms...)
	case "--ctdir":
		n, ok := wayNames[strings.ToLower(argument)]
		if !ok {
			return false
		}
		r.add(expr{field: directionField}, not, single(number(n)))
	default:
		return false
	}
	return true
}

func (r *iptRule) iprange(not bool, option, argument string) bool {
	x := expr{field: sourceField}
	switch option {
	case "--dst-range":
		x.field = destinationField
	case "--src-range":
	default:
		return false
	}
	t, ok := addressRange(argument)
	if ok {
		r.add(x, not, t)
	}
	return ok
}

// addressRange reads two addresses with a dash between them, or one.
func addressRange(s string) (term, bool) {
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		to = from
	}
	a, ok := parseAddr(from)
	b, ok2 := parseAddr(to)
	return term{lo: address(a), hi: address(b)}, ok && ok2 && a.Is4() == b.Is4()
}

// valueMask reads a number with a mask, which is all ones when there is none.
func valueMask(s string) (value, mask uint32, ok bool) {
	v, m, hasMask := strings.Cut(s, "/")
	n, err := strconv.ParseUint(v, 0, 32)
	k := uint64(1<<32 - 1)
	if hasMask && err == nil {
		k, err = strconv.ParseUint(m, 0, 32)
	}
	return uint32(n), uint32(k), err == nil
}

// passing are the targets after which a packet goes on as before, as far as
// any match that is interpreted can see.
var passing = map[string]bool{
	"": true, "LOG": true, "NFLOG": true, "ULOG": true, "AUDIT": true, "TRACE": true, "TCPMSS": true, "TCPOPTSTRIP": true,
	"CLASSIFY": true, "DSCP": true, "TOS": true, "TTL": true, "HL": true, "ECN": true, "SET": true, "CHECKSUM": true, "TEE": true,
	"IDLETIMER": true, "RATEEST": true, "SECMARK": true, "CONNSECMARK": true, "LED": true,
}

// verdict reads the target.
func (r *iptRule) verdict() *verdict {
	text := strings.Join(append([]string{"-j", r.target}, r.options...), " ")
	if c := r.chains[r.table+" "+r.target]; c != nil {
		if r.jumps {
			return &verdict{kind: jumpVerdict, target: r.target, chain: c}
		}
		return &verdict{kind: gotoVerdict, target: r.target, chain: c}
	}
	switch r.target {
	case "ACCEPT":
		return &verdict{kind: acceptVerdict}
	case "DROP", "REJECT":
		return &verdict{kind: dropVerdict}
	case "RETURN":
		return &verdict{kind: returnVerdict}
	case "QUEUE", "NFQUEUE":
		r.note(r.rule, r.line, text, "a program decides")
		return &verdict{kind: otherVerdict}
	case "NOTRACK":
		r.steps = append(r.steps, step{untrack: true})
		return nil
	case "CT":
		for _, o := range r.options {
			if o == "--notrack" {
				r.steps = append(r.steps, step{untrack: true})
			}
		}
		return nil
	case "MARK":
		r.steps = append(r.steps, step{mark: r.setMark()})
		return nil
	case "CONNMARK":
		for _, o := range r.options {
			if strings.HasPrefix(o, "--restore-mark") {
				r.steps = append(r.steps, step{mark: &setMark{unknown: true}})
			}
		}
		return nil
	case "HMARK":
		r.steps = append(r.steps, step{mark: &setMark{unknown: true}})
		return nil
	case "SNAT", "MASQUERADE":
		return &verdict{kind: acceptVerdict, move: &move{source: true, unknown: true}}
	case "DNAT", "REDIRECT", "NETMAP":
		return &verdict{kind: acceptVerdict, move: r.translation(text)}
	}
	if passing[r.target] {
		return nil
	}
	r.note(r.rule, r.line, text, "target that is not interpreted")
	return &verdict{kind: anyVerdict}
}

func (r *iptRule) setMark() *setMark {
	for i := 0; i+1 < len(r.options); i++ {
		v, m, ok := valueMask(r.options[i+1])
		if !ok {
			continue
		}
		switch r.options[i] {
		case "--set-xmark":
			return &setMark{and: ^m, xor: v}
		case "--set-mark":
			return &setMark{and: ^(v | m), xor: v}
		case "--and-mark":
			return &setMark{and: v}
		case "--or-mark":
			return &setMark{and: ^v, xor: v}
		case "--xor-mark":
			return &setMark{and: ^uint32(0), xor: v}
		}
	}
	return &setMark{unknown: true}
}

// translation reads where the destination is moved to.
func (r *iptRule) translation(text string) *move {
	m := &move{here: r.target == "REDIRECT"}
	for i := 0; i+1 < len(r.options); i++ {
		to := r.options[i+1]
		var ok bool
		switch r.options[i] {
		case "--to-ports":
			m.port, ok = onePort(to)
		case "--to-destination":
			if a, err := netip.ParseAddrPort(to); err == nil {
				m.addr, m.port, ok = a.Addr(), a.Port(), true
			} else if p, isPort := strings.CutPrefix(to, ":"); isPort {
				m.port, ok = onePort(p)
			} else {
				m.addr, ok = parseAddr(strings.Trim(to, "[]"))
			}
		default:
			continue
		}
		m.unknown = m.unknown || !ok
	}
	m.unknown = m.unknown || !m.here && !m.addr.IsValid() && m.port == 0
	if m.unknown {
		r.note(r.rule, r.line, text, "translation to one of several places")
	}
	return m
}

func onePort(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil
}
