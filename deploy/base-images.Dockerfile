# Base images from Debian packages, for machines that cannot reach an image registry. base-images.sh builds them.
# There is no build context. DEBIAN_IMAGE is the image that debootstrap made.
ARG DEBIAN_IMAGE

FROM ${DEBIAN_IMAGE} AS debian
ENV LANG=C.UTF-8
# debootstrap unpacks the release without its security updates.
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update -q \
    && apt-get upgrade -q -y --no-install-recommends


FROM debian AS python
LABEL org.opencontainers.image.title="Python of Debian, for serving-lab"
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get install -q -y --no-install-recommends ca-certificates python3
CMD ["python3"]


FROM debian AS prometheus
LABEL org.opencontainers.image.title="Prometheus of Debian, for serving-lab"
# Same paths as in prom/prometheus (/bin is /usr/bin here), so that compose.yaml can run either image.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get install -q -y --no-install-recommends ca-certificates prometheus \
    && install -d -o nobody -g nogroup /prometheus
USER 65534:65534
WORKDIR /prometheus
VOLUME /prometheus
EXPOSE 9090
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]


FROM debian AS haproxy
LABEL org.opencontainers.image.title="HAProxy of Debian, for serving-lab"
# Same directory for the configuration as in the official image, so that compose.yaml can run either image.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get install -q -y --no-install-recommends haproxy \
    && install -d /usr/local/etc/haproxy
STOPSIGNAL SIGUSR1
USER 65534:65534
WORKDIR /var/lib/haproxy
EXPOSE 8080
ENTRYPOINT ["/usr/sbin/haproxy"]
CMD ["-f", "/usr/local/etc/haproxy/haproxy.cfg"]


FROM debian AS redis
LABEL org.opencontainers.image.title="Redis of Debian, for serving-lab"
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get install -q -y --no-install-recommends redis-server redis-tools \
    && install -d -o nobody -g nogroup /data
USER 65534:65534
WORKDIR /data
EXPOSE 6379
ENTRYPOINT ["/usr/bin/redis-server"]
