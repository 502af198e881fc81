"""What a person sees once the stack is up, and when they ask how it is."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

from serving_lab.stack.base import Mode, Status
from serving_lab.stack.environment import Settings
from serving_lab.stack.preflight import Check, Outcome
from serving_lab.stack.service import GATEWAY, GRAFANA, LOCUST, MODEL_SYNC, PROMETHEUS, REDIS, REGISTRY, Service
from serving_lab.targets.catalogue import Entry

_COLOURS = {Outcome.OK: "green", Outcome.WARN: "yellow", Outcome.FAIL: "red"}

_WHAT_TO_DO = {
    REDIS: "keeps cache and rate limits of the services; see what: {redis_cli} --scan",
    REGISTRY: "holds the models that may serve; make model DO=list, and look at their figures here",
    MODEL_SYNC: "gives the services the model that the registry calls champion; its metrics say how that goes",
    GATEWAY: "the way in for users: all requests go to the old service until lab rollout moves them over",
    LOCUST: "press Start to send load, and watch it live at {url}/live; or: make load USERS=20 DURATION=1m",
    PROMETHEUS: "query what is measured, such as http_requests_total",
    GRAFANA: "watch the services side by side (changes: admin, GRAFANA_ADMIN_PASSWORD in .env or its file)",
}


def welcome(mode: Mode, settings: Settings, answering: Iterable[Service]) -> RenderableType:
    """Each URL with what to do there, and how to sign in."""
    table = _table("", "URL", "what to do there")
    under_test = {entry.name: entry for entry in settings.catalogue.entries}
    urls = []
    for service in answering:
        url = service.url if service.published or mode is Mode.NATIVE else service.container_url
        if entry := under_test.get(service.name):
            urls.append(url)
            what_to_do = _about(entry, url)
        else:
            redis_cli = f"redis-cli -u {url}" if mode is Mode.NATIVE else f"docker compose exec {REDIS} redis-cli"
            what_to_do = _WHAT_TO_DO[service.name].format(url=url, redis_cli=redis_cli)
        table.add_row(service.name, f"[link={url}]{url}[/link]", escape(what_to_do))
    state = f"The lab is up ({mode}). make ps, make logs and make down do what they say."
    lines = [escape(_sign_in(settings, urls)), state]
    if settings.only_in_shell:
        names = ", ".join(settings.only_in_shell)
        lines.append(f"Only this shell sets {names}. Other commands need the same: write it into .env.")
    return Group(table, *lines)


def _about(entry: Entry, url: str) -> str:
    return f"{entry.about}; try every call at {url}/docs" if "documentation" in entry.besides else entry.about


def _sign_in(settings: Settings, urls: Sequence[str]) -> str:
    """How to sign in at the first service, and what to ask the second one with the token."""
    if not urls:
        return ""
    username = settings.environment["API_USERNAME"]
    return (
        "Sign in (the password is API_PASSWORD in .env or its file), or let make do it:\n"
        f"  curl {urls[0]}/login -H 'Content-Type: application/json' "
        f'-d \'{{"username":"{username}","password":"…"}}\'\n'
        f'  curl {urls[min(1, len(urls) - 1)]}/predict -H "Authorization: Bearer $(make -s token)" '
        "-H 'Content-Type: application/json' \\\n"
        "       -d '{\"features\":[59,2,32.1,101,157,93.2,38,4,4.86,87]}'"
    )


def status_table(statuses: Sequence[Status]) -> Table:
    """How each service is."""
    table = _table("", "state", "health", "port", "process", "memory")
    for status in statuses:
        health = "[green]ready[/]" if status.healthy else "[red]not ready[/]"
        memory = f"{status.memory_bytes / (1 << 20):.0f} MiB" if status.memory_bytes else "-"
        table.add_row(status.name, status.state, health, str(status.port or "-"), str(status.pid or "-"), memory)
    return table


def print_checks(console: Console, checks: Iterable[Check]) -> None:
    """Print each check with its outcome and, where it is not ok, how to fix it."""
    for check in checks:
        colour = _COLOURS[check.outcome]
        line = f"[{colour}]{check.outcome:<4}[/]  {escape(check.subject)}: {escape(check.detail)}"
        console.print(line, soft_wrap=True, highlight=False)
        if check.hint and check.outcome is not Outcome.OK:
            console.print(f"      hint: {escape(check.hint)}", soft_wrap=True, highlight=False)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
