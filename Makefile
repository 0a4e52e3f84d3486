# Variables can be set on the command line: make bench BENCH=Floor BENCHTIME=1s COUNT=10
GO        ?= go
BENCH     ?= .
BENCHTIME ?= 1x
COUNT     ?= 1
BENCHFLAGS ?=
RACEPKGS  ?= ./notify/... ./sim/server ./sim/live ./sim/record
SIMFLAGS  ?= --consumers 10000

.DEFAULT_GOAL := help
.PHONY: help build test race lint bench growth peers interop sim gate baseline ci

help: ## print this help
	@echo 'usage: make TARGET'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'full benchmark run: make bench BENCHTIME=1s COUNT=10 (also BENCH=REGEXP BENCHFLAGS=...)'

build: ## compile every package
	$(GO) build ./...

test: ## run all tests
	$(GO) test ./...

race: ## run the tests of RACEPKGS (default: the engine, the server, the live page, the recorder) and of the wall driver under the race detector
	$(GO) test -race $(RACEPKGS)
	$(GO) test -race -run 'Wall|Network_On|Repair|ALongRun|Wire' ./sim

lint: ## gofmt, go vet and staticcheck
	@out=$$(gofmt -l .) || exit 1; \
	if [ -n "$$out" ]; then echo "not gofmt'ed:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# Rounds come one after the other: -count would repeat each benchmark in its place, and what the
# machine does besides in that minute would be in its figure alone.
bench: ## run every benchmark once, as a smoke test
	@for i in $$(seq $(COUNT)); do \
		$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -timeout 1h $(BENCHFLAGS) ./bench/ || exit 1; \
	done

growth: ## measure how cost grows, and draw results/growth.svg (4 minutes)
	BENCH_PLANET=1 $(GO) test ./bench -run '^$$' -bench Growth -benchtime 200ms -count 5 -cpu 1,2 -timeout 1h >results/growth.txt
	$(GO) run ./bench/plot results/growth.txt --out results/growth.svg

# A module of its own, so that what it compares with stays out of this one.
peers: COUNT = 3
peers: BENCHTIME = 1s
peers: ## measure other engines beside this one and print a table (COUNT=3 BENCHTIME=1s: 8 minutes)
	@mkdir -p out; rm -f out/peers.txt
	@for i in $$(seq $(COUNT)); do \
		$(GO) -C bench/peers test -run '^$$' -bench . -benchtime $(BENCHTIME) -timeout 20m $(BENCHFLAGS) . \
			>>out/peers.txt || { tail out/peers.txt; exit 1; }; \
	done
	@$(GO) -C bench/peers run ./table <out/peers.txt

# A module of its own for the same reason. What it tests is built from this one, unknown to go test.
interop: COUNT = 3
interop: BENCHTIME = 5x
interop: ## test simulate serve with a real client, and measure what that sees (1 minute)
	$(GO) -C bench/interop test -count=1 .
	$(GO) -C bench/interop test -run '^$$' -bench . -benchtime $(BENCHTIME) -count $(COUNT) $(BENCHFLAGS) .

sim: ## run the main job: 10 000 consumers
	$(GO) run ./cmd/simulate $(SIMFLAGS)

# What the timed tier compares with, and on what: make gate BASE=HEAD~1 MACHINE=dedicated
BASE      ?= origin/main
MACHINE   ?= shared

# Built and not run with go, which has no exit code but 1: here 3 says that it can't be told.
gate: ## say whether this commit made it worse than BASE (1 minute; wants a clean tree)
	@mkdir -p out
	$(GO) build -o out/simulate ./cmd/simulate
	out/simulate gate --tier exact,counted,timed --base $(BASE) --machine $(MACHINE)

baseline: ## keep what this tree does in results/baseline; look at git diff
	$(GO) run ./cmd/simulate gate --update

ci: ## run everything that .ci/run does
	bash .ci/run
