#!/usr/bin/env bash
# Sets up a container engine (Docker with Compose v2 and Buildx) from the packages of Debian or Ubuntu.
# Usage: deploy/engine.sh [start | status | stop | help]
#   start   (the default) install what is missing and start the engine; asks first unless YES=1
#   status  show whether engine, Compose and Buildx answer; exit code 1 unless all of them do
#   stop    stop the engine that `start` started in the background, with all its containers
set -euo pipefail

readonly PIDFILE=/run/serving-lab-dockerd.pid
readonly LOGFILE=/var/log/serving-lab-dockerd.log
readonly SUITE_FILE=/etc/apt/sources.list.d/serving-lab-engine.sources
readonly PIN_FILE=/etc/apt/preferences.d/serving-lab-engine
readonly START_TIMEOUT_SECONDS=60

say() { printf '%s\n' "$*"; }
die() { printf 'engine: %s\n' "$*" >&2; exit 1; }

engine_answers() { docker info >/dev/null 2>&1; }
compose_answers() { case "$(docker compose version --short 2>/dev/null)" in v[2-9]* | [2-9]*) ;; *) return 1 ;; esac; }
buildx_answers() { docker buildx version >/dev/null 2>&1; }
all_answer() { engine_answers && compose_answers && buildx_answers; }

runs_systemd() { [ -d /run/systemd/system ]; }
runs_sysvinit() { [ "$(cat /proc/1/comm)" = init ] && [ -x /etc/init.d/docker ]; }

ours_runs() {
    local pid
    [ -r "$PIDFILE" ] && pid=$(cat "$PIDFILE") && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]
}

status() {
    local complete=0
    if engine_answers; then
        say "engine:  $(docker version --format '{{.Server.Version}}') answers (client $(docker version --format '{{.Client.Version}}'))"
    else
        say "engine:  none answers"; complete=1
    fi
    if compose_answers; then say "compose: $(docker compose version --short)"; else say "compose: no version 2 found"; complete=1; fi
    if buildx_answers; then say "buildx:  $(docker buildx version | cut -d' ' -f2)"; else say "buildx:  not found"; complete=1; fi
    if ours_runs; then say "started by this script: process $(cat "$PIDFILE"), log $LOGFILE"; fi
    return "$complete"
}

require_root() {
    [ "$(id -u)" = 0 ] || die "installing and starting an engine needs root. Run: sudo make engine"
}

stop() {
    local pid
    if ! ours_runs; then
        say "This script has not started an engine that still runs: nothing to stop."
        return
    fi
    require_root
    pid=$(cat "$PIDFILE")
    say "Stopping dockerd (process $pid) and the containers in it."
    kill -TERM "$pid"
    for _ in $(seq 300); do
        [ -d "/proc/$pid" ] || { say "Stopped."; return; }
        sleep 0.2
    done
    die "dockerd (process $pid) did not stop within 60 s; see $LOGFILE"
}

# Sets `packages`, and `foreign_suite` if they come from the next Debian release.
choose_packages() {
    # shellcheck source=/dev/null
    . /etc/os-release
    packages=()
    foreign_suite=
    local compose
    case "${ID:-}" in
        debian)
            compose=docker-compose
            case "${VERSION_CODENAME:-}" in
                bookworm) foreign_suite=trixie ;; # bookworm has Compose version 1 and no Buildx
                buster | bullseye) die "Debian $VERSION_CODENAME is too old: Debian 12 or newer is needed" ;;
            esac ;;
        ubuntu) compose=docker-compose-v2 ;;
        *) die "${PRETTY_NAME:-this system} is not supported here (Debian 12 or newer, Ubuntu 22.04 or newer are). Install Docker, Compose v2 and Buildx as its documentation says, or use: make up MODE=native" ;;
    esac
    if ! engine_answers; then
        packages+=(docker.io containerd iptables ca-certificates)
        # A kernel with AppArmor refuses containers if the parser is missing.
        if grep -qs Y /sys/module/apparmor/parameters/enabled; then packages+=(apparmor); fi
        if [ "$ID" = debian ] && ! command -v docker >/dev/null; then packages+=(docker-cli); fi
    fi
    if ! compose_answers; then packages+=("$compose"); fi
    if ! buildx_answers; then packages+=(docker-buildx); fi
}

missing_packages() {
    local package
    for package in "${packages[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
    done
}

mirror_of() { # the mirror that the host uses for a suite, or the given one
    local found
    # shellcheck disable=SC2016 # apt-get expands this
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Release: $1" 2>/dev/null | head -n 1)
    printf '%s' "${found:-$2}"
}

