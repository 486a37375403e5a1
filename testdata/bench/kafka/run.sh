#!/bin/sh
# Measures a member that annotates beside plain consuming and producing of the
# same records, each on core 0 alone, the broker on core 1, and prints how many
# times as long the member takes. From the repository's root:
#
#	testdata/bench/kafka/run.sh [ROUNDS]
set -eu
rounds=${1:-1}
dir=$(mktemp -d)
trap 'kill "$broker" 2>/dev/null || true; rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -o "$dir/kafka" ./testdata/bench/kafka
taskset -c 1 "$dir/kafka" broker >"$dir/address" &
broker=$!
while [ ! -s "$dir/address" ]; do sleep 0.1; done
address=$(cat "$dir/address")
for mode in alo eos; do
	i=0
	while [ "$i" -lt "$rounds" ]; do
		i=$((i + 1))
		plain=$(GOMAXPROCS=1 taskset -c 0 "$dir/kafka" plain "$address" "$mode")
		ours=$(GOMAXPROCS=1 taskset -c 0 "$dir/kafka" portannot "$address" "$mode")
		echo "$mode plain:     $plain"
		echo "$mode portannot: $ours"
		printf '%s\n%s\n' "$plain" "$ours" | awk -v mode="$mode" '{ wall[NR] = $5; cpu[NR] = $11 }
			END { printf "%s ratio: %.2f by time, %.2f by CPU\n", mode, wall[1] / wall[2], cpu[1] / cpu[2] }'
	done
done
