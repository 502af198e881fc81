"""The reader of graphs agrees with protobuf's and with ONNX Runtime, also where graphs are damaged at random."""

import random
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_artifact import FEATURES, files
from model_artifact.errors import ArtifactError, Reason
from model_artifact.session import Session
from model_artifact.structure import check_structure, read_ensemble
from model_artifact.trees import Ensemble
from model_artifact.trial_process import examine
from model_artifact.wire import Field, Kind, parse
from numpy.typing import NDArray
from onnx import numpy_helper
from support.artifacts import change_graph
from support.damaged_artifacts import attribute

ROWS = np.random.default_rng(5).uniform(-300, 300, (20, FEATURES)).astype(np.float32).astype(np.float64)
DAMAGED = 3000
EXAMINED = 200


@pytest.fixture(scope="module")
def graph(small: Path) -> bytes:
    return (small / "model.onnx").read_bytes()


def test_a_forest_is_read_as_protobuf_reads_it(model_dir: Path) -> None:
    graph = (model_dir / "model.onnx").read_bytes()

    assert_equal(read_ensemble(graph), as_onnx_reads(graph))
    size = check_structure(graph)
    assert (size.trees, size.leaves) == (100, size.branches + 100)


def test_lists_are_read_packed_and_one_by_one(graph: bytes) -> None:
    """Both are right to send, and protobuf's readers take either."""
    message = onnx.load_from_string(graph)
    features = attribute(message, "nodes_featureids")
    packed = bytes(features.ints)
    del features.ints[:]
    content = bytearray(features.SerializeToString())
    content += bytes([8 << 3 | 2, len(packed)]) + packed
    features.ParseFromString(bytes(content))
    schema = {
        1: Field("name", Kind.BYTES),
        8: Field("ints", Kind.INTEGER, repeated=True),
        20: Field("type", Kind.INTEGER),
    }

    assert parse(memoryview(content), schema, "it").integers["ints"] == list(features.ints)


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=50))
def test_any_numbers_are_read_as_protobuf_reads_them(numbers: list[int]) -> None:
    content = onnx.AttributeProto(ints=numbers).SerializeToString()

    read = parse(memoryview(content), {8: Field("ints", Kind.INTEGER, repeated=True)}, "it")

    assert read.integers.get("ints", []) == numbers


@given(st.lists(st.integers(0, 1 << 23), max_size=50), st.integers(1, 6))
def test_numbers_written_longer_than_need_be_are_read_alike(numbers: list[int], more: int) -> None:
    content = b"".join(bytes([8 << 3]) + varint(number, more) for number in numbers)

    read = parse(memoryview(content), {8: Field("ints", Kind.INTEGER, repeated=True)}, "it")

    assert read.integers.get("ints", []) == list(onnx.AttributeProto.FromString(content).ints)


@settings(max_examples=500)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_without_a_crash(content: bytes) -> None:
    with pytest.raises(ArtifactError) as refused:
        check_structure(content)

    assert refused.value.reason is Reason.STRUCTURE


def test_random_damage_is_refused_or_means_the_same_to_all_readers(graph: bytes) -> None:
    """What passes is read by protobuf too, with the same trees, and ONNX Runtime answers what these say."""
    passed = 0
    for damaged in spoiled(graph, DAMAGED, seed=1):
        reason = refusal(check_structure, damaged)
        assert reason in {None, Reason.STRUCTURE}
        if reason:
            continue
        passed += 1
        ensemble = read_ensemble(damaged)
        assert_equal(ensemble, as_onnx_reads(damaged))
        answers = np.array(Session(damaged).predict(ROWS))
        np.testing.assert_allclose(answers, evaluated(ensemble, ROWS), rtol=1e-12)

    # Many bits are of thresholds and leaves, where any value is allowed.
    assert DAMAGED / 20 < passed < DAMAGED / 2


def test_random_damage_with_its_digest_never_passes_with_other_answers(model: Path) -> None:
    """No crash, no other error, and what passes gives the golden answers."""
    graph = (model / "model.onnx").read_bytes()
    golden = files.read(model).golden
    passed = 0
    for damaged in spoiled(graph, EXAMINED, seed=2):
        change_graph(model, damaged)
        reason = refusal(examine, model, 1.0)
        assert reason in {None, Reason.STRUCTURE, Reason.GOLDEN}
        if reason:
            continue
        passed += 1
        np.testing.assert_allclose(Session(damaged).predict(golden.rows), golden.predictions, rtol=1e-9)

    assert 0 < passed < EXAMINED / 2


