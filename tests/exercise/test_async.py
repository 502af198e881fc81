"""Whether async helps: the table of docs/exercise.md, measured with requests that wait, block and compute."""

import asyncio
import time

import httpx
import pytest
from fastapi import FastAPI

pytestmark = pytest.mark.alone

REQUESTS = 20
WAIT_SECONDS, COMPUTE_SECONDS = 0.025, 0.01

app = FastAPI()


@app.get("/awaits")
async def awaits() -> None:
    await asyncio.sleep(WAIT_SECONDS)


@app.get("/blocks")
async def blocks() -> None:
    time.sleep(WAIT_SECONDS)


@app.get("/blocks-in-a-thread")
def blocks_in_a_thread() -> None:
    time.sleep(WAIT_SECONDS)


@app.get("/computes")
async def computes() -> None:
    compute()


@app.get("/computes-in-a-thread")
def computes_in_a_thread() -> None:
    compute()


def compute() -> None:
    """Use a processor for some time, however busy the machine is."""
    end = time.thread_time() + COMPUTE_SECONDS
    while time.thread_time() < end:
        sum(range(100))


@pytest.mark.parametrize("path", ["/awaits", "/blocks-in-a-thread"])
def test_requests_that_wait_wait_together(path: str) -> None:
    # On a busy machine once more: what takes long for another reason does not show that they wait one after the other.
    assert min(together(path) for _ in range(3)) < REQUESTS * WAIT_SECONDS / 2


def test_what_blocks_the_event_loop_makes_all_others_wait() -> None:
    assert together("/blocks") >= REQUESTS * WAIT_SECONDS


@pytest.mark.parametrize("path", ["/computes", "/computes-in-a-thread"])
def test_computing_is_not_faster_in_a_coroutine_nor_in_threads(path: str) -> None:
    assert together(path) >= REQUESTS * COMPUTE_SECONDS


def together(path: str) -> float:
    """How long so many requests at once take, in seconds."""

    async def ask() -> float:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            await client.get(path)  # imports and threads are there afterwards
            began = time.perf_counter()
            await asyncio.gather(*(client.get(path) for _ in range(REQUESTS)))
            return time.perf_counter() - began

    return asyncio.run(ask())
