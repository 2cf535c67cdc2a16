# `make demo` shows it work, `make test` tests it. Both install what they need. `make help` lists the rest.

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/fleetscore
export CARGO_TARGET_DIR ?= $(CACHE)/target
# The profile of the programs, and the folder that they are built into.
PROFILE ?= release
BIN = $(CARGO_TARGET_DIR)/$(shell rustc -vV | sed -n 's/^host: //p')/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))

.PHONY: help build dashboard-scale fleetscore demo demo-stream demo-cluster cluster test lint unit browser pictures chart chart-cluster deny audit generate images builder-image scale bench bench-cluster bench-schedules soak-streams fuzz model ticks-oracle cases flink

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1|/' | column -t -s '|'

build: ## Build the programs that score: fleetscore, and scorer, which runs in pods.
	@scripts/install.sh build
	@scripts/build.sh $(PROFILE) cli scorer

fleetscore:
	@scripts/install.sh build
	@scripts/build.sh $(PROFILE) cli

# A demo is for the first minutes: it is built quickly, and fast enough for its small fleet.
demo demo-stream demo-cluster: PROFILE = quick

demo: fleetscore ## Simulate a plant of 200 sensors, train, score it and show where the report is.
	@scripts/demo.sh $(BIN)/fleetscore

demo-stream: fleetscore ## The same from events: a Kafka broker, a stream that publishes readings, a run that waits for them.
	@scripts/install.sh broker
	@scripts/with-broker.sh scripts/demo-stream.sh $(BIN)/fleetscore

demo-cluster: images ## The same in pods, on a cluster on this machine (root on Linux; the first time builds for long).
	@scripts/install.sh node broker cluster
	@scripts/cluster-demo.sh $(BIN)/fleetscore

test: lint unit browser chart deny ## Run every test.

lint:
	@scripts/install.sh build
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	scripts/features-test.sh
	scripts/module_circles.py operator/src scorer/src/predictions scorer/src/steps/score \
	  scorer/src/models/svm/kernels scorer/src/models/transforms scorer/src/models/formats/sklearn scorer/src/models/formats/native

unit:
	@scripts/install.sh build node python broker
	scripts/with-azurite.sh scripts/with-broker.sh cargo test --locked --workspace --all-features

browser:
	@scripts/install.sh build node chromium java
	scripts/browser-test.sh

pictures: ## Take the pictures of the dashboard for the README anew.
	@scripts/install.sh build node chromium
	scripts/browser-test.sh pictures docs/pictures

chart:
	@scripts/install.sh build shell
	shellcheck scripts/*.sh
	scripts/chart-test.sh
	scripts/alerts-test.sh

cluster: images ## Test runs on a real cluster: failures, outages, crashes (root on Linux; NAMES="batchai ..." for some).
	@scripts/install.sh node broker python-image cluster
	FLEETSCORE=$(BIN)/fleetscore tests/cluster/test.sh $(NAMES)

chart-cluster: images ## Install, upgrade and remove the chart on a test cluster of its own (root on Linux).
	scripts/chart-cluster-test.sh

deny:
	@scripts/install.sh build
	scripts/deny.sh bans licenses sources

audit: ## Check the dependencies for security advisories, where their database can be fetched.
	scripts/deny.sh advisories

generate: ## Write the generated files again: CRDs, reference, schema.
	cargo build --locked --workspace --all-features --examples
	$(CARGO_TARGET_DIR)/debug/examples/crdgen
	UPDATE=1 cargo test -q --locked --workspace --all-features --test report_schema --test dashboard_schema
	UPDATE=1 cargo test -q --locked --workspace --all-features -p fleetscore-cli --bin fleetscore -- kubectl::golden::the_schemas
	scripts/chart-generate.sh

images: ## Build all programs, and the images of the operator, the scorer and the streams' pods into the cache, with buildah.
	@scripts/install.sh build images
	scripts/images.sh "$$(scripts/build.sh $(PROFILE) cli scorer ingest operator)"

builder-image: ## Build an image from this machine's Rust and compile in it, as the Dockerfile does (heavy).
	@scripts/install.sh build images
	scripts/builder-image.sh

scale: fleetscore ## Score 5 million rows and 5,000 sensors, and check time and memory (minutes).
	scripts/scale.sh $(BIN)/fleetscore

dashboard-scale: build ## Show 100,000 sensors by 48 runs, and check time, memory and size (minutes; SENSORS=20000 RUNS=48).
	cargo build --release --locked --workspace --all-features --example sample_history
	scripts/dashboard-scale.sh $(CARGO_TARGET_DIR)/release/examples/sample_history $(BIN)/fleetscore $(or $(SENSORS),100000) $(or $(RUNS),48)

bench: build ## Time it against the peers, and write docs/benchmarks.md (installs them into the cache; PARTS="processes files latency streams kernels models worker").
	@scripts/install.sh node broker flink
	scripts/build.sh $(PROFILE) cli scorer -- --example kernel_speed --example linfa_speed --example forest_speed
	bench/run.sh $(BIN)/fleetscore $(BIN)/examples $(PARTS)

bench-cluster: images ## Measure the operator at 10,000 pods on fake nodes (root on Linux; an hour or two on 2 cores).
	bench/cluster.sh $(BIN)/fleetscore-operator

bench-schedules: ## Measure 1,000 schedules that tick in one minute, and 1,000 CronJobs (root on Linux; 20 minutes).
	@scripts/install.sh build cluster
	scripts/build.sh $(PROFILE) cli scorer operator
	bench/schedules.sh $(BIN)/fleetscore-operator

flink: ## Compare what an exported stream publishes with Flink 1.20 (minutes; installs Flink into the cache).
	@scripts/install.sh build node broker flink
	FLEETSCORE_FLINK=$(CURDIR)/scripts/flink.sh scripts/with-broker.sh cargo test --locked --workspace --all-features --test flink -- --test-threads 1

cases: build ## Run it over inputs that people have and print what it says of each (CASES=folder of case folders; its own without).
	@scripts/install.sh node
	scripts/with-azurite.sh scripts/cases.sh $(BIN)/fleetscore $(CASES)

soak-streams: ## Kill, freeze and cut off streams' processes, their storage and their hub for longer than `test` does (minutes).
	@scripts/install.sh build node broker
	FLEETSCORE_SOAK=1 scripts/with-azurite.sh scripts/with-broker.sh cargo test --locked --workspace --all-features --test stream_faults

fuzz: ## Feed arbitrary and damaged bytes to every parser for longer than `test` does (minutes).
	PROPTEST_CASES=$(or $(CASES),20000) cargo test --locked --workspace --all-features -- harmless any_bytes any_text damaged no_bytes

model: ## Play random histories of schedules, of two runs at one place, crashes and edits for longer than `test` does (minutes; CASES=20000 from SEED=2).
	PROPTEST_RNG_SEED=$(or $(SEED),2) PROPTEST_CASES=$(or $(CASES),20000) cargo test --locked --workspace --all-features --lib -- schedule::model place::model

ticks-oracle: ## Compare schedules' ticks with cronsim's, COUNT=200000 times from SEED=1 (minutes; installs cronsim into the cache).
	cargo build --locked --workspace --all-features --example ticks
	ticks/tests/oracle/run.sh $(CARGO_TARGET_DIR)/debug/examples/ticks $(or $(COUNT),200000) $(or $(SEED),1)
