"""`lab inventory`: from a target to what is in it, and to drafts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from serving_lab import exit_codes
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.documents import finding
from serving_lab.documents.openapi import OpenApiDocument
from serving_lab.documents.references import NotFollowedError
from serving_lab.documents.site import Site
from serving_lab.drafts import of_document as drafted_of_document
from serving_lab.drafts import recordings, schemes, writing
from serving_lab.drafts.draft import Access, Draft, DraftedRequest
from serving_lab.drafts.forms import fault
from serving_lab.errors import LabError
from serving_lab.inventory import (
    draft_corpus,
    draft_document,
    draft_models,
    importing,
    markdown,
    of_application,
    of_document,
    of_recording,
    table,
)
from serving_lab.inventory import target as targets
from serving_lab.inventory.found import Found
from serving_lab.inventory.importing import NotImported
from serving_lab.inventory.result import How, InventoryResult
from serving_lab.inventory.source.project import Project
from serving_lab.inventory.target import ApplicationTarget, FileTarget, UrlTarget
from serving_lab.recordings import recording
from serving_lab.results import files
from serving_lab.results.envelope import Metadata
from serving_lab.wire import exchange

RESULT, PAGE, MODELS, DOCUMENT, DESCRIPTION, CORPUS = (
    "inventory.json",
    "inventory.md",
    "models.py",
    "openapi.json",
    "api.yaml",
    "corpus.yaml",
)
_COMMAND = "lab inventory"


@dataclass(frozen=True)
class Options:
    """What a person may ask for."""

    target: str
    python: Path | None
    source: bool
    """Whether the source is only read, and nothing is imported."""
    seconds: float
    base: str | None
    output: Path | None
    force: bool


@dataclass(frozen=True)
class _Looked:
    """What was found, and how."""

    how: How
    found: Found
    interpreter: str | None = None
    document: OpenApiDocument | None = None
    """The service's own, where it has one."""
    warnings: tuple[str, ...] = ()


def inventory(options: Options, environment: Mapping[str, str], console: Console) -> int:
    """Look at a service, show what it has, and write drafts if a folder is named for them.

    Raises:
        LabError: there is no such target, or nothing can be read of it.
    """
    if options.output is not None:
        _check_writable(options.output, options.force)
    metadata = Metadata.begin()
    looked = _looked(options, environment)
    found = looked.found
    if not found.operations:
        raise LabError(
            f"{options.target}: no route was found. {'; '.join(found.unread)}".strip(),
            hint="name the module that makes the application: lab inventory package.module:app",
        )
    result = InventoryResult(
        started=metadata.started,
        seconds=metadata.seconds,
        seed=0,
        revision=metadata.revision,
        revision_unknown=metadata.revision_unknown,
        machine=metadata.machine,
        versions=metadata.versions,
        warnings=list(looked.warnings),
        target=options.target,
        how=looked.how,
        framework=found.framework,
        interpreter=looked.interpreter,
        operations=sorted(found.operations, key=lambda each: (each.path, each.method)),
        hooks=list(found.hooks),
        extensions=list(found.extensions),
        findings=list(found.findings),
        unread=[*looked.warnings, *found.unread],
    )
    written = _write(options.output, result, looked.document) if options.output is not None else []
    table.print_result(console, result, written)
    return exit_codes.OK


def _looked(options: Options, environment: Mapping[str, str]) -> _Looked:
    target = targets.parse(options.target)
    if isinstance(target, ApplicationTarget):
        return _application(target, options, environment)
    if isinstance(target, UrlTarget):
        return _url(target)
    return _file(target, options)


def _application(target: ApplicationTarget, options: Options, environment: Mapping[str, str]) -> _Looked:
    project = Project(target.root, (target.file.parent,) if target.file else ())
    why: NotImported | None = None
    if not options.source:
        python = importing.interpreter(options.python, target, environment)
        seen = importing.seen(target, python, options.seconds, environment)
        if not isinstance(seen, NotImported):
            loaded = replace(project, files=tuple(map(Path, seen.files)))
            return _Looked("import", of_application.of_seen(seen, loaded), f"{python}, Python {seen.python}")
        why = seen
    if target.file is None:
        told = why.why if why else f"there is no module {target.module} in {target.root}"
        raise LabError(told, hint=why.hint if why else "run it where its imports begin")
    read = replace(project, files=tuple(project.imported_by(target.file)))
    if not read.files:
        raise LabError(why.why if why else read.unread[0], hint=why.hint if why else None)
    found = of_application.of_source(read)
    if why is not None and (why.mistaken or not found.operations):
        raise LabError(why.why, hint=why.hint)
    warnings = (f"not imported: {why.why}" + (f" (hint: {why.hint})" if why.hint else ""),) if why else ()
    return _Looked("source", found, warnings=warnings)


