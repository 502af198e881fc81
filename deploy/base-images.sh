#!/usr/bin/env bash
# Builds the base images out of Debian packages, for places where no image registry can be reached:
#   serving-lab/python      stands in for python:3.13-slim-trixie
#   serving-lab/prometheus  stands in for prom/prometheus (Debian's 2.53)
#   serving-lab/redis       stands in for redis (Debian's 8.0)
# and writes their names to .env as PYTHON_IMAGE, PROMETHEUS_IMAGE and REDIS_IMAGE; no other line of .env is touched.
# Where there is no .env yet, it starts as a copy of .env.example.
# Usage: deploy/base-images.sh [build | local]
#   build  (the default)
#   local  only print, as NAME=value, those that this machine has already; changes nothing
# Environment of build:
#   FORCE=1         build anew, with today's packages, what exists already
#   YES=1           install debootstrap without asking, where it is missing
#   DEBIAN_MIRROR   where packages come from (default http://deb.debian.org/debian)
set -euo pipefail

readonly SUITE=trixie
readonly MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
readonly DEBIAN_IMAGE=serving-lab/debian:$SUITE
readonly PYTHON_IMAGE=serving-lab/python:3.13-$SUITE
readonly PROMETHEUS_IMAGE=serving-lab/prometheus:2.53-$SUITE
readonly REDIS_IMAGE=serving-lab/redis:8.0-$SUITE
readonly CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/serving-lab/debootstrap-$SUITE
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE ENV_FILE=$HERE/../.env

say() { printf '%s\n' "$*"; }
die() { printf 'base-images: %s\n' "$*" >&2; exit 1; }

wanted() { [ "${FORCE:-}" = 1 ] || ! docker image inspect "$1" >/dev/null 2>&1; }

require_debootstrap() {
    local missing=()
    command -v debootstrap >/dev/null || missing+=(debootstrap)
    # Not there on Ubuntu; without it nothing could tell a genuine package from a forged one.
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
    if [ ${#missing[@]} = 0 ]; then return; fi
    command -v apt-get >/dev/null || die "debootstrap is missing, and there is no apt-get to install it with"
    say "This will install with apt-get: ${missing[*]}"
    if [ "${YES:-}" != 1 ]; then
        [ -t 0 ] || die "nobody is there to answer. To agree beforehand: make base-images YES=1"
        local answer
        read -r -p "Go on? [y/N] " answer
        case "$answer" in [yY] | [yY][eE][sS]) ;; *) die "nothing was changed" ;; esac
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}"
}

