# `make` lists all targets. It needs only python3 (3.11 to 3.14) and make: deploy/bootstrap.py fetches uv, and uv fetches the
# rest. Each target is one line that calls code in loadtest/serving_lab/ or deploy/.
PYTHON ?= python3
UV := $(PYTHON) deploy/bootstrap.py
LAB := $(UV) run --frozen --no-dev --package serving-lab --all-extras lab
DEV := $(UV) run --frozen --all-packages --all-extras

.DEFAULT_GOAL := help
.PHONY: help tour up down restart ps logs urls token load parity bench model report checklist footprint rollout doctor build engine base-images install test \
	test-unit test-service test-browser test-stack test-proof \
	exercise reload-proof restart-proof parity-proof rollout-proof model-proof kubernetes-proof selftest gate-proof explain-proof hostile bench-services bench-parity bench-async bench-tap bench-joining scaling \
	lint docs clients dashboards images-push manifests dashboard-pictures format lock clean

##@ The lab  (MODE=containers|native|kubernetes sets how it runs, by default what this machine can do; you can add settings of .env: WORKERS=2)
tour: ## New here? Walk through the lab in ten minutes; asks before each command unless YES=1
	@YES=$(YES) $(LAB) tour $(if $(MODE),--mode $(MODE))
up: ## Start the lab and show where everything is; creates .env if it is missing; LOCUST_WORKERS=4; MODE=kubernetes asks first unless YES=1
	@$(LAB) up $(if $(MODE),--mode $(MODE))
down: ## Stop it and remove its processes, containers, volumes, and logs
	@$(LAB) down
restart: ## Restart a service without downtime: SERVICE=flask-api; or, one after the other, all, and what else runs but the gateway
	@$(LAB) restart $(SERVICE)
ps: ## Show each service: state, health, port, process, memory
	@$(LAB) ps
logs: ## Follow all logs, or those of one service: SERVICE=flask-api; FOLLOW=0 prints them and exits
	@$(LAB) logs $(if $(filter 0,$(FOLLOW)),--no-follow) $(SERVICE)
urls: ## Show where everything is and what to do there
	@$(LAB) urls
token: ## Sign in and print a token for all services
	@$(LAB) token
load: ## Send load, and fail on wrong answers; USERS=20 RATE=5 (users per second) DURATION=1m, or LOAD_SHAPE=ramp
	@$(LAB) load $(if $(USERS),--users $(USERS)) $(if $(RATE),--rate $(RATE)) $(if $(DURATION),--duration $(DURATION))
parity: ## Check that each candidate answers like the baseline, report in results/; GENERATE=10000 REPEAT=3 SEED=1
	@$(LAB) parity $(if $(GENERATE),--generate $(GENERATE)) $(if $(REPEAT),--repeat $(REPEAT)) $(if $(SEED),--seed $(SEED))
