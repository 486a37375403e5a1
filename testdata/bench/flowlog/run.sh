#!/usr/bin/env bash
# Times `portannot enrich` beside a pass of awk, jq and wc over the same logs.
#
#   testdata/bench/flowlog/run.sh [MEBIBYTES] [ROUNDS]
#
# DIR holds the logs and the program; memory is best. Output goes to /dev/null.
# The rounds take turns, so that what else the machine does hits all alike.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
size=${1:-1024} rounds=${2:-3}
dir=${DIR:-/dev/shm/portannot-bench-flowlog}
mkdir -p "$dir"
CGO_ENABLED=0 go build -o "$dir/portannot" ./cmd/portannot
go build -o "$dir/gen" ./testdata/bench/flowlog/gen
cd "$dir"
for form in zeek eve; do
	[[ -s $form.$size ]] || ./gen -form $form -bytes $((size << 20)) >$form.$size
done

# race FILE NAME=COMMAND... : the best wall and processor time of each command
# over all rounds, and the greatest memory.
race() {
	local file=$1 i c name wall cpu kib
	shift
	declare -A best_wall best_cpu most
	for ((i = 0; i < rounds; i++)); do
		for c in "$@"; do
			name=${c%%=*}
			read -r wall cpu kib < <({ /usr/bin/time -f '%e %U %S %M' -o >(awk '{ print $1, $2 + $3, $4 }') bash -c "exec ${c#*=}" <"$file" >/dev/null 2>&1; } | tail -1)
			best_wall[$name]=$(awk -v a="$wall" -v b="${best_wall[$name]:-1e9}" 'BEGIN { print (a < b) ? a : b }')
			best_cpu[$name]=$(awk -v a="$cpu" -v b="${best_cpu[$name]:-1e9}" 'BEGIN { print (a < b) ? a : b }')
			most[$name]=$(awk -v a="$kib" -v b="${most[$name]:-0}" 'BEGIN { print (a > b) ? a : b }')
		done
	done
	for c in "$@"; do
		name=${c%%=*}
		awk -v n="$name" -v w="${best_wall[$name]}" -v c="${best_cpu[$name]}" -v m="${most[$name]}" -v s="$(stat -c %s "$file")" \
			'BEGIN { printf "%-32s %8.2f s wall %8.2f s cpu %8.0f MB/s %8.0f MiB\n", n, w, c, s / 1e6 / (w > 0 ? w : 0.005), m / 1024 }'
	done
}

# What zeek-cut does: find the columns, print some of them.
cut='BEGIN { FS = OFS = "\t" } /^#/ { next } { print $1, $3, $4, $5, $6, $7 }'

echo "Zeek TSV, $size MiB, $(nproc) processors, best of $rounds"
race zeek.$size 'wc -l=wc -l' "awk, six columns (mawk)=mawk '$cut'" \
	'portannot enrich=./portannot enrich -q -' 'portannot enrich --unexpected=./portannot enrich -q --unexpected -'
echo
echo "EVE JSON, $size MiB"
race eve.$size 'wc -l=wc -l' 'jq -c=jq -c .' \
	'portannot enrich=./portannot enrich -q -' 'portannot enrich --unexpected=./portannot enrich -q --unexpected -'
