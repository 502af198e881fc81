"""What a comparison sends: the corpus, every path and method, recorded and generated requests."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from serving_lab.api.request import Request
from serving_lab.documents.openapi import OpenApiDocument
from serving_lab.documents.operations import Operations, decoded_path
from serving_lab.parity.cases import Steps
from serving_lab.parity.generation import surface
from serving_lab.parity.generation.generated import Sources
from serving_lab.parity.plan import ParityPlan
from serving_lab.recordings.path_templates import path_templates

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_LESSONS = 500
"""How many requests teach the noise if there is no corpus."""


@dataclass(frozen=True)
class Traffic:
    """The requests of one comparison."""

    plan: ParityPlan
    document: OpenApiDocument | None
    """The candidate's."""

    @property
    def operations(self) -> Operations:
        """The operations of the API: as its document names them, then as the corpus does, then from recorded paths."""
        templates = self.document.templates if self.document else ()
        by_document = Operations(templates)
        known = [*templates, *(path for path in _paths(self.plan.corpus) if not by_document.knows(path))]
        operations = Operations(known)
        recorded = [path for path in _paths([*self.recorded, *self.described]) if not operations.knows(path)]
        return Operations([*known, *path_templates(recorded)]) if recorded else operations

    @property
    def documented(self) -> frozenset[str]:
        """The operations of the document that are not excluded, named as reports name them; empty without one."""
        described = self.document.operations if self.document else ()
        known, exclude = self.operations, self.plan.profile.exclude
        return frozenset(each.label for each in described if not known.excludes(exclude, each.method, each.path))

    @property
    def lessons(self) -> Sequence[Steps]:
        """What teaches the noise: the corpus; without one, whatever else there is, so that clocks are known as such."""
        return self.plan.corpus or [*self.described, *self.surface, *self.recorded][:_LESSONS]

    @property
    def described(self) -> Sequence[Steps]:
        """The requests of the description that are not excluded; none where there is a corpus."""
        profile, paths = self.plan.profile, Operations(self.document.templates if self.document else ())
        return [
            (case,)
            for case in profile.described
            if isinstance(case.request, Request)
            and not paths.excludes(profile.exclude, case.request.method, case.request.target)
        ]

    @property
    def surface(self) -> Sequence[Steps]:
        """Every path of the document with every method, and in the spellings that routers disagree on."""
        profile = self.plan.profile
        if self.document is None:
            return []
        cases = surface.cases(
            self.document, authorization=profile.authorization, query=profile.query, exclude=profile.exclude
        )
        return [(case,) for case in cases]

    @property
    def recorded(self) -> Sequence[Steps]:
        """The requests of the recordings."""
        return [(case,) for recording in self.plan.recordings for case in recording.cases]

    @property
    def sources(self) -> Sources | None:
        """What requests are generated from; None if no path is known: unknown paths say nothing about a service."""
        profile = self.plan.profile
        cases = profile.cases or tuple(case for (case,) in self.described)
        if not (self.document or cases):
            return None
        return Sources(self.document, cases, profile.authorization, profile.query, profile.exclude, self.plan.seed)


def _paths(sequences: Iterable[Steps]) -> Iterator[str]:
    for case in chain.from_iterable(sequences):
        if isinstance(case.request, Request):
            yield _VARIABLE.sub(r"{\1}", decoded_path(case.request.target))