@pytest.mark.parametrize("name", [files.GRAPH, files.GOLDEN])
def test_random_damage_without_its_digest_never_passes(model: Path, name: str) -> None:
    for damaged in spoiled((model / name).read_bytes(), EXAMINED, seed=3):
        (model / name).write_bytes(damaged)

        assert refusal(files.read, model) is Reason.DIGEST


def test_random_damage_of_metadata_changes_no_answer(model: Path) -> None:
    sound = files.read(model)
    for damaged in spoiled((model / files.METADATA).read_bytes(), EXAMINED, seed=4):
        (model / files.METADATA).write_bytes(damaged)

        reason = refusal(files.read, model)
        assert reason in {None, Reason.DIGEST, Reason.METADATA}
        if reason is None:
            artifact = files.read(model)
            assert (artifact.graph, artifact.golden) == (sound.graph, sound.golden)


def refusal(check: Callable[..., object], *given: object) -> Reason | None:
    """Why a check refuses what it is given, where it does."""
    try:
        check(*given)
    except ArtifactError as error:
        return error.reason
    return None


def spoiled(content: bytes, count: int, *, seed: int) -> Iterator[bytes]:
    """Copies with some bits changed, bytes lost or doubled, or the end cut off."""
    chance = random.Random(seed)  # noqa: S311
    for _ in range(count):
        damaged = bytearray(content)
        place = chance.randrange(len(damaged))
        match chance.randrange(5):
            case 0 | 1:
                for _ in range(chance.randint(1, 3)):
                    damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            case 2:
                del damaged[place : place + chance.randint(1, 16)]
            case 3:
                damaged[place:place] = damaged[place : place + chance.randint(1, 64)]
            case _:
                del damaged[place:]
        if bytes(damaged) != content:
            yield bytes(damaged)


def as_onnx_reads(graph: bytes) -> Ensemble:
    """The arrays of the operator, by the package onnx."""
    model = onnx.load_from_string(graph)
    assert len(model.graph.node) == 1
    assert len(model.graph.initializer) == 0
    lists = {each.name: list(each.ints) for each in model.graph.node[0].attribute}
    arrays: dict[str, NDArray[np.float64]] = {
        name: numpy_helper.to_array(attribute(model, name).t)
        for name in ("nodes_modes", "nodes_splits", "leaf_weights")
    }
    return Ensemble(
        roots=lists["tree_roots"],
        features=lists["nodes_featureids"],
        modes=arrays["nodes_modes"].astype(int).tolist(),
        thresholds=arrays["nodes_splits"].tolist(),
        children=(lists["nodes_truenodeids"], lists["nodes_falsenodeids"]),
        leads_to_leaf=(lists["nodes_trueleafs"], lists["nodes_falseleafs"]),
        targets=lists["leaf_targetids"],
        weights=arrays["leaf_weights"].tolist(),
    )


def assert_equal(one: Ensemble, other: Ensemble) -> None:
    assert plain(one) == plain(other)


def plain(ensemble: Ensemble) -> list[list[float]]:
    pairs: Sequence[Sequence[float]] = (*ensemble.children, *ensemble.leads_to_leaf)
    singles: Sequence[Sequence[float]] = (
        *(ensemble.roots, ensemble.features, ensemble.modes, ensemble.thresholds),
        *(ensemble.targets, ensemble.weights),
    )
    return [list(array) for array in (*singles, *pairs)]


def evaluated(ensemble: Ensemble, rows: NDArray[np.float64]) -> list[float]:
    """What the trees say, by the operator's own document."""
    return [sum(_leaf(ensemble, root, row) for root in ensemble.roots) for row in rows]


def _leaf(ensemble: Ensemble, branch: int, row: NDArray[np.float64]) -> float:
    while True:
        side = 0 if row[ensemble.features[branch]] <= ensemble.thresholds[branch] else 1
        child = ensemble.children[side][branch]
        if ensemble.leads_to_leaf[side][branch]:
            return ensemble.weights[child]
        branch = child


def varint(number: int, more: int) -> bytes:
    """A number in protobuf's form, with needless bytes behind it."""
    written = bytearray()
    while number >= 0x80:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number | 0x80)
    return bytes(written) + b"\x80" * (more - 1) + b"\x00"


@pytest.mark.parametrize(
    "numbers",
    [b"\x40\x01" * (1 << 20), b"\x40\xff\xff\x01" * (1 << 20), b"\x42" + b"\x80\x80\x40" + b"\x01" * (1 << 20)],
    ids=["one by one", "in three bytes", "packed"],
)
def test_a_list_of_a_million_is_refused_before_it_fills_memory(numbers: bytes) -> None:
    schema = {8: Field("ints", Kind.INTEGER, repeated=True)}
    tracemalloc.start()
    try:
        assert refusal(parse, memoryview(numbers), schema, "it") is Reason.STRUCTURE
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
