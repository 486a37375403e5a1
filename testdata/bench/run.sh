#!/usr/bin/env bash
# Times portannot against the floor and against the peers that are installed,
# and prints the tables of README.md.
#
#   testdata/bench/run.sh [ROUNDS]
#
# DIR holds the captures and the programs (about 4 GB; memory is best), default
# /dev/shm/portannot-bench. PEERS=fast leaves out those that take over a minute.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
rounds=${1:-5}
dir=${DIR:-/dev/shm/portannot-bench}
mkdir -p "$dir"

CGO_ENABLED=0 go build -o "$dir/portannot" ./cmd/portannot
go build -o "$dir/tracegen" ./testdata/bench/tracegen
go build -o "$dir/compare" ./testdata/bench/compare
gcc -O3 -march=native -pthread -o "$dir/flow" testdata/bench/floor/flow.c
cd "$dir"

make_capture() { # NAME FLAGS...
	local out=$1
	shift
	[[ -s $out ]] || ./tracegen "$@" -o "$out" 2>/dev/null
}
make_capture mixed.pcap -shape mixed -packets 4000000 -flows 200000
make_capture mixed.pcapng -ng -shape mixed -packets 4000000 -flows 200000
make_capture recognised.pcap -shape recognised -packets 4000000 -flows 200000
make_capture scan.pcap -shape scan -packets 3000000
make_capture elephant.pcap -shape elephant -packets 702000 -flows 50
make_capture small.pcap -shape mixed -packets 800000 -flows 40000
[[ -s small.pcap.gz ]] || gzip -k small.pcap
! command -v zstd >/dev/null || [[ -s small.pcap.zst ]] || zstd -q -k small.pcap

have() { command -v "$1" >/dev/null; }
line() { printf '%s\t%s\n' "$1" "$2"; }

# headers are the flags with which portannot does what the floor does, and the
# registry: it looks at no payload and at no other flow.
headers="--observe off --evidence-peers 0"

ours() { # FILE FORMAT...
	local f=$1 o
	shift
	for o in "$@"; do
		line "portannot, $o" "./portannot -q -r $f -o $o >/dev/null"
		line "portannot, $o, one core" "env GOMAXPROCS=1 ./portannot -q -r $f -o $o >/dev/null"
		line "portannot, $o, headers alone" "./portannot $headers -q -r $f -o $o >/dev/null"
		line "portannot, $o, headers alone, one core" "env GOMAXPROCS=1 ./portannot $headers -q -r $f -o $o >/dev/null"
	done
}

peers() { # FILE
	local f=$1
	! have capinfos || line "capinfos -c" "capinfos -c $f >/dev/null"
	! have tcpdump || line "tcpdump -w /dev/null" "tcpdump -r $f -w /dev/null 2>/dev/null"
	! have softflowd || line "softflowd" "softflowd -d -r $f -n 127.0.0.1:9 >/dev/null 2>&1"
	! have argus || ! have ra || line "Argus and ra" "argus -r $f -w - 2>/dev/null | ra -n -r - >/dev/null"
	! have nfpcapd || ! have nfdump ||
		line "nfpcapd and nfdump" "rm -rf nf; mkdir nf; nfpcapd -r $f -l nf >/dev/null 2>&1 && nfdump -R nf -o csv >/dev/null"
	! have ndpiReader || line "ndpiReader" "ndpiReader -i $f -q >/dev/null 2>&1"
	[[ ${PEERS:-} == fast ]] || {
		! have tcpdump || line "tcpdump -nn" "tcpdump -nn -r $f >/dev/null 2>&1"
		! have tshark || line "tshark, conversations" "tshark -n -q -o tcp.analyze_sequence_numbers:false -o tcp.desegment_tcp_streams:false -z conv,tcp -z conv,udp -z conv,sctp -r $f >/dev/null 2>&1"
		! have zeek || line "zeek" "zeek -C -r $f >/dev/null 2>&1"
		! have suricata || line "suricata" "suricata -r $f -l . -S /dev/null >/dev/null 2>&1"
	}
}

compare() { # TITLE
	cat "$1" >/dev/null 2>&1 || true # into the page cache
	./compare -n "$rounds" -title "$1"
	echo
}

{ line "floor" "./flow -r 512 mixed.pcap >/dev/null"; ours mixed.pcap csv json text; peers mixed.pcap; } | compare mixed.pcap
{ line "floor" "./flow -r 512 recognised.pcap >/dev/null"; ours recognised.pcap csv json; } | compare recognised.pcap
{ line "floor, on mixed.pcap" "./flow -r 512 mixed.pcap >/dev/null"; ours mixed.pcapng csv; } | compare mixed.pcapng
{ line "floor" "./flow -r 512 elephant.pcap >/dev/null"; ours elephant.pcap csv; peers elephant.pcap; } | compare elephant.pcap
{ line "floor, printing" "./flow -r 512 -p scan.pcap >/dev/null"; ours scan.pcap text csv json; peers scan.pcap; } | compare scan.pcap
{
	line "portannot, csv" "./portannot -q -r mixed.pcap -o csv >/dev/null"
	line "the same, -w of one port" "./portannot -q -r mixed.pcap -o csv --port 53 -w out.pcapng >/dev/null"
	line "the same, -w of all flows" "./portannot -q -r mixed.pcap -o csv -w out.pcapng >/dev/null"
} | compare mixed.pcap
rm -f out.pcapng
packed() { # FILE
	line "portannot, csv" "./portannot -q -r $1 -o csv >/dev/null"
	line "portannot, csv, headers alone" "./portannot $headers -q -r $1 -o csv >/dev/null"
}

{ line "gzip -dc" "gzip -dc small.pcap.gz >/dev/null"; packed small.pcap.gz; } | compare small.pcap.gz
! have zstd || { line "zstd -dc" "zstd -dc small.pcap.zst >/dev/null"; packed small.pcap.zst; } | compare small.pcap.zst
