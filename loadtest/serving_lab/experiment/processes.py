"""The processes of a service on this machine, as the kernel knows them: who listens, and what they use."""

import contextlib
import socket
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from serving_lab.api.endpoint import Endpoint

_BUSY = 0.05
"""Cores from which on a program is named."""
_LISTENING = "0A"
"""State of a socket in /proc/net/tcp; see proc(5)."""
_FORWARDING = {
    *("com.docker.backend", "conmon", "docker-proxy", "gvproxy", "kubectl", "pasta", "rootlesskit", "rootlessport"),
    *("slirp4netns", "socat", "ssh", "sshd", "vpnkit", "vpnkit-bridge"),
}
"""Programs that listen for a service that is elsewhere: what they use is not what it uses."""


def listening(endpoint: Endpoint) -> int | None:
    """Return the first process of the service that answers there; None where that is not of this machine, or unknown.

    Of several processes that listen together it is the one above the others. Other users' processes need root.
    """
    if not is_here(endpoint):
        return None
    holders = list(_holders(_sockets(endpoint.port, _addresses(endpoint))))
    tops = [each for each in holders if _parent(each) not in {other.pid for other in holders}]
    with contextlib.suppress(psutil.Error):
        if len(tops) == 1:
            return None if tops[0].name() in _FORWARDING else tops[0].pid
        # Each opened a socket of its own for the port: their parent is of the service if it runs the same program.
        above = {_parent(each) for each in tops}
        if len(above) == 1 and (parent := psutil.Process(above.pop())).exe() == tops[0].exe():
            return parent.pid
    return None


def is_here(endpoint: Endpoint) -> bool:
    """Whether its address is one of this machine."""
    own = {each.address.partition("%")[0] for interface in psutil.net_if_addrs().values() for each in interface}
    return any(each in own or each.startswith("127.") for each in _addresses(endpoint))


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all below it; nothing where it is gone."""
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def cpu_seconds(members: Sequence[psutil.Process]) -> float | None:
    """Return the CPU time of processes and of their children that have died; None where they may not be asked."""
    try:
        return sum(_used(member) + _waited(member.cpu_times()) for member in members) if members else None
    except (psutil.Error, ProcessLookupError):
        return None


def waited_seconds(members: Sequence[psutil.Process]) -> float | None:
    """Return how long threads were ready to run and had no processor; None where the kernel does not say.

    A thread that has ended is no longer counted.
    """
    waited, told = 0, False
    for member in members:
        for file in Path("/proc", str(member.pid), "task").glob("*/schedstat"):
            # The thread may have ended meanwhile.
            with contextlib.suppress(OSError, IndexError, ValueError):
                waited += int(file.read_text().split()[1])
                told = True
    return waited / 1e9 if told else None


def pss_bytes(members: Sequence[psutil.Process]) -> int | None:
    """Return the sum of the proportional set sizes; None where they may not be asked."""
    sizes = []
    for member in members:
        try:
            size = getattr(member.memory_full_info(), "pss", None)
        except psutil.NoSuchProcess:
            continue
        except psutil.Error:
            return None
        if size is None:
            return None
        sizes.append(int(size))
    return sum(sizes) if sizes else None


class Programs:
    """CPU time of all programs of this machine at one moment, to tell who was busy since."""

    def __init__(self) -> None:
        self._clock = time.perf_counter()
        self._used = _all_cpu_seconds()

    def busiest(self, without: Collection[int], most: int = 3) -> str:
        """Return in words who used processors since, such as `python 0.97, dockerd 0.41`, in cores.

        Args:
            without: Processes that are not meant, and all below them.
            most: How many are named.
        """
        passed = time.perf_counter() - self._clock
        meant = {member.pid for pid in without for member in tree(pid)}
        grown: dict[str, float] = {}
        for (pid, name), used in _all_cpu_seconds().items():
            seconds = used - self._used.get((pid, name), 0.0)
            if seconds > 0 and pid not in meant and not _is_generator(pid):
                grown[name] = grown.get(name, 0.0) + seconds
        first = sorted(grown.items(), key=lambda each: -each[1])[:most]
        return ", ".join(f"{name} {seconds / passed:.2f}" for name, seconds in first if seconds / passed >= _BUSY)


def _is_generator(pid: int) -> bool:
    """Whether it sends the lab's load, which in a container is none of its children."""
    try:
        return "serving_lab.generator" in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _all_cpu_seconds() -> dict[tuple[int, str], float]:
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            found[process.pid, process.name()] = times.user + times.system
    return found


def _used(process: psutil.Process) -> float:
    """CPU time of a process itself (s), to the nanosecond where the system can tell.

    In /proc it is counted in hundredths: a service that answered a few dozen requests may have used none.

    Raises:
        ProcessLookupError: it is gone.
    """
    if sys.platform != "linux":
        times = process.cpu_times()
        return float(times.user + times.system)
    try:
        # How the C library makes a process' clock of its number: clock_getcpuclockid(3), CPUCLOCK_SCHED.
        return time.clock_gettime((~process.pid << 3) | 2)
    except OSError as error:
        raise ProcessLookupError(process.pid) from error


def _waited(times: Any) -> float:  # noqa: ANN401 - its type depends on the system
    """CPU time of children that have died."""
    return float(getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0))


def _parent(process: psutil.Process) -> int:
    try:
        return int(process.ppid())
    except psutil.Error:
        return 0


def _addresses(endpoint: Endpoint) -> set[str]:
    try:
        found = socket.getaddrinfo(endpoint.hostname, endpoint.port, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    return {str(address[0]) for *_, address in found}


def _sockets(port: int, addresses: set[str]) -> set[str]:
    """The inodes of sockets that listen at the port: at one of the addresses, else at all of this machine."""
    exact, every = set[str](), set[str]()
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        try:
            lines = Path("/proc/net", name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            local, _, hexadecimal = fields[1].partition(":")
            if fields[3] != _LISTENING or int(hexadecimal, 16) != port:
                continue
            address = _address(local, family)
            if address in addresses:
                exact.add(fields[9])
            elif address in ("0.0.0.0", "::"):  # noqa: S104 - what it is compared with
                every.add(fields[9])
    return exact or every


def _address(hexadecimal: str, family: socket.AddressFamily) -> str:
    words = [hexadecimal[at : at + 8] for at in range(0, len(hexadecimal), 8)]
    # The kernel writes each word as this machine holds it.
    packed = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    return socket.inet_ntop(family, packed)


def _holders(inodes: set[str]) -> Iterator[psutil.Process]:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    if not wanted:
        return
    for directory in Path("/proc").glob("[0-9]*/fd"):
        # Of another user, or gone meanwhile.
        with contextlib.suppress(OSError, psutil.Error):
            if any(_points_to(entry) in wanted for entry in directory.iterdir()):
                yield psutil.Process(int(directory.parent.name))


def _points_to(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:
        return ""
