"""Conducts a rollout: holds each stage until the judge can tell, and moves the share."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from serving_lab.errors import LabError
from serving_lab.results.envelope import Metadata
from serving_lab.rollout.book import Book
from serving_lab.rollout.judge import AtOnce, Evidence, Judgement, Look, Outcome, judge, judge_at_once, judge_shadow
from serving_lab.rollout.mirror import Shadow
from serving_lab.rollout.plan import WHOLE, Hold, RolloutPlan, ShadowStage, Stage
from serving_lab.rollout.requests import Columns, stretched
from serving_lab.rollout.result import Ending, RolloutResult
from serving_lab.rollout.surroundings import Surroundings
from serving_lab.rollout.traffic import Traffic
from serving_lab.rollout.watch import Watch

SHADOW = "shadow"
TICK_SECONDS = 0.25

_SILENT_SECONDS = 5.0
"""How long the gateway may be silent before a stage ends: nothing is known of the candidate's requests then."""
_ENDINGS = {Outcome.ROLL_BACK: Ending.ROLLED_BACK, Outcome.CANNOT_TELL: Ending.CANNOT_TELL}

Approve = Callable[[str], bool | None]
"""Whether a person lets a rollout go on to a stage; None: they have not said yet."""
_Judged = Callable[[Look | None], tuple[Judgement, Evidence | None]]
"""Judges a stage: with a look by its figures, without one only what needs none."""


