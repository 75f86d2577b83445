#!/bin/sh
# Three nodes as processes on this machine, and the load driver beside them: the
# runs behind docs/benchmarks.md. DURATION (30s) is that of each run.
set -eu

rollcall=${ROLLCALL:-bin/rollcall}
duration=${DURATION:-30s}
root=$(mktemp -d)
nodes=
stop() {
	# shellcheck disable=SC2086 # one word a process
	kill $nodes 2>/dev/null || true
	wait
	rm -rf "$root"
}
trap stop EXIT

for n in 0 1 2; do
	"$rollcall" server --node-id "n$n" --data-dir "$root/n$n" --bootstrap-expect 3 --log-level warn \
		--http-addr "127.0.0.1:179${n}0" --raft-addr "127.0.0.1:179${n}1" --gossip-addr "127.0.0.1:179${n}2" \
		--join 127.0.0.1:17902,127.0.0.1:17912,127.0.0.1:17922 &
	nodes="$nodes $!"
done
for n in 0 1 2; do
	tries=0
	until "$rollcall" healthcheck --addr "http://127.0.0.1:179${n}0" >/dev/null 2>&1; do
		tries=$((tries + 1))
		test "$tries" -lt 300 || { echo "n$n is not ready within 30 s" >&2; exit 1; }
		sleep 0.1
	done
done

endpoints=http://127.0.0.1:17900,http://127.0.0.1:17910,http://127.0.0.1:17920
bench() {
	echo
	echo "rollcall bench $*"
	"$rollcall" bench "$@" --endpoints "$endpoints" --duration "$duration"
}

bench --leases 10000 --workers 512
bench --leases 100000 --workers 16 --mode batch --batch 1000
bench --leases 100000 --workers 16 --mode batch --batch 1000 --codec cbor
bench --leases 100000 --workers 16 --mode batch --batch 1000 --codec binary
bench --leases 10000 --workers 64 --mode session --pipeline 100
bench --leases 10000 --workers 64 --mode session --pipeline 100 --codec cbor
bench watch --watchers 500 --every 1s
scenario() {
	echo
	echo "rollcall bench $*"
	"$rollcall" bench "$@" --endpoints "$endpoints"
}
scenario mail --senders 64 --mailboxes 100 --messages 50000
scenario mail --senders 64 --mailboxes 100 --messages 50000 --together
