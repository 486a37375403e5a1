#!/usr/bin/env bash
# Times `portannot enrich` beside a pass of awk, jq and wc over the same logs.
#
#   testdata/bench/flowlog/run.sh [MEBIBYTES] [ROUNDS]
#
# DIR holds the logs and the program; memory is best. Output goes to /dev/null
# by a pipe, so that every program writes what it makes.
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

# time_of NAME FILE COMMAND... : the best of the rounds, as seconds and MB/s, and
# the greatest memory, where time(1) can tell.
time_of() {
	local name=$1 file=$2 best=999999 took from to i memory=-
	shift 2
	for ((i = 0; i < rounds; i++)); do
		from=$(date +%s%N)
		"$@" <"$file" 2>/dev/null | cat >/dev/null
		to=$(date +%s%N)
		took=$(((to - from) / 1000000))
		((took < best)) && best=$took
	done
	if [[ -x /usr/bin/time ]]; then
		memory=$( { /usr/bin/time -f '%M KiB' "$@" <"$file" >/dev/null 2>/dev/null; } 2>&1 | tail -1)
	fi
	printf '%-34s %8.2f s %8.0f MB/s  %s\n' "$name" "$(bc -l <<<"$best/1000")" "$(bc -l <<<"$(stat -c %s "$file")/1000/$best")" "$memory"
}

# What zeek-cut does: find the columns, print some of them.
cut='BEGIN { FS = OFS = "\t" } /^#/ { next } { print $1, $3, $4, $5, $6, $7 }'

echo "Zeek TSV, $size MiB, $(nproc) processors"
time_of 'wc -l' zeek.$size wc -l
time_of 'awk, six columns (mawk)' zeek.$size mawk "$cut"
time_of 'portannot enrich' zeek.$size ./portannot enrich -q -
time_of 'portannot enrich --unexpected' zeek.$size ./portannot enrich -q --unexpected -
echo
echo "EVE JSON, $size MiB"
time_of 'wc -l' eve.$size wc -l
time_of 'jq -c' eve.$size jq -c .
time_of 'portannot enrich' eve.$size ./portannot enrich -q -
time_of 'portannot enrich --unexpected' eve.$size ./portannot enrich -q --unexpected -
