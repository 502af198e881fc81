"""Which box is ticked: by evidence or by a person, unless it shows a failure, is too old, or is of another commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from serving_lab.checklist.by_hand import Tick
from serving_lab.checklist.evidence import Found
from serving_lab.checklist.items import Item
from serving_lab.results.checkout import Checkout
from serving_lab.text.phrases import counted

_CLOCKS_DIFFER = timedelta(minutes=5)
_SHORT = 10


class State(StrEnum):
    """What became of a box."""

    TICKED = "ticked"
    BY_HAND = "ticked by hand"
    FAILED = "failed"
    STALE = "stale"
    CANNOT_TELL = "cannot tell"
    OPEN = "open"
    """There is no evidence."""


TICKED = {State.TICKED, State.BY_HAND}


@dataclass(frozen=True)
class Now:
    """What evidence is compared with."""

    moment: datetime
    checkout: Checkout
    most_days: int
    """Evidence that is older is stale."""

    @property
    def commit(self) -> str | None:
        """The commit, whether or not files were changed since; None: unknown."""
        revision = self.checkout.revision
        return revision and revision.removesuffix("+")

    @property
    def changed(self) -> bool:
        """Whether files were changed since the commit."""
        return (self.checkout.revision or "").endswith("+")


@dataclass(frozen=True)
class Box:
    """An item, and what became of it."""

    item: Item
    state: State
    why: str
    path: Path | None = None
    """The evidence."""
    date: str = ""
    """When that was made; empty: there is none, or it does not say."""

    @property
    def ticked(self) -> bool:
        """Whether it counts as done."""
        return self.state in TICKED


def judge(item: Item, evidence: Sequence[Sequence[Found]], tick: Tick | None, now: Now) -> Box:
    """Return what became of an item: what fails counts most, then what ticks, then what a person says.

    Args:
        item: The item.
        evidence: What there is of each kind that may tick it.
        tick: What a person says; None: nothing.
        now: What it is compared with.
    """
    boxes = [box for found in evidence if (box := _of_kind(item, found, now))]
    if tick:
        boxes.append(_of_tick(item, tick, now))
    for state in (State.FAILED, State.TICKED, State.BY_HAND, State.STALE, State.CANNOT_TELL):
        if found_box := next((box for box in boxes if box.state is state), None):
            return found_box
    return Box(item, State.OPEN, "there is no evidence" if item.evidence else "a person ticks it")


def _of_kind(item: Item, evidence: Sequence[Found], now: Now) -> Box | None:
    """What evidence of one kind comes to; None: there is none.

    What is stale neither ticks nor fails. Of the rest, what fails counts until a later file shows that it passes.
    """
    newest = sorted(evidence, key=lambda each: _moment(each.started) or _LONG_AGO, reverse=True)
    about = [each for each in newest if not each.others]
    fresh = [each for each in about if each.passed is not None and _stale(each, now) is None and _dated(each, now)]
    passing: frozenset[str] = frozenset()
    for each in fresh:
        if each.failing - passing:
            return _box(item, State.FAILED, each, each.why)
        passing |= each.passing
    if ticks := next((each for each in fresh if each.passed), None):
        return _box(item, State.TICKED, ticks, _with_remark(ticks, now))
    for each in about:
        if each.passed is not None and _dated(each, now) and (why := _stale(each, now)):
            return _box(item, State.STALE, each, f"{why}; it said: {each.why}")
    untold = next(iter((*about, *newest)), None)
    if untold is None:
        return None
    return _box(item, State.CANNOT_TELL, untold, untold.why if untold.passed is None else _undated(untold))


def _of_tick(item: Item, tick: Tick, now: Now) -> Box:
    said = f"{tick.by}: {tick.reason}"
    date = tick.moment.date().isoformat()
    if tick.moment > now.moment + _CLOCKS_DIFFER:
        return Box(item, State.CANNOT_TELL, f"dated in the future; it said: {said}", date=date)
    if (why := _too_old(tick.moment, now)) is not None:
        return Box(item, State.STALE, f"{why}; it said: {said}", date=date)
    return Box(item, State.BY_HAND, said, date=date)


def _box(item: Item, state: State, each: Found, why: str) -> Box:
    moment = _moment(each.started)
    return Box(item, state, why, each.path, moment.isoformat(timespec="minutes") if moment else "")


def _dated(each: Found, now: Now) -> bool:
    """Whether it says when it was made, and that is not in the future."""
    moment = _moment(each.started)
    return moment is not None and moment <= now.moment + _CLOCKS_DIFFER


def _undated(each: Found) -> str:
    return "dated in the future" if _moment(each.started) else "it does not say when it was made"


def _stale(each: Found, now: Now) -> str | None:
    """Why it is stale; None: it is not."""
    moment = _moment(each.started)
    if moment is None:
        return None
    revision, here, committed = each.revision, now.commit, now.checkout.committed
    if (why := _too_old(moment, now)) is not None:
        return why
    if here is None or committed is None:
        return None
    if revision is None:
        return "older than the latest commit, and it does not say of which commit it is" if moment < committed else None
    if revision.endswith("+"):
        return f"made while files were changed since the commit {revision[:_SHORT]}"
    return None if revision == here else f"of the commit {revision[:_SHORT]}, and this is {here[:_SHORT]}"


def _with_remark(each: Found, now: Now) -> str:
    unknown = each.revision is None and now.commit is not None
    return f"{each.why} (it does not say of which commit)" if unknown else each.why


def _too_old(moment: datetime, now: Now) -> str | None:
    age = now.moment - moment
    return f"{counted(age.days, 'day')} old, {now.most_days} at most" if age > timedelta(now.most_days) else None


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
