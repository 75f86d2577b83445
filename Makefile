# Targets for people and for .ci/run. `make help` lists them.

GO          ?= go
VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMAGE       ?= rollcall:local
PROJECT     ?= rollcall
COMPOSE     ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
FUZZTIME    ?= 10s
SEEDS       ?= 100000
HOURS       ?= 100
BENCH       ?= .
BENCHMARKS  ?= dist/benchmarks.txt
BENCHTIME   ?= 200ms
COUNT       ?= 6
CUTS        ?= 100
SEED        ?= 1
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
BENCHSTAT   := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
LDFLAGS     := -s -w -X main.version=$(VERSION)
COMPOSING   := ROLLCALL_IMAGE=$(IMAGE) $(COMPOSE) -p $(PROJECT) -f deploy/compose.yaml

.DEFAULT_GOAL := build

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: build
build: ## the binary, in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/rollcall ./cmd/rollcall

.PHONY: cross
cross: ## compile for the other systems
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/rollcall
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/rollcall
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/rollcall

.PHONY: test
test: ## every test that needs nothing but Go
	$(GO) test ./...

.PHONY: race
race: ## the same under the race detector
	$(GO) test -race ./...

.PHONY: e2e
e2e: ## real processes: crashes, pauses, partitions
	$(GO) test -tags e2e -count 1 -timeout 20m ./cmd/rollcall/e2e_test

.PHONY: powercut
powercut: ## cut the power of one, two, three nodes, CUTS times, from SEED (needs root and loop devices)
	ROLLCALL_POWERCUTS=$(CUTS) ROLLCALL_POWERCUT_SEED=$(SEED) $(GO) test -tags e2e -count 1 -timeout 24h -v -run '^TestPowerCut' ./cmd/rollcall/e2e_test

.PHONY: failpoints
failpoints: ## kill at every named failpoint of raftstore (builds with the tag failpoint)
	$(GO) vet -tags failpoint ./raftstore ./cmd/rollcall
	$(GO) test -tags failpoint -count 1 -timeout 10m -run '^(TestFailpoints|TestFailuresAreRead|TestVersionTellsOfFailpoints)$$' ./raftstore ./cmd/rollcall

.PHONY: e2e-docker
e2e-docker: ## three containers; starts an engine of its own where none runs
	.ci/with-docker $(GO) test -tags e2e_docker -count 1 -timeout 10m ./cmd/rollcall/e2e_test

.PHONY: nemesis
nemesis: build ## real processes, broken under a fleet of clients; as root. SEED=, SCENARIOS=kill,pause+delay,all,pairs, DURATION=, NODES=
	$(GO) build -o bin/nemesis ./cmd/internal/nemesis
	bin/nemesis $(if $(SEED),--seed $(SEED)) $(if $(SCENARIOS),--scenarios $(SCENARIOS)) $(if $(DURATION),--duration $(DURATION)) \
		$(if $(NODES),--nodes $(NODES))

.PHONY: sim
sim: ## the simulator, SEEDS of them
	$(GO) test -count 1 -timeout 60m ./registry/sim -run '^TestSeeds$$' -args -seeds $(SEEDS)

.PHONY: virtual
virtual: ## whole nodes under faults for HOURS of virtual time, files in memory; what clients were told is checked
	TMPDIR=$$(test -w /dev/shm && echo /dev/shm || echo $${TMPDIR:-/tmp}) GOGC=400 ROLLCALL_VIRTUAL_HOURS=$(HOURS) \
		$(GO) test -count 1 -timeout 60m ./cmd/internal/node -run '^TestVirtualHours$$' -v

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			GO='$(GO)' .ci/fuzz $$package $$target $(FUZZTIME) || exit 1; \
		done; \
	done

.PHONY: torture
torture: build ## all that breaks it on purpose, at length, as root: SEEDS, HOURS, CUTS, SEED, FUZZTIME; the nemesis in pairs for DURATION (30m)
	$(MAKE) sim
	$(MAKE) virtual
	$(MAKE) failpoints
	$(MAKE) powercut
	$(MAKE) nemesis SCENARIOS=pairs DURATION=$(or $(DURATION),30m)
	$(MAKE) fuzz

.PHONY: bench
bench: build ## how many heartbeats a second, on three processes on this machine (docs/benchmarks.md)
	deploy/bench.sh

.PHONY: bench-million
bench-million: build ## a million leases: memory, restart, and a tenth of them buried at once; ten minutes
	deploy/million.sh

.PHONY: benchmarks
benchmarks: ## the Go benchmarks of every hot path, into a file; BENCH is a pattern
	@mkdir -p $(dir $(BENCHMARKS))
	$(GO) test -run '^$$' -bench '$(BENCH)' -count $(COUNT) -benchtime $(BENCHTIME) -p 1 -timeout 120m ./... >$(BENCHMARKS) || { cat $(BENCHMARKS); exit 1; }
	@echo 'They stand in $(BENCHMARKS); make benchstat OLD=… NEW=… compares two such files.'

.PHONY: benchstat
benchstat: ## compare two files of make benchmarks: OLD=… NEW=…
	@test -n "$(OLD)" && test -n "$(NEW)" || { echo 'make benchstat OLD=before.txt NEW=after.txt'; exit 2; }
	$(GO) run $(BENCHSTAT) $(OLD) $(NEW)

.PHONY: bench-peers
bench-peers: build ## the same work against etcd and Redis; writes the table of docs/benchmarks.md. PEERS=, WORKS=, ROUNDS=, DURATION=, PORTS=
	CGO_ENABLED=0 $(GO) build -C deploy/peers -o ../../bin/peers .
	bin/peers --write docs/benchmarks.md $(if $(PEERS),--peers $(PEERS)) $(if $(WORKS),--works $(WORKS)) \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(DURATION),--duration $(DURATION)) $(if $(PORTS),--ports $(PORTS))

.PHONY: test-peers
test-peers: ## tests of what bench-peers runs, against those of rollcall, etcd and Redis that are there
	$(GO) test -C deploy/peers ./...

.PHONY: lint
lint: ## vet, staticcheck, gofumpt
	$(GO) vet ./...
	$(GO) vet -tags e2e,e2e_docker ./cmd/rollcall/...
	$(GO) run $(STATICCHECK) ./...
	$(GO) vet -C deploy/peers ./...
	cd deploy/peers && $(GO) run $(STATICCHECK) ./...
	@unformatted=$$($(GO) run $(GOFUMPT) -l .); test -z "$$unformatted" || { echo "gofumpt would change:"; echo "$$unformatted"; exit 1; }

.PHONY: image
image: ## the container image, without pulling anything; a binary that is up to date is not linked anew
	mkdir -p dist/image/tree/data
	CGO_ENABLED=0 GOOS=linux $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o dist/image/tree/rollcall ./cmd/rollcall
	docker build --quiet --tag $(IMAGE) --file deploy/Dockerfile dist/image

.PHONY: up
up: image ## three nodes in containers, and wait until they are healthy
	$(COMPOSING) up -d
	@deploy/wait-healthy.sh $$($(COMPOSING) ps -q)
	@echo 'Try: ROLLCALL_ADDR=http://127.0.0.1:7700,http://127.0.0.1:7710,http://127.0.0.1:7720 bin/rollcall cluster status'

.PHONY: down
down: ## stop them and forget their data
	$(COMPOSING) down --volumes --timeout 15
