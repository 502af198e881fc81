"""The configuration of HAProxy, the gateway: who answers a request, and what is noted of it.

Every request has a bucket, the hash of its user. Two maps, which change at run time, say what the buckets mean: those
below the share go to the candidate, as many above it are the control slice of the primary, the rest is the primary's.
So a user stays on one side, and a larger share only moves more users over.

It is written for HAProxy 2.6 and newer.
"""

import json
from dataclasses import dataclass

BUCKETS = 10_000
"""So a share is in basis points."""
FRONTEND = "gateway"
RING = "requests"
TAP = "tap"
"""The server name of the tap, in the backend of the primary."""
RELAY = "relay"
"""The server name of the relay of WebSockets, in a backend of its own, which has this name too."""
BUCKET_HEADER = "Lab-Bucket"
"""What the relay is told of a request."""
SHARE_MAP, CANDIDATE_MAP = "share.map", "candidate.map"
NEXT = "-next"
"""What is behind the name of a service for a second instance of it, while the first one is replaced."""
CHALLENGER = "challenger"
"""The server of the primary's instance with another version of the model, in a backend of its own with this name."""
CHECK_HOST = "gateway"
"""What its checks of services name as their host: so they are told from requests of clients."""
RELAY_READY_PATH = "/ready"
"""Where the relay of WebSockets says that it is ready, whatever the services call it."""
METRICS_PATH, HEALTH_PATH = "/metrics", "/health"

_UNUSED = "127.0.0.1:9"
"""The address of a server that is disabled until the runtime socket says where it is."""


@dataclass(frozen=True)
class GatewayServer:
    """A service behind the gateway."""

    name: str
    address: str
    """As host:port."""


@dataclass(frozen=True)
class GatewayPlan:
    """What the gateway is told when it starts."""

    listen: str
    """Where clients reach it, as host:port."""
    metrics: str
    """Where it says how it is: `/metrics` and `/health`, as host:port."""
    control: str
    """Its runtime socket: `unix:/path` or `tcp:host:port`."""
    services: tuple[GatewayServer, ...]
    """The primary first."""
    candidate: str
    """The service that a share of the requests would go to; the share is 0 at the start."""
    maps: str
    """The directory of the maps, as HAProxy sees it."""
    tap: str = _UNUSED
    """Where a tap would listen, as host:port. It is used only while it is enabled."""
    relay: str = _UNUSED
    """Where a relay of WebSockets would listen; likewise."""
    ready: str = "/ready"
    """The path at which a service answers 200 while it may get requests."""
    source: str | None = None
    """The address that its connections to services come from; None: whichever the system chooses."""
    resolve: bool = False
    """Whether names of servers are looked up again while it runs, as the engine's names of containers must be."""
    user_cookie: str | None = None
    """A cookie that tells users apart, where a request has it."""
    user_claims: tuple[str, ...] = ("sub", "user")
    """Claims of a bearer token that do so where it has not, the first that is there; without any, the address does."""

    @property
    def primary(self) -> str:
        """The service that answers what the candidate does not."""
        return self.services[0].name


def maps(plan: GatewayPlan) -> dict[str, str]:
    """The maps as files, by name: no request goes to the candidate."""
    return {SHARE_MAP: "share 0\n", CANDIDATE_MAP: f"candidate {plan.candidate}\n"}


def configuration(plan: GatewayPlan) -> str:
    """The text of haproxy.cfg."""
    sections = {
        "global": _global(plan),
        f"ring {RING}": ["format raw", "maxlen 4096", "size 8388608"],
        **({"resolvers engine": ["parse-resolv-conf", "hold valid 1s"]} if plan.resolve else {}),
        "defaults": _defaults(plan),
        f"frontend {FRONTEND}": _frontend(plan),
        "frontend metrics": _metrics(plan),
        **{f"backend {service.name}": _backend(plan, service) for service in plan.services},
        f"backend {CHALLENGER}": _challenger(plan),
        f"backend {RELAY}": _relay(plan),
    }
    return "\n\n".join("\n    ".join([head, *lines]) for head, lines in sections.items()) + "\n"


def _global(plan: GatewayPlan) -> list[str]:
    kind, _, where = plan.control.partition(":")
    return [
        f"log ring@{RING} len 4096 format raw local0",
        f"stats socket {f'unix@{where}' if kind == 'unix' else f'ipv4@{where}'} level admin mode 600",
        "stats timeout 1d",
        "stats maxconn 50",
        "hard-stop-after 30s",
        "maxconn 4096",
    ]


def _defaults(plan: GatewayPlan) -> list[str]:
    server = ["check inter 500ms fastinter 250ms downinter 250ms fall 2 rise 1", "init-addr last,libc,none"]
    server += ["resolvers engine"] if plan.resolve else []
    server += [f"source {plan.source}"] if plan.source else []
    return [
        "mode http",
        "log global",
        "option dontlognull",
        "timeout connect 2s",
        "timeout client 75s",
        "timeout server 300s",
        "timeout tunnel 1h",
        # A service that is busy is ready; one that is gone refuses the connection at once.
        "timeout check 2s",
        # Shorter than the services keep idle connections, so that no request meets one that is being closed.
        "timeout http-keep-alive 60s",
        "timeout http-request 30s",
        "retries 3",
        # Only a request that no service has seen is sent to another one.
        "retry-on conn-failure",
        "option redispatch 1",
        "option httpchk",
        *_check(plan.ready),
        f"default-server {' '.join(server)}",
    ]


