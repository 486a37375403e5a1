#!/usr/bin/env bash
# Times `portannot review` beside the annotation of the same capture: alone, with a
# policy, with rules, and with both.
#
#   testdata/bench/review/run.sh [ROUNDS]
#
# DIR holds the capture and the programs (about 3.5 GB; memory is best). PORTANNOT is
# another binary to time. The rounds take turns.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../../.."
rounds=${1:-7}
dir=${DIR:-/dev/shm/portannot-bench-review}
mkdir -p "$dir"
[[ -n ${PORTANNOT:-} ]] || CGO_ENABLED=0 go build -o "$dir/portannot" ./cmd/portannot
go build -o "$dir/tracegen" ./testdata/bench/tracegen
go build -o "$dir/compare" ./testdata/bench/compare
program=${PORTANNOT:-$dir/portannot}
cd "$dir"
[[ -s mixed.pcap ]] || ./tracegen -shape mixed -packets 10000000 -flows 500000 -o mixed.pcap 2>/dev/null

policy="--policy $here/policy.yaml" rules="--rules $here/rules.save"
line() { printf '%s\t%s\n' "$1" "$program $2 -r mixed.pcap >/dev/null 2>&1"; }
{
	printf 'annotation, csv\t%s\n' "$program -r mixed.pcap -o csv >/dev/null 2>&1"
	printf 'annotation, text\t%s\n' "$program -r mixed.pcap >/dev/null 2>&1"
	line "review" "review"
	line "review, policy" "review $policy"
	line "review, rules" "review $rules"
	line "review, policy and rules" "review $policy $rules"
} | ./compare -n "$rounds" -title "10 million packets, 500,000 flows"
