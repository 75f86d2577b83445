#!/bin/sh
# Waits until every container named is healthy, at most 60 s.
set -eu

for _ in $(seq 300); do
	healthy=yes
	for container in "$@"; do
		if [ "$(docker inspect --format '{{.State.Health.Status}}' "$container")" != healthy ]; then
			healthy=no
		fi
	done
	if [ "$healthy" = yes ]; then
		echo "$# containers are healthy"
		exit 0
	fi
	sleep 0.2
done
echo "not healthy within 60 s; see: docker logs $1" >&2
exit 1
