#!/usr/bin/env bash
# Checks style, types, Dockerfiles, scripts and configuration. `make lint` runs it in an environment that has the tools.
# A check whose tool is missing is skipped, and the output says so. With CI=true it fails.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
root=$PWD

failed=()

check() {
    local name=$1
    shift
    printf '%s\n' "== $name"
    "$@" || failed+=("$name")
}

without() {
    printf '%s\n' "== $1: skipped, $2"
    if [ "${CI:-}" = true ]; then failed+=("$1"); fi
}

engine() { docker info >/dev/null 2>&1; }

compose_config() {
    docker compose --env-file .env.example config --quiet
}

in_prometheus_image() {
    local image
    image=$( { grep -s '^PROMETHEUS_IMAGE=.' "$root/.env" || grep '^PROMETHEUS_IMAGE=' "$root/.env.example"; } | tail -n 1 | cut -d= -f2)
    docker run --rm --network none --volume "$PWD:/etc/prometheus:ro" --workdir /etc/prometheus --entrypoint promtool "$image" "$@"
}

promtool_checks() (
    cd monitoring/prometheus || exit
    mapfile -t tests < <(find . -path '*/tests/*' -name '*.y*ml')
    "$@" check config --lint=all prometheus.yml || exit
    if [ ${#tests[@]} -gt 0 ]; then "$@" test rules "${tests[@]}"; fi
)

check "ruff check" ruff check .
check "ruff format" ruff format --check --quiet .
packages=(-p serving_lab -p prediction_client)
for package in services/*/*/__init__.py; do packages+=(-p "$(basename "$(dirname "$package")")"); done
check "mypy, packages" mypy "${packages[@]}"
check "mypy, the rest" mypy loadtest/locustfile.py clients/generate.py deploy docs monitoring tests
mapfile -t dockerfiles < <(git ls-files '*Dockerfile' 2>/dev/null || find . -name '*Dockerfile' -not -path './.venv/*')
if command -v npm >/dev/null; then
    check "tsc" npm --silent --prefix clients/typescript run lint
else
    without "tsc" "there is no npm (apt-get install npm)"
fi
check "hadolint" hadolint "${dockerfiles[@]}"
check "shellcheck" shellcheck deploy/*.sh
if docker compose version >/dev/null 2>&1; then
    check "docker compose config" compose_config
else
    without "docker compose config" "the docker compose plugin is missing (make engine)"
fi
if command -v promtool >/dev/null; then
    check "promtool" promtool_checks promtool
elif engine; then
    check "promtool" promtool_checks in_prometheus_image
else
    without "promtool" "there is neither promtool nor a container engine (apt-get install prometheus)"
fi

if [ ${#failed[@]} -gt 0 ]; then
    printf 'failed: %s\n' "$(IFS=,; printf '%s' "${failed[*]}")" >&2
    exit 1
fi
