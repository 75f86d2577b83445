#!/bin/sh
# Three nodes as processes on this machine, and the load driver beside them: the
# runs behind docs/benchmarks.md. DURATION (30s) is that of each run, of which
# there are RUNS (1); the figures of several are their medians.
set -eu

rollcall=${ROLLCALL:-bin/rollcall}
duration=${DURATION:-30s}
runs=${RUNS:-1}
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
scenario() {
	echo
	echo "rollcall bench $*"
	"$rollcall" bench "$@" --endpoints "$endpoints"
}
renew() { scenario renew "$@" --duration "$duration" --runs "$runs"; }

renew --leases 10000 --workers 512
renew --leases 100000 --workers 16 --mode batch --batch 1000
renew --leases 100000 --workers 16 --mode batch --batch 1000 --codec cbor
renew --leases 100000 --workers 16 --mode batch --batch 1000 --codec binary
renew --leases 10000 --workers 64 --mode session
renew --leases 10000 --workers 64 --mode session --pipeline 100
renew --leases 10000 --workers 64 --mode session --pipeline 100 --codec cbor
renew --leases 10000 --workers 512 --rate 5000
scenario grant --leases 50000 --workers 64 --runs "$runs"
scenario grant --leases 50000 --workers 64 --runs "$runs" --mode session --pipeline 16
scenario watch --watchers 500 --every 1s --duration "$duration"
scenario mail --senders 64 --mailboxes 100 --messages 50000
scenario mail --senders 64 --mailboxes 100 --messages 50000 --together