# As Debian's own slim images: licences stay, documentation and translations go, now and with later packages.
slim_down() {
    local root=$1
    cat >"$root/etc/dpkg/dpkg.cfg.d/slim" <<-'RULES'
	path-exclude /usr/share/doc/*
	path-include /usr/share/doc/*/copyright
	path-exclude /usr/share/info/*
	path-exclude /usr/share/lintian/*
	path-exclude /usr/share/locale/*
	path-exclude /usr/share/man/*
	RULES
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    find "$root/usr/share/doc" -type l -delete
    find "$root/usr/share/doc" -type d -empty -delete
    rm -rf "$root"/usr/share/{info,lintian,locale,man}/* "$root"/var/cache/{apt,debconf}/* "$root"/var/lib/apt/lists/* "$root"/var/log/*
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # a package in an image starts no service
    chmod 755 "$root/usr/sbin/policy-rc.d"
    : >"$root/etc/resolv.conf"
    : >"$root/etc/hostname"
}

build_debian() {
    [ "$(id -u)" = 0 ] || die "debootstrap needs root. Run: sudo make base-images"
    require_debootstrap
    local root
    root=$(mktemp -d "${TMPDIR:-/var/tmp}/serving-lab-debian.XXXXXX")
    # shellcheck disable=SC2064 # the directory of this moment is meant
    trap "rm -rf '$root'" EXIT
    mkdir -p "$CACHE"
    say "[1/4] $DEBIAN_IMAGE: debootstrap from $MIRROR (about a minute, half with a warm cache)"
    # The script is named because debootstraps older than the release do not know its name.
    debootstrap --variant=minbase --cache-dir="$CACHE" "$SUITE" "$root" "$MIRROR" \
        /usr/share/debootstrap/scripts/sid >"$CACHE/log" 2>&1 || {
        tail -n 15 "$CACHE/log" >&2
        die "debootstrap failed (log: $CACHE/log); is $MIRROR reachable? DEBIAN_MIRROR names another"
    }
    printf 'deb %s %s main\ndeb %s %s-updates main\ndeb %s %s-security main\n' \
        "$MIRROR" "$SUITE" "$MIRROR" "$SUITE" "${MIRROR%/debian}/debian-security" "$SUITE" >"$root/etc/apt/sources.list"
    slim_down "$root"
    tar -C "$root" --numeric-owner -c . | docker import \
        --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --change 'CMD ["bash"]' \
        --change 'LABEL org.opencontainers.image.title="Debian, for serving-lab"' - "$DEBIAN_IMAGE" >/dev/null
}

build() {
    local step=$1 target=$2 image=$3 variable proxies=()
    if ! wanted "$image"; then
        say "[$step/4] $image exists"
        return
    fi
    say "[$step/4] $image"
    for variable in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        if [ -n "${!variable:-}" ]; then proxies+=(--build-arg "$variable"); fi
    done
    docker buildx build --load --quiet ${FORCE:+--no-cache} --build-arg "DEBIAN_IMAGE=$DEBIAN_IMAGE" "${proxies[@]}" \
        --target "$target" --tag "$image" - <"$HERE/base-images.Dockerfile" >/dev/null
}

# Writes NAME=value to .env, in place of the line that has it, else at the end.
record() {
    local name=$1 value=$2
    if grep -q "^$name=" "$ENV_FILE"; then
        sed -i "s|^$name=.*|$name=$value|" "$ENV_FILE"
    else
        # A last line without its newline must not swallow ours.
        if [ -s "$ENV_FILE" ] && [ -n "$(tail -c 1 "$ENV_FILE")" ]; then echo >>"$ENV_FILE"; fi
        printf '%s=%s\n' "$name" "$value" >>"$ENV_FILE"
    fi
}

# What replaces each setting's image.
replacements() {
    printf '%s\n' "PYTHON_IMAGE=$PYTHON_IMAGE" "PROMETHEUS_IMAGE=$PROMETHEUS_IMAGE" "REDIS_IMAGE=$REDIS_IMAGE"
}

case "${1:-build}" in
    build) ;;
    local)
        replacements | while IFS='=' read -r name image; do
            if docker image inspect "$image" >/dev/null 2>&1; then printf '%s=%s\n' "$name" "$image"; fi
        done
        exit
        ;;
    *) die "there is no command $1; there are build and local" ;;
esac

docker info >/dev/null 2>&1 || die "no container engine answers. Run: make engine"
if wanted "$DEBIAN_IMAGE"; then build_debian; else say "[1/4] $DEBIAN_IMAGE exists"; fi
build 2 python "$PYTHON_IMAGE"
build 3 prometheus "$PROMETHEUS_IMAGE"
build 4 redis "$REDIS_IMAGE"
if [ ! -e "$ENV_FILE" ]; then
    install -m 600 "$HERE/../.env.example" "$ENV_FILE" # `make up` adds the secrets
    chown --reference="$HERE/.." "$ENV_FILE"           # under sudo too it belongs to whoever has the project
fi
replacements | while IFS='=' read -r name image; do record "$name" "$image"; done
say "Recorded in .env: $(replacements | tr '\n' ' ')"
say "Grafana has no Debian package: where its image cannot be had, the lab runs without it."