@dataclass
class Rollout:
    """One rollout, from where its book says it is.

    Args:
        plan: What is to be done.
        book: How far it is.
        traffic: Moves the share.
        watch: What became of the requests.
        surroundings: Memory and machine.
        shadow: Mirrored requests; None: there are none.
        approve: Asks a person before each stage; None: nobody is asked.
    """

    plan: RolloutPlan
    book: Book
    traffic: Traffic
    watch: Watch
    surroundings: Surroundings
    shadow: Shadow | None
    approve: Approve | None
    _before: tuple[Columns, float] | None = None
    """Requests of the control slice in the stage before, and its length."""

    def run(self, metadata: Metadata) -> RolloutResult:
        """Go on until it is promoted or stopped; an interruption takes the share back.

        Raises:
            LabError: the gateway does not answer, so that its share is unknown.
        """
        try:
            judgement = self._stages()
            if judgement.outcome is Outcome.PROMOTE:
                self.book.end(Ending.PROMOTED, judgement.why)
            else:
                self._stop(_ENDINGS.get(judgement.outcome, Ending.REFUSED), judgement)
        except KeyboardInterrupt:
            self._stop(Ending.INTERRUPTED, Judgement(Outcome.CANNOT_TELL, "interrupted"))
        except LabError as error:
            self._stop(Ending.CANNOT_TELL, Judgement(Outcome.CANNOT_TELL, str(error)))
        return self.book.result(metadata, list(self.shadow.warnings) if self.shadow else [])

    def _stop(self, ending: Ending, judgement: Judgement) -> None:
        """Take the share back at once, then write down why."""
        back = self.traffic.take_back(self.shadow.set_share if self.shadow else lambda _: None)
        self.book.over(judgement, self.watch.share)
        self.book.end(ending, judgement.why, back)

    def _stages(self) -> Judgement:
        judgement = Judgement(Outcome.PROMOTE, "there was nothing to do")
        steps: list[tuple[int, ShadowStage | Stage | None]] = list(enumerate([self.plan.shadow, *self.plan.stages]))
        for number, stage in steps[self.book.state.stage :]:
            if isinstance(stage, Stage):
                judgement = self._weight_stage(number, stage)
            elif stage is not None and self.shadow is not None:
                judgement = self._shadow_stage(stage, self.shadow)
            else:
                continue
            if judgement.outcome is Outcome.PROMOTE and number < len(self.plan.stages):
                judgement = self._approved(judgement, self.plan.stages[number].name)
            if judgement.outcome is not Outcome.PROMOTE:
                break
        return judgement

    def _shadow_stage(self, stage: ShadowStage, shadow: Shadow) -> Judgement:
        self._begin(0, SHADOW, 0, whole=False)

        def judged(look: Look | None) -> tuple[Judgement, Evidence | None]:
            if dead := self.traffic.dead():
                return Judgement(Outcome.ROLL_BACK, dead), None
            return judge_shadow(shadow.view(), stage, look), None

        return self._held(stage.hold, judged)

    def _weight_stage(self, number: int, stage: Stage) -> Judgement:
        whole = stage.share >= WHOLE
        self._begin(number, stage.name, stage.share, whole=whole)
        began = time.monotonic()

        def judged(look: Look | None) -> tuple[Judgement, Evidence | None]:
            if look is None:
                return judge_at_once(self._at_once(), self.plan), None
            evidence = self._evidence(time.monotonic() - began, whole=whole)
            return judge(evidence, stage, self.plan, look), evidence

        judgement = self._held(stage.hold, judged)
        if not whole:
            self._before = self.watch.requests[1], time.monotonic() - began
        return judgement

    def _begin(self, number: int, name: str, share: int, *, whole: bool) -> None:
        """Write down that a stage begins, then let it."""
        self.book.begin(number, name, share, before=whole)
        self.traffic.give(share)
        if self.shadow:
            self.shadow.set_share(share)
        self.watch.begin_stage()
        self.surroundings.begin_stage()

    def _held(self, hold: Hold, judged: _Judged) -> Judgement:
        """Hold a stage until it is judged: at once at any time, by its figures at the looks fixed beforehand."""
        began = answered = time.monotonic()
        looks: Iterator[float] = iter(hold.looks)
        due = next(looks)
        while True:
            time.sleep(TICK_SECONDS)
            elapsed = time.monotonic() - began
            try:
                judgement, evidence = judged(None)
                if judgement.outcome is Outcome.HOLD and elapsed >= due:
                    judgement, evidence = judged(Look(final=due >= hold.most, may_promote=due >= hold.least))
                    due = next((each for each in looks if each > elapsed or each >= hold.most), hold.most)
                    self.book.looked(elapsed, judgement, evidence)
                answered = time.monotonic()
            except LabError as error:
                if time.monotonic() - answered < _SILENT_SECONDS:
                    continue
                judgement = Judgement(Outcome.CANNOT_TELL, str(error))
            if judgement.outcome is Outcome.PROMOTE:
                self.book.over(judgement, self.watch.share)
            if judgement.outcome is not Outcome.HOLD:
                return judgement

    def _at_once(self) -> AtOnce:
        return AtOnce(
            causes=self.shadow.view().causes if self.shadow else (),
            dead=self.traffic.dead(),
            in_a_row=self.watch.in_a_row,
        )

    def _evidence(self, elapsed: float, *, whole: bool) -> Evidence:
        candidate, control = self.watch.requests
        if whole and self._before is not None:
            before, length = self._before
            control = stretched(before, elapsed / length)
        # With all traffic at the candidate there is nothing left to mirror.
        unmirrored = self.shadow.view().dead if self.shadow and not whole else ""
        return Evidence(
            seconds=elapsed,
            candidate=candidate,
            control=control,
            operations=self.watch.operations,
            past=self.watch.past,
            met=self.watch.met,
            memory=self.surroundings.memory,
            at_once=self._at_once(),
            blind=self.traffic.changed(self.book.share) or self.watch.blind() or unmirrored,
            machine=self.surroundings.machine,
        )

    def _approved(self, judgement: Judgement, next_stage: str) -> Judgement:
        """Wait for a person, and go on to judge meanwhile."""
        if self.approve is None:
            return judgement
        while (said := self.approve(next_stage)) is None:
            time.sleep(TICK_SECONDS)
            at_once = judge_at_once(self._at_once(), self.plan)
            if at_once.outcome is Outcome.ROLL_BACK:
                return at_once
        if said:
            return judgement
        self.book.decide(f"not approved to go on to {next_stage}")
        return Judgement(Outcome.HOLD, f"nobody approved {next_stage}")