bench: ## Measure which service is better, and how sure that is; SCENARIOS='steady knee' BUDGET=10m FAIL_IF=slower; PAIRS=20 SECONDS=10 instead of a budget; EXPLAIN=1 names functions
	@$(LAB) bench $(addprefix --scenario ,$(SCENARIOS)) $(if $(BUDGET),--budget $(BUDGET)) $(if $(EXPLAIN),--explain) $(if $(PAIRS),--pairs $(PAIRS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(addprefix --fail-if ,$(FAIL_IF))
rollout: ## Move traffic at the gateway over to a candidate, as long as a judge agrees; FILE=stages.yaml CANDIDATE=name; DO=status, abort or resume
	@$(LAB) rollout $(or $(DO),run) $(if $(filter-out run resume,$(DO)),,$(FILE) $(if $(CANDIDATE),--candidate $(CANDIDATE)))
model: ## The life of a model, with COMPOSE_PROFILES=registry: DO=push DIR=build/model; DO=list; DO=promote VERSION=2; DO=rollback; DO='diff 1 2'
	@$(LAB) model $(DO) $(if $(filter push,$(DO)),$(DIR)) $(if $(filter promote,$(DO)),$(VERSION)) $(ARGS)
report: ## Write a page and a document from results/: recommendation, plots, conditions, open questions
	@$(LAB) report
checklist: ## Show how far the migration is: which boxes evidence in results/ ticks, and what ticks the others; REQUIRE=all
	@$(LAB) checklist $(addprefix --require ,$(REQUIRE))
footprint: ## Measure images, start-up, memory, CPU time, and code; STARTS=20 ROUNDS=5 SECONDS=30
	@$(LAB) footprint $(if $(STARTS),--starts $(STARTS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))
doctor: ## Check what `make up` needs, and say how to fix problems
	@$(LAB) doctor $(if $(MODE),--mode $(MODE))

##@ The machine
build: ## Build the images; on the host, install the services and train the model
	@$(LAB) build $(if $(MODE),--mode $(MODE))
engine: ## Set up a container engine on Debian or Ubuntu; asks first unless YES=1
	@YES=$(YES) deploy/engine.sh
base-images: ## Build the base images from Debian packages, if no registry can be reached
	@YES=$(YES) deploy/base-images.sh
clean: ## Stop the lab and remove everything that was built: images, model, caches; keeps .env
	@$(LAB) clean
	@rm -rf build .*_cache .hypothesis clients/typescript/node_modules clients/typescript/dist

##@ Development
install: ## Install everything into .venv
	@$(UV) sync --frozen --all-packages --all-extras
test: ## Run every test that this machine can run; ARGS='-k login' selects some; ARGS='-n 0' runs one at a time
	@$(DEV) pytest -n auto --dist loadfile $(if $(TIER),-m $(TIER)) $(ARGS)
test-unit: ## Run the tests that start neither services nor browsers, in about a minute
test-service: ## Run the tests that start services, servers, or commands, or compute for a long time
test-browser: ## Run the tests that need a browser
test-stack: ## Run the tests that start the whole lab, on the host and in containers
test-proof: ## Run short proofs of the laboratory itself
test-unit test-service test-browser test-stack test-proof: test-%:
	@$(MAKE) --no-print-directory test TIER=$*
parity-proof: ## Prove `lab parity` at full length: 5,000 requests three times, httpbin, 10,000 to both services; a quarter of an hour
	@PARITY_GENERATE=5000 PARITY_TIMES=3 PARITY_GENERATE_BOTH=10000 $(DEV) pytest tests/parity/test_same.py tests/parity/test_others.py tests/parity/test_services.py
restart-proof: ## Prove that nobody notices `make restart`: each service 20 times under load, in about ten minutes; TIMES=100
	@RESTARTS=$(or $(TIMES),20) $(DEV) pytest -n 0 -rP tests/lab/test_gateway.py -k nobody_notices
reload-proof: ## Prove that nobody notices a new model: each service takes 20 under load, in a few minutes; TIMES=100
	@RELOADS=$(or $(TIMES),20) $(DEV) pytest -n 0 -rP tests/reload/test_reload.py
rollout-proof: ## Prove `lab rollout` at full length: planted candidates, ten times each behind a real gateway; about an hour; TIMES=3 NAMED=slower
	@PYTHONPATH=tests $(DEV) python -m rollout $(if $(TIMES),--times $(TIMES)) $(if $(SIMULATED),--simulated $(SIMULATED)) $(if $(NAMED),--named '$(NAMED)')
model-proof: ## Prove that `lab model judge` refuses what is worse: planted faults and honest versions, ten of each, in about ten minutes; TIMES=3
	@MODEL_PROOF=$(or $(TIMES),10) $(DEV) pytest -n 0 -rP tests/model_judge/test_planted.py
kubernetes-proof: ## Prove the manifests with the whole contract: `podman kube play` starts the services from them, in a few minutes
	@KUBERNETES_CONTRACT=whole $(DEV) pytest -n 0 tests/stack/test_kubernetes.py
selftest: ## Prove `lab bench` at full length: false alarms, power, stalls, knee, refusals; about an hour
	@SELFTEST=full $(DEV) pytest --capture=sys -p no:cacheprovider tests/selftest $(ARGS)
gate-proof: ## Prove `lab gate` at full length: gates without a change, planted 10%, contract breaks, kills; hours; TIMES=3 NAMED=break
	@GATE_PROOF=full $(DEV) pytest -n 0 tests/gate/test_judgement.py
	@PYTHONPATH=tests $(DEV) python -m gate $(if $(TIMES),--times $(TIMES)) $(if $(NAMED),--named '$(NAMED)')
explain-proof: ## Prove `lab bench --explain`: a loop of 100 us planted in a handler, and services against themselves; half an hour; ROUNDS=3
	@PYTHONPATH=tests $(DEV) python -m explain $(if $(ROUNDS),--rounds $(ROUNDS))
hostile: ## Send 100,000 generated bad requests to each service and watch it, in about a quarter of an hour; COUNT=10000 SEED=2
	@HOSTILE=$(or $(COUNT),100000) $(if $(SEED),HOSTILE_SEED=$(SEED)) $(DEV) pytest -n 0 --capture=no tests/hostile
bench-services: ## Measure how much of what its framework can do each service keeps; ROUNDS=5 SECONDS=3 SERVICE=flask-api; needs wrk
	@PYTHONPATH=tests $(DEV) python -m benchmark $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) $(addprefix --service ,$(SERVICE))
bench-parity: ## Measure how many generated requests parity compares in a second, beside schemathesis; ROUNDS=3 GENERATE=10000
	@PYTHONPATH=tests $(DEV) python -m benchmark.generated $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(GENERATE),--generate $(GENERATE))
