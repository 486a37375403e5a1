#!/bin/sh
# Measures a member that annotates beside plain consuming and producing of the
# same records, each on core 0 alone, the broker on core 1, and prints how many
# times as long as the plain copy each takes, by the medians of the rounds. From
# the repository's root:
#
#	testdata/bench/kafka/run.sh [ROUNDS]
set -eu
rounds=${1:-3}
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
		for side in plain keyed enlarge portannot; do
			echo "$mode $side $(GOMAXPROCS=1 taskset -c 0 "$dir/kafka" "$side" "$address" "$mode")"
		done
	done
done | tee "$dir/results"
testdata/bench/kafka/ratios.sh <"$dir/results"