def _frontend(plan: GatewayPlan) -> list[str]:
    users = [f"req.cook({plan.user_cookie})"] if plan.user_cookie else []
    users += [f"http_auth_bearer,jwt_payload_query('$.{claim}')" for claim in plan.user_claims]
    users += ["src"]
    return [
        f"bind {plan.listen}",
        "http-request set-var(txn.start) date(0,us)",
        "http-request set-var(txn.path) path,bytes(0,512)",
        "http-request set-var(txn.upgrade) req.hdr(Upgrade),lower",
        "http-request set-header X-Request-ID %[uuid()] unless { req.hdr(X-Request-ID) -m found }",
        # What a client says of its own address is not believed.
        "http-request set-header X-Forwarded-For %[src]",
        *(f"http-request set-var(txn.user) {user} unless {{ var(txn.user) -m found }}" for user in users),
        f"http-request set-var(txn.bucket) var(txn.user),xxh32(0),mod({BUCKETS})",
        f"http-request set-var(txn.share) str(share),map_str_int({plan.maps}/{SHARE_MAP},0)",
        "http-request set-var(txn.above) var(txn.bucket),sub(txn.share)",
        "http-request set-var(txn.slice) str(primary)",
        "http-request set-var(txn.slice) str(control) if { var(txn.above),sub(txn.share) -m int lt 0 }",
        "http-request set-var(txn.slice) str(candidate) if { var(txn.above) -m int lt 0 }",
        "http-response set-var(txn.first) date(0,us),sub(txn.start)",
        f"log-format {_quoted(_LOG)}",
        f"use_backend {RELAY} if {{ var(txn.upgrade) -m str websocket }} {{ srv_is_up({RELAY}/{RELAY}) }}",
        f"use_backend %[str(candidate),map_str({plan.maps}/{CANDIDATE_MAP})] if {{ var(txn.slice) -m str candidate }}",
        f"default_backend {plan.primary}",
    ]


_LOG = (
    '{"at":%[date(0,us)],"slice":"%[var(txn.slice)]","backend":"%b","server":"%s","status":%ST,'
    '"first_us":%[var(txn.first,-1)],"total_us":%[date(0,us),sub(txn.start)],"termination":"%ts","retries":"%rc",'
    '"method":"%HM","path":"%[var(txn.path),json(utf8s)]","bucket":%[var(txn.bucket,-1)],'
    '"upgrade":"%[var(txn.upgrade),json(utf8s)]"}'
)


def _quoted(text: str) -> str:
    """One argument of a line of HAProxy's configuration."""
    return json.dumps(text)


def _metrics(plan: GatewayPlan) -> list[str]:
    return [
        f"bind {plan.metrics}",
        "no log",
        f"monitor-uri {HEALTH_PATH}",
        f"http-request use-service prometheus-exporter if {{ path {METRICS_PATH} }}",
    ]


def _backend(plan: GatewayPlan, service: GatewayServer) -> list[str]:
    """The servers of one service, in the order in which they are preferred."""
    preferred = [f"{service.name}{NEXT}", service.name]
    servers = [
        f"server {service.name} {service.address}",
        f"server {service.name}{NEXT} {_UNUSED} disabled",
    ]
    if service.name == plan.primary:
        preferred.insert(0, TAP)
        servers.append(f"server {TAP} {plan.tap} disabled")
    else:
        servers.append(_fallback(plan.services[0]))
    return [*(f"use-server {name} if TRUE" for name in preferred), *servers]


def _challenger(plan: GatewayPlan) -> list[str]:
    """The instance with another version, and the primary where it cannot be reached."""
    return [f"use-server {CHALLENGER} if TRUE", f"server {CHALLENGER} {_UNUSED} disabled", _fallback(plan.services[0])]


def _relay(plan: GatewayPlan) -> list[str]:
    """The relay of WebSockets, and the primary for those that do not reach it."""
    primary = plan.services[0]
    return [
        *_check(RELAY_READY_PATH),
        f"http-request set-header {BUCKET_HEADER} %[var(txn.bucket)]",
        f"use-server {RELAY} if TRUE",
        f"server {RELAY} {plan.relay} disabled",
        _fallback(primary),
    ]


def _check(path: str) -> list[str]:
    return [f"http-check send meth GET uri {path} hdr Host {CHECK_HOST}", "http-check expect status 200"]


def _fallback(primary: GatewayServer) -> str:
    """The primary where another service cannot be reached: clients notice nothing, and the log says who answered."""
    return f"server {primary.name} {primary.address} no-check track {primary.name}/{primary.name}"