def _url(target: UrlTarget) -> _Looked:
    endpoint = Endpoint.parse(target.url)
    try:
        _, document = finding.at_usual_place(Site(endpoint, ()))
    except NotFollowedError as error:
        exchange.send(endpoint, Request("GET", "/"))
        try:
            document = finding.at(Site(replace(endpoint, prefix="")), target.url, "")
        except (NotFollowedError, LabError):
            raise LabError(
                f"{endpoint.url} has no OpenAPI document: {error}",
                hint="name its code (lab inventory package.module:app), or traffic that was recorded (a HAR file)",
            ) from None
    return _Looked("document", of_document.of_document(document), document=document)


def _file(target: FileTarget, options: Options) -> _Looked:
    path = target.path
    kind = _kind_of(path)
    if kind is None:
        document = finding.in_file(path, "", path.absolute().as_uri())
        return _Looked("document", of_document.of_document(document), document=document)
    chosen = {"har": ([path], []), "postman": ([], [path])}[kind]
    traffic = recordings.read(*chosen, options.base or "", given=options.base is not None)
    return _Looked("recording", of_recording.of_recording(traffic.chosen, traffic.notes))


def _kind_of(path: Path) -> str | None:
    """Whether a file has recorded traffic, and of which kind; None: it is taken for a document."""
    if path.suffix == ".har":
        return "har"
    try:
        content = json.loads(recording.read_bytes(path))
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    if isinstance(content.get("log"), dict) and "entries" in content["log"]:
        return "har"
    return "postman" if "item" in content or "collection" in content else None


def _check_writable(folder: Path, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise LabError(f"{folder} is a file", hint="--output names a folder")
    existing = [
        folder / name for name in (RESULT, PAGE, MODELS, DOCUMENT, DESCRIPTION, CORPUS) if (folder / name).exists()
    ]
    if existing and not force:
        raise LabError(
            f"{existing[0]} exists, and is not overwritten", hint="--force overwrites it; --output names another folder"
        )


def _write(folder: Path, result: InventoryResult, own: OpenApiDocument | None) -> list[Path]:
    content = dict(own.content) if own else draft_document.document(result.operations, result.target)
    document = own or OpenApiDocument.of(content)
    requests, access, notes = _requests(document)
    texts = {PAGE: markdown.page(result), DOCUMENT: json.dumps(content, indent=1, ensure_ascii=False) + "\n"}
    if models := draft_models.models(result.operations, result.target):
        texts[MODELS] = models
    parity: dict[str, object] = {"openapi": DOCUMENT}
    if corpus := draft_corpus.corpus(requests, result.operations, result.target):
        texts[CORPUS] = corpus
        parity["corpus"] = [CORPUS]
    draft = Draft(access, requests, parity, notes)
    texts[DESCRIPTION] = writing.text(draft, result.target, [DOCUMENT], _COMMAND)
    result_path = folder / RESULT
    files.write(result_path, result, "--output DIR")
    for name, text in texts.items():
        try:
            (folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise LabError(f"{folder / name}: {error.strerror}", hint="--output DIR says where drafts go") from error
    return [result_path, *(folder / name for name in texts)]


def _requests(document: OpenApiDocument) -> tuple[tuple[DraftedRequest, ...], Access, tuple[str, ...]]:
    access = schemes.access_of(document)
    if access.sign_in and (why := fault(access.sign_in)):
        access = Access(authorization_to_do=(f"no sign-in is drafted, {why}",))
    sign_in = access.sign_in
    requests, notes = [], []
    for each in drafted_of_document.drafted(document):
        if sign_in is not None and (each.call.method, each.call.path) == (sign_in.method, sign_in.path):
            continue
        if why := fault(each.call, access.save):
            notes.append(f"{each.operation}: no request is drafted, {why}")
        else:
            requests.append(each)
    return tuple(requests), access, tuple(notes)
