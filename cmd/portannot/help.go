package main

const mainHelp = `portannot annotates the flows of network traffic with what the IANA port
registry says of their ports: registered names, and whether a port is assigned,
reserved, unassigned or dynamic. It says which end is the service, and why.

A registered port says nothing of what the traffic really is.

Usage:
  portannot -r FILE... [flags]      annotate the flows of captures
  portannot COMMAND [flags]

Commands:
  lookup       say what the registry says of ports or names
  registry     inspect, check, compare, export and update the registry
  version      print the version
  completion   print a completion script for a shell

Input:
  -r, --read FILE         capture file, pcap or pcapng, also compressed; may be
                          given again; - is standard input. Names without a
                          flag are capture files too.
      --tunnels WHICH     both (default), inner or outer flows of tunnels

Output, on standard output; all messages go to standard error:
  -o, --output FORMAT     text (default), json (one object a line) or csv
      --sort KEY          start (default: order of first packets), end, duration,
                          packets or bytes, the greatest first
      --color WHEN        auto (default), always or never; NO_COLOR is honoured
  -q, --quiet             no summary

Selection; a flag may be given again or take a list, a,b:
      --transport NAME    tcp, udp, udplite, sctp or dccp
      --port PORT         of either end: 443 or 4690-4700
      --status STATUS     of the service port: assigned, reserved, unassigned,
                          dynamic, unknown; of either port if no side is known
      --service NAME      registered name, or a name of --services

Names:
      --registry FILE     registry edition in any form that IANA publishes
                          (XML, CSV, text, HTML, also gzip), or "embedded"
      --services FILE     your own names, in the form of /etc/services; shown
                          as local, never mixed with registered names

Flows:
      --idle-timeout TIME end a flow after so long without a packet; default 5m,
                          0 is never
      --max-flows N       flows held in memory; default 4194304, about 176 bytes
                          each. When full, the longest idle flow is written early.

      --version           print the version
  -h, --help              print this help

Exit status: 0 done; 1 failure, or part of the input was unreadable (all that
could be read is written); 2 usage; 3 findings (review).

Examples:
  portannot -r testdata/captures/demo.pcap
  portannot -r testdata/captures/demo.pcap --status unassigned,reserved
  portannot -r testdata/captures/demo.pcap -o json | head -1
  portannot lookup 4739/sctp
`