bench-async: ## Measure where async helps and where it does not, on the endpoints of docs/migration-guide.md; ROUNDS=3 SECONDS=10
	@PYTHONPATH=tests $(DEV) python -m benchmark.waiting $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))
bench-tap: ## Measure what `lab tap` adds to a request and costs, beside proxies that record nothing; ROUNDS=5 SECONDS=3
	@PYTHONPATH=tests $(DEV) python -m benchmark.tapped $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))
bench-joining: ## Measure what it costs to join the samples of many generators; GENERATORS=16 SAMPLES=10000000 ROUNDS=3
	@PYTHONPATH=tests $(DEV) python -m benchmark.joining $(if $(GENERATORS),--generators $(GENERATORS)) $(if $(SAMPLES),--samples $(SAMPLES)) $(if $(ROUNDS),--rounds $(ROUNDS))
scaling: ## Measure how cost and throughput grow with workers, instances, and shared caches, and fill docs/scaling.md; ROUNDS=3 SECONDS=3; FILL=1 only fills it
	@PYTHONPATH=tests $(DEV) python -m benchmark.scaling $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(FILL),--fill)
lint: ## Check style, types, Dockerfiles, scripts, and configuration; with CI=true, a missing tool is an error
	@$(DEV) deploy/lint.sh
clients: ## Write clients/openapi.json and the generated part of both clients; needs npm
	@$(DEV) python clients/generate.py
docs: ## Build the documentation as a site in build/docs/site, which needs no network; SERVE=8088 serves it on that port
	@$(DEV) python docs/site/build.py $(if $(SERVE),--serve $(SERVE))
dashboards: ## Write Grafana's dashboards from monitoring/grafana_dashboards
	@PYTHONPATH=monitoring $(DEV) python -m grafana_dashboards
images-push: ## Push the images to a registry, and pin their digests in deploy/kubernetes; REGISTRY=registry.example.org/team
	@PYTHONPATH=deploy $(DEV) python -m kubernetes_manifests.images $(REGISTRY)
manifests: ## Write the manifests for Kubernetes in deploy/kubernetes from compose.yaml, .env.example and the catalogue
	@PYTHONPATH=deploy $(DEV) python -m kubernetes_manifests
exercise: ## Fill the tables of docs/exercise.md from docs/results; FROM=results takes over what was measured there
	@PYTHONPATH=tests $(DEV) python -m exercise $(FROM)
dashboard-pictures: ## Draw every dashboard with Grafana's own components into build/screenshots: three widths, both themes; needs npm, 450 MB
	@PICTURES=all $(DEV) pytest -n 0 tests/browser/test_dashboards.py
format: ## Format the code
	@$(DEV) ruff format .
	@$(DEV) ruff check --fix-only .
lock: ## Update uv.lock from the pyproject.toml files
	@$(UV) lock

help:
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-19s %s\n", $$1, $$2}' Makefile
