package main

const mainHelp = `portannot annotates the flows of network traffic with what the IANA port
registry says of their ports: registered names, and whether a port is assigned,
reserved, unassigned or dynamic. It says which end is the service, and why.

A registered port says nothing of what the traffic really is.

Usage:
  portannot -r FILE... [flags]      annotate the flows of captures
  portannot -i IFACE... [flags]     annotate the flows of interfaces
  portannot COMMAND [flags]

Commands:
  enrich       annotate flow logs, and change nothing else in them
  review       find services that nobody expects, and rules that nothing uses
  lookup       say what the registry says of ports or names
  registry     inspect, check, compare, export and update the registry
  version      print the version
  completion   print a completion script for a shell

Captures:
  -r, --read FILE         capture file: pcap, pcapng, snoop and others, also
                          compressed; a pattern; - for standard input. May be
                          given again; names without a flag are captures too.
                          Several are one stream, ordered by time.
      --recursive         read the captures in folders and below
      --follow            go on reading a file that grows, until Ctrl-C
  -c, --count N           stop after N packets, live too

Interfaces:
  -i, --interface NAME    capture live; may be given again; "any" is every one
  -D, --list-interfaces   list the interfaces
      --duration TIME     stop after a time: 30s, 10m
  -s, --snaplen N         octets captured of a packet; default 262144
  -p, --promiscuous       also frames for other stations
      --buffer MIB        memory that the system fills; default 16
      --user NAME         user to become when root, once the capture is open;
                          default nobody, '' stays root
  -v, --verbose           say what was given up for the sandbox

Selection; a flag may be given again or take a list, a,b:
  -f, --filter EXPR       packets that match a pcap-filter expression, as in
                          tcpdump: 'tcp port 443 and not net 10.0.0.0/8'
      --transport NAME    tcp, udp, udplite, sctp or dccp
      --port PORT         of either end: 443 or 4690-4700
      --status STATUS     of the service port: assigned, reserved, unassigned,
                          dynamic, unknown; of either port if no side is known
      --service NAME      registered name, or a name of --services
      --observed NAME     protocol that the payload looks like: tls, ssh, dns ...
      --verdict VERDICT   whether the payload agrees with the registration:
                          contradicts, consistent, undecided, unrecognised,
                          truncated or no-payload
      --tunnels WHICH     both (default), inner or outer flows of tunnels

Output, on standard output; all messages go to standard error:
  -o, --output FORMAT     text (default), json (one object a line) or csv
  -w, --write FILE        also write the packets of the selected flows, as pcapng;
                          the first packet of each has the annotation as comment;
                          - is standard output, in place of the flows
      --sort KEY          start (default: order of first packets), end, duration,
                          packets or bytes, the greatest first
      --color WHEN        auto (default), always or never; NO_COLOR is honoured
  -q, --quiet             no summary

Names:
      --registry FILE     registry edition in any form that IANA publishes
                          (XML, CSV, text, HTML, also gzip), or "embedded"
      --services FILE     your own names, in the form of /etc/services; shown
                          as local, never mixed with registered names

Which end is the service:
      --known-services FILE
                          services that you know, ADDRESS:PORT/TRANSPORT a line:
                          10.0.0.5:8443/tcp, 10.0.0.0/8:9000-9010,
                          [2001:db8::/32]:53/udp, *:5060
      --evidence-peers N  addresses, and ports, that must have spoken to an end in
                          other flows to make it the service: 2 to 8, default
                          3; 0 looks at no other flow

Payload:
      --observe WHICH     on (default): say what the first octets of each flow look
                          like, and whether the registered service speaks that;
                          off: do not look

Flows:
      --idle-timeout TIME end a flow after so long without a packet; default 5m,
                          0 is never
      --active-timeout TIME
                          end a flow that lasts longer; default 0, never, and 30m
                          live and with --follow
      --max-flows N       flows held in memory; default 4194304, about 220 bytes
                          each. When full, the longest idle flow is written early.

      --version           print the version
  -h, --help              print this help

Exit status: 0 done; 1 failure, or part of the input was unreadable (all that
could be read is written); 2 usage; 3 findings (review).

Examples:
  portannot -r testdata/captures/demo.pcap
  portannot -r testdata/captures/demo.pcap --status unassigned,reserved
  portannot -r testdata/captures/demo.pcap -o json | head -1
  portannot -r testdata/captures/demo.pcap --verdict contradicts
  portannot -r testdata/captures/demo.pcap -f 'udp port 53' -w dns.pcapng
  portannot -D
  portannot lookup 4739/sctp
`
