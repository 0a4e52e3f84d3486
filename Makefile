# Variables can be set on the command line: make bench BENCH=Floor BENCHTIME=1s COUNT=10
GO        ?= go
BENCH     ?= .
BENCHTIME ?= 1x
COUNT     ?= 1
BENCHFLAGS ?=
RACEPKGS  ?= ./notify/...
SIMFLAGS  ?= --consumers 10000

.DEFAULT_GOAL := help
.PHONY: help build test race lint bench sim ci

help: ## print this help
	@echo 'usage: make TARGET'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'full benchmark run: make bench BENCHTIME=1s COUNT=10 (also BENCH=REGEXP BENCHFLAGS=...)'

build: ## compile every package
	$(GO) build ./...

test: ## run all tests
	$(GO) test ./...

race: ## run the tests of RACEPKGS (default: the engine) and of the wall driver under the race detector
	$(GO) test -race $(RACEPKGS)
	$(GO) test -race -run 'Wall|Network_On|Repair|ALongRun' ./sim

lint: ## gofmt, go vet and staticcheck
	@out=$$(gofmt -l .) || exit 1; \
	if [ -n "$$out" ]; then echo "not gofmt'ed:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

bench: ## run every benchmark once, as a smoke test
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -count $(COUNT) -timeout 1h $(BENCHFLAGS) ./bench/

sim: ## run the main job: 10 000 consumers
	$(GO) run ./cmd/simulate $(SIMFLAGS)

ci: ## run everything that .ci/run does
	bash .ci/run
