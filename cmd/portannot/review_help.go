package main

const reviewHelp = `portannot review lists the services in traffic, compares them with what is
expected (a policy) and with what the firewall lets through (its rules), and
says what differs, with the evidence.

A registered port says nothing of what the traffic really is, so nothing is
called good or bad for its registration alone.

Usage:
  portannot review -r CAPTURE... [flags]
  portannot review [flags] [FLOWLOG... | -]

Input:
  -r, --read FILE         capture file, as of portannot -r; may be given again;
                          names without a flag are captures then, else flow logs
      --recursive         read the captures in folders and below
  -f, --filter EXPR       packets that match a pcap-filter expression
  -c, --count N           stop after N packets
      --format NAME       format of the flow logs; default auto; for their names,
                          see portannot enrich --list-formats
      --map LIST          fields of other CSV, TSV or JSON, as of enrich
      --fields LIST       columns of an AWS log of a custom format without header

Comparing:
      --policy FILE       expected services, in YAML; --policy-help explains it
      --rules FILE        firewall rules; may be given again: nft -j list ruleset,
                          iptables-save, ipset save, AWS describe-security-groups,
                          Kubernetes NetworkPolicy, pfctl -sr
      --local LIST        addresses of the firewall itself, for its rules
      --baseline FILE     earlier report (-o json): what is new, gone, changed

Output, on standard output; all messages go to standard error:
  -o, --output FORMAT     text (default), json (also the baseline's form), csv,
                          html, sarif or markdown
      --fail-on LEVEL     exit status 3 on findings of a level or above: note,
                          warning or error
      --write-policy FILE write a policy that expects all that was seen; with it,
                          the same traffic gives no findings. Look at each entry.
  -w, --write FILE        write the packets behind the findings, as pcapng
      --color WHEN        auto (default), always or never; NO_COLOR is honoured
  -q, --quiet             no summary

Names:
      --registry FILE     registry edition, or "embedded"
      --services FILE     your own names, in the form of /etc/services
      --known-services FILE
                          services that you know, ADDRESS:PORT/TRANSPORT a line

Flows and bounds:
      --tunnels WHICH     both (default), inner or outer flows of tunnels
      --evidence-peers N  addresses, and ports, that must have spoken to an end in
                          other flows to make it the service; default 3, up to 8,
                          0 looks at no other flow
      --observe WHICH     on (default): look at the first octets of each flow, and
                          report what contradicts the registration; off: do not
      --idle-timeout TIME end a flow after so long without a packet; default 5m,
                          0 is never
      --max-flows N       flows held in memory; default 4194304
      --max-services N    services held in memory; default 262144
      --scan-targets N    services that a client tried in vain to be a scanner;
                          default 20

      --policy-help       explain policies, with an example
  -h, --help              print this help

Findings have a level: an error is to be explained (the rules deny what works),
a warning is to be looked at (traffic and what was agreed on differ), a note is
to be known.

Exit status: 0 done; 1 failure, or part of the input was unreadable; 2 usage;
3 findings at or above --fail-on.

Examples:
  portannot review -r testdata/captures/demo.pcap
  portannot review -q -r testdata/captures/demo.pcap --write-policy policy.yaml
  portannot review -r testdata/captures/demo.pcap --policy policy.yaml -o csv
  portannot review -r testdata/captures/demo.pcap -o html > report.html
  portannot review testdata/flowlogs/zeek/conn.log -o csv | head -3
  portannot review --policy-help
`

const policyHelp = `A policy says which services are expected, in YAML. A key or a name that is not
known is an error: what is not read would be missing in silence.

  version: 1
  groups:                           # names for addresses
    offices: [10.20.0.0/24, 2001:db8:20::/64]
    dns: [10.20.0.53]
  expected:
    - name: resolver                # what people call it
      ports: [domain]               # a registered name: all its transports
      servers: [dns]                # addresses, prefixes, groups; without: any
      clients: [offices]
      owner: network team
      reason: name resolution
    - name: the old billing
      ports: [8443/tcp, 9000-9010/tcp]
      servers: [10.20.0.20]
      ticket: CHG-1042
      expires: 2026-12-31           # the last day on which it is expected, UTC
      accept: [port-unassigned]     # findings that are known
    - ports: [https, 8080]
      transport: tcp                # for bare numbers, and to restrict names
      servers: [10.20.0.80]
  ignore:                           # counted, and no part of the review
    - clients: [10.20.0.250]
      reason: the vulnerability scanner

In expected, ports is required ("any" is all); in ignore, reason is, and one of
ports, transport, servers and clients.

accept takes: observed-contradicts, port-deassigned, port-reserved,
port-unassigned, port-dynamic, port-other-transport, unauthorized-use,
registered-later, weak-role.
`
