#!/usr/bin/env bash
# Builds the base images from Debian packages, for machines that cannot reach an image registry:
#   serving-lab/python      instead of python:3.13-slim-trixie
#   serving-lab/prometheus  instead of prom/prometheus (Debian's 2.53)
#   serving-lab/redis       instead of redis (Debian's 8.0)
#   serving-lab/haproxy     instead of haproxy (Debian's 3.0)
# It writes their names to .env as PYTHON_IMAGE, PROMETHEUS_IMAGE, REDIS_IMAGE and HAPROXY_IMAGE, and changes no other line
# there. If there is no .env yet, it copies .env.example first.
# Usage: deploy/base-images.sh [build | local]
#   build  (the default)
#   local  print the images that this machine already has, as NAME=value; changes nothing
# Environment of build:
#   FORCE=1         build images that exist already again, with the packages of today
#   YES=1           install debootstrap without asking, if it is missing
#   DEBIAN_MIRROR   where packages come from (default http://deb.debian.org/debian)
set -euo pipefail

readonly SUITE=trixie
readonly MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
readonly DEBIAN_IMAGE=serving-lab/debian:$SUITE
readonly PYTHON_IMAGE=serving-lab/python:3.13-$SUITE
readonly PROMETHEUS_IMAGE=serving-lab/prometheus:2.53-$SUITE
readonly REDIS_IMAGE=serving-lab/redis:8.0-$SUITE
readonly HAPROXY_IMAGE=serving-lab/haproxy:3.0-$SUITE
readonly CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/serving-lab/debootstrap-$SUITE
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE ENV_FILE=$HERE/../.env

say() { printf '%s\n' "$*"; }
die() { printf 'base-images: %s\n' "$*" >&2; exit 1; }

wanted() { [ "${FORCE:-}" = 1 ] || ! docker image inspect "$1" >/dev/null 2>&1; }

require_debootstrap() {
    local missing=()
    command -v debootstrap >/dev/null || missing+=(debootstrap)
    # Ubuntu does not have it. Without it, nothing can tell a genuine package from a forged one.
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
    if [ ${#missing[@]} = 0 ]; then return; fi
    command -v apt-get >/dev/null || die "debootstrap is missing, and there is no apt-get to install it"
    say "This will install with apt-get: ${missing[*]}"
    if [ "${YES:-}" != 1 ]; then
        [ -t 0 ] || die "there is no terminal to ask on. To agree beforehand: make base-images YES=1"
        local answer
        read -r -p "Continue? [y/N] " answer
        case "$answer" in [yY] | [yY][eE][sS]) ;; *) die "nothing was changed" ;; esac
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}"
}

# As in Debian's own slim images: keep licenses; remove documentation and translations, now and from later packages.
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
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # packages in an image start no services
    chmod 755 "$root/usr/sbin/policy-rc.d"
    : >"$root/etc/resolv.conf"
    : >"$root/etc/hostname"
}

build_debian() {
    [ "$(id -u)" = 0 ] || die "debootstrap needs root. Run: sudo make base-images"
    require_debootstrap
    local root
    root=$(mktemp -d "${TMPDIR:-/var/tmp}/serving-lab-debian.XXXXXX")
    # shellcheck disable=SC2064 # the current value is meant
    trap "rm -rf '$root'" EXIT
    mkdir -p "$CACHE"
    say "[1/5] $DEBIAN_IMAGE: debootstrap from $MIRROR (about a minute; half of that with a warm cache)"
    # The script is named because a debootstrap that is older than the release does not know the release.
    debootstrap --variant=minbase --cache-dir="$CACHE" "$SUITE" "$root" "$MIRROR" \
        /usr/share/debootstrap/scripts/sid >"$CACHE/log" 2>&1 || {
        tail -n 15 "$CACHE/log" >&2
        die "debootstrap failed (log: $CACHE/log); is $MIRROR reachable? Set DEBIAN_MIRROR to use another one"
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
        say "[$step/5] $image exists"
        return
    fi
    say "[$step/5] $image"
    for variable in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        if [ -n "${!variable:-}" ]; then proxies+=(--build-arg "$variable"); fi
    done
    docker buildx build --load --quiet ${FORCE:+--no-cache} --build-arg "DEBIAN_IMAGE=$DEBIAN_IMAGE" "${proxies[@]}" \
        --target "$target" --tag "$image" - <"$HERE/base-images.Dockerfile" >/dev/null
}

# Writes NAME=value to .env: replaces the line of this name, or adds one at the end.
record() {
    local name=$1 value=$2
    if grep -q "^$name=" "$ENV_FILE"; then
        sed -i "s|^$name=.*|$name=$value|" "$ENV_FILE"
    else
        # If the last line has no newline, ours must not be appended to it.
        if [ -s "$ENV_FILE" ] && [ -n "$(tail -c 1 "$ENV_FILE")" ]; then echo >>"$ENV_FILE"; fi
        printf '%s=%s\n' "$name" "$value" >>"$ENV_FILE"
    fi
}

# The image for each setting.
replacements() {
    printf '%s\n' "PYTHON_IMAGE=$PYTHON_IMAGE" "PROMETHEUS_IMAGE=$PROMETHEUS_IMAGE" "REDIS_IMAGE=$REDIS_IMAGE" \
        "HAPROXY_IMAGE=$HAPROXY_IMAGE"
}

case "${1:-build}" in
    build) ;;
    local)
        replacements | while IFS='=' read -r name image; do
            if docker image inspect "$image" >/dev/null 2>&1; then printf '%s=%s\n' "$name" "$image"; fi
        done
        exit
        ;;
    *) die "there is no command $1; the commands are build and local" ;;
esac

docker info >/dev/null 2>&1 || die "no container engine answers. Run: make engine"
if wanted "$DEBIAN_IMAGE"; then build_debian; else say "[1/5] $DEBIAN_IMAGE exists"; fi
build 2 python "$PYTHON_IMAGE"
build 3 prometheus "$PROMETHEUS_IMAGE"
build 4 redis "$REDIS_IMAGE"
build 5 haproxy "$HAPROXY_IMAGE"
if [ ! -e "$ENV_FILE" ]; then
    install -m 600 "$HERE/../.env.example" "$ENV_FILE" # `make up` adds the secrets
    chown --reference="$HERE/.." "$ENV_FILE"           # also under sudo, it belongs to the owner of the project
fi
replacements | while IFS='=' read -r name image; do record "$name" "$image"; done
say "Written to .env: $(replacements | tr '\n' ' ')"
say "Grafana has no Debian package. If its image is not available, the lab runs without it."
