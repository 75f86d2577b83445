#!/bin/sh
# A million leases on three nodes on this machine: granted, kept in memory and on
# disk, listed, read again by a node that was killed; then a tenth as many beside
# them fall silent at once while others are renewed. LEASES (1000000) and SILENT (a
# tenth) are how many, TTL (30s) is that of the silent. What it prints is in
# docs/benchmarks.md.
set -eu

rollcall=${ROLLCALL:-bin/rollcall}
leases=${LEASES:-1000000}
silent=${SILENT:-$((leases / 10))}
ttl=${TTL:-30s}
root=$(mktemp -d)
endpoints=http://127.0.0.1:17900,http://127.0.0.1:17910,http://127.0.0.1:17920

# start N runs node N and leaves its process id in pid_N.
start() {
	"$rollcall" server --node-id "n$1" --data-dir "$root/n$1" --bootstrap-expect 3 --log-level warn \
		--http-addr "127.0.0.1:179${1}0" --raft-addr "127.0.0.1:179${1}1" --gossip-addr "127.0.0.1:179${1}2" \
		--join 127.0.0.1:17902,127.0.0.1:17912,127.0.0.1:17922 &
	eval "pid_$1=$!"
}
ready() {
	tries=0
	until "$rollcall" healthcheck --addr "http://127.0.0.1:179${1}0" >/dev/null 2>&1; do
		tries=$((tries + 1))
		test "$tries" -lt 1200 || { echo "n$1 is not ready within 60 s" >&2; exit 1; }
		sleep 0.05
	done
}
cluster() {
	for n in 0 1 2; do start "$n"; done
	for n in 0 1 2; do ready "$n"; done
}
down() {
	kill -9 "${pid_0:-}" "${pid_1:-}" "${pid_2:-}" 2>/dev/null || true
	wait || true
	rm -rf "$root"/n?
}
trap 'down; rm -rf "$root"' EXIT
trap 'exit 130' INT TERM

metric() { curl -s "http://127.0.0.1:179${1}0/metrics" | awk -v name="$2" '$1 == name { printf "%.0f", $2 }'; }
milliseconds() { date +%s%3N; }
bench() {
	echo
	echo "rollcall bench $*"
	"$rollcall" bench "$@" --endpoints "$endpoints"
}

cluster
for n in 0 1 2; do eval "before_$n=$(metric "$n" process_resident_memory_bytes)"; done
bench grant --leases "$leases" --workers 128 --ttl 1h --keep

echo
echo "memory and disk of a node, bytes a lease"
for n in 0 1 2; do
	eval "before=\$before_$n pid=\$pid_$n"
	after=$(metric "$n" process_resident_memory_bytes)
	# Pages of the mapped files count as resident, but are the system's to take back.
	own=$(awk '/^RssAnon/ { print $2 * 1024 }' "/proc/$pid/status" 2>/dev/null || echo 0)
	echo "n$n: resident $(((after - before) / leases)), of that its own $((own / leases)), heap $(($(metric "$n" go_memstats_heap_inuse_bytes) / leases)), state.db $(($(stat -c %s "$root/n$n/state.db") / leases)), raft.db $(($(stat -c %s "$root/n$n/raft.db") / leases))"
done

bench list --leases 1000 --workers 32 --duration 5s

kill -9 "$pid_2"
wait "$pid_2" 2>/dev/null || true
began=$(milliseconds)
start 2
ready 2
echo
echo "n2 was killed with $leases leases and is ready $(($(milliseconds) - began)) ms after its start"

bench storm --leases $((silent + silent / 10)) --silent "$silent" --ttl "$ttl"
