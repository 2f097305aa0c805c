# SPDX-License-Identifier: Apache-2.0
# The front door: every verb is a line that calls CMake presets or a program of tools/.
SHELL := /bin/bash
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
ARGS ?=
SECONDS_EACH ?= 30

.DEFAULT_GOAL := help
.PHONY: aws-acceptance help run build test test-unit test-long conformance
.PHONY: e2e lint fmt bench bench-peers fuzz fuzz-promql web ci clean hooks dev

help: ## list the verbs
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | \
	  awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

run: ## build, then serve with live dashboards until Ctrl-C (ARGS=… go to hearth serve)
	@tools/run $(ARGS)

build: web ## the program, as build/release/hearth
	@tools/build release hearth

dev: ## everything in debug with sanitizers, under build/dev
	@tools/setup build
	@tools/build dev all

test: ## everything that must hold before a change lands
	@tools/setup build web test
	@tools/run_tests.py

test-unit: ## the unit tests of src/ and tools/ only
	@tools/setup build
	@tools/run_tests.py --only unit

test-long: ## what takes longer: tsan, clang, many kills, many mutations
	@tools/setup build web test lint
	@tools/run_tests.py --long

conformance: ## PromQL: our .test files, and Prometheus' where they are (HEARTH_PROMQLTEST_DIR)
	@tools/setup build
	@tools/build release promql_conformance
	@build/release/promql_conformance -v $(ARGS)

e2e: ## the tests over the wire and in the browser only
	@tools/setup build web test
	@tools/run_tests.py --only wire,ui

lint: ## layers, layout, header sets, compile-time budget
	@tools/setup build lint
	@tools/lint

fmt: ## lay out our C++ as .clang-format says
	@tools/setup lint
	@tools/lint --format

bench: web ## measure: ns per sample, µs per query (ARGS=… go to bench/run)
	@tools/setup test
	@tools/build release hearth load_generator all_benches
	@bench/run $(ARGS)

bench-peers: web ## measure beside Prometheus and VictoriaMetrics (ARGS=--quick or --only …)
	@tools/setup test --peers
	@tools/build release hearth load_generator promql_bench
	@bench/peers $(ARGS)

fuzz-promql: ## COUNT (10000) random queries, hearth against the current Prometheus or $PROMETHEUS
	@tools/setup test
	@tools/build release hearth
	@build/venv/bin/python test/promql_fuzz.py --count $(or $(COUNT),10000) $(ARGS)

fuzz: ## each fuzz target with libFuzzer for SECONDS_EACH (30)
	@tools/setup build lint
	@tools/run_tests.py --only libfuzzer --fuzz-seconds $(SECONDS_EACH)

web: ## the UI, where web/ changed
	@tools/setup build web
	@tools/build_web

aws-acceptance: ## apply the stack to a real AWS account (< 1 USD), use it, destroy it
	@tools/setup test
	@tools/aws_acceptance $(ARGS)

ci: ## what continuous integration runs
	@.ci/run

clean: ## remove what was built, keep what setup fetched
	rm -rf build/dev build/release build/tsan build/fuzz build/test-results web/dist build/web/stamp

hooks: ## install the git hook that lints before a commit
	@mkdir -p "$$(git rev-parse --git-path hooks)"
	@ln -sf "$$(pwd)/tools/pre-commit" "$$(git rev-parse --git-path hooks)/pre-commit"
	@echo "installed tools/pre-commit as a git hook"