add_foreign_suite() {
    local host=$1 suite=$2
    cat >"$SUITE_FILE" <<-SOURCES
	# Written by serving-lab's deploy/engine.sh, only for the container engine; see $PIN_FILE.
	Types: deb
	URIs: $(mirror_of "$host" http://deb.debian.org/debian/)
	Suites: $suite
	Components: main
	Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

	Types: deb
	URIs: $(mirror_of "$host-security" http://deb.debian.org/debian-security/)
	Suites: $suite-security
	Components: main
	Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
	SOURCES
    cat >"$PIN_FILE" <<-PINS
	# Written by serving-lab's deploy/engine.sh: only the container engine is installed from $suite.
	Package: *
	Pin: release n=$suite
	Pin-Priority: 50

	Package: *
	Pin: release n=$suite-security
	Pin-Priority: 50

	Package: docker.io docker-cli docker-compose docker-buildx containerd
	Pin: release n=$suite
	Pin-Priority: 600

	Package: docker.io docker-cli docker-compose docker-buildx containerd
	Pin: release n=$suite-security
	Pin-Priority: 600
	PINS
}

announce() {
    local missing=$1
    say "This will change the system:"
    if [ -n "$missing" ] && [ -n "$foreign_suite" ]; then
        say "  - add Debian $foreign_suite as a package source, pinned so that only the engine comes from it:"
        say "    $SUITE_FILE"
        say "    $PIN_FILE"
    fi
    if [ -n "$missing" ]; then say "  - install with apt-get: $missing(and their dependencies)"; fi
    if ! engine_answers; then
        if runs_systemd; then
            say "  - enable and start the service docker"
        elif runs_sysvinit; then
            say "  - start the service docker"
        else
            say "  - start dockerd in the background (no init system runs here): log $LOGFILE,"
            say "    stopped by: deploy/engine.sh stop"
        fi
    fi
}

confirm() {
    if [ "${YES:-}" = 1 ]; then return; fi
    [ -t 0 ] || die "there is no terminal to ask on. To agree beforehand: make engine YES=1"
    local answer
    read -r -p "Continue? [y/N] " answer
    case "$answer" in [yY] | [yY][eE][sS]) ;; *) die "nothing was changed" ;; esac
}

install_packages() {
    local missing=$1
    if [ -n "$foreign_suite" ]; then add_foreign_suite "$VERSION_CODENAME" "$foreign_suite"; fi
    apt-get update -qq
    # Recommended packages would add things that the engine does not need (git, criu, a needrestart prompt).
    # shellcheck disable=SC2086 # one word for each package
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y -o Dpkg::Use-Pty=0 --no-install-recommends $missing ||
        die "the packages could not be installed: $missing(on Ubuntu they are in the component universe: add-apt-repository universe)"
    hash -r
}

# Debian's iptables uses nftables. A kernel without nftables may still have the older tables.
choose_iptables() {
    if ! iptables -t nat -nL >/dev/null 2>&1 && iptables-legacy -t nat -nL >/dev/null 2>&1; then
        say "The kernel has no nftables: switching iptables to its legacy tables."
        update-alternatives --set iptables /usr/sbin/iptables-legacy
        update-alternatives --set ip6tables /usr/sbin/ip6tables-legacy
    fi
}

start_engine() {
    if runs_systemd; then
        systemctl enable --now docker
    elif runs_sysvinit; then
        service docker start
    else
        choose_iptables
        # In its own session, so that neither Ctrl-C nor a closed terminal stops the engine.
        setsid --fork dockerd --pidfile "$PIDFILE" >>"$LOGFILE" 2>&1 </dev/null
    fi
    for _ in $(seq "$START_TIMEOUT_SECONDS"); do
        if engine_answers; then return; fi
        sleep 1
    done
    if [ -r "$LOGFILE" ]; then tail -n 15 "$LOGFILE" >&2; fi
    die "the engine did not answer within $START_TIMEOUT_SECONDS s (log: $LOGFILE, or: journalctl -u docker)"
}

start() {
    if all_answer; then
        say "A container engine already answers: nothing to do."
        status
        return
    fi
    if [ -n "${DOCKER_HOST:-}" ] && ! engine_answers; then
        die "DOCKER_HOST=$DOCKER_HOST is set, but nothing answers there. Start that engine, or unset DOCKER_HOST to set up an engine here"
    fi
    if [ -S /var/run/docker.sock ] && [ ! -w /var/run/docker.sock ]; then
        die "there is an engine, but $(id -un) may not use it. Run: sudo usermod -aG docker $(id -un) (this gives root's rights), then log in again"
    fi
    choose_packages
    require_root
    local missing
    missing=$(missing_packages)
    announce "$missing"
    confirm
    if [ -n "$missing" ]; then install_packages "$missing"; fi
    if ! engine_answers; then start_engine; fi
    status || die "something is still missing, see above"
    if [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ]; then
        say "To use it without sudo: usermod -aG docker $SUDO_USER (this gives that user root's rights), then log in again."
    fi
}

readonly command=${1:-start}
case "$command" in
    start | status | stop) "$command" ;;
    help | -h | --help) sed -n '2,6s/^# //p' "$0" ;;
    *) die "no such command: $command (start, status, stop, help)" ;;
esac
