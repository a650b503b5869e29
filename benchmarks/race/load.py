"""How busy the cores were, and with whom: a heat that shared them is no measurement."""

import os
import resource
import time
from pathlib import Path
from typing import Any

MOST_DISTURBED = 0.05
"""Of the time of all cores, for other programs; more, and a heat should be run again."""


class Watch:
    """What a process that is started and waited for takes of the cores, and what others take.

    Args:
        cores: on which it runs; by default where this process may.
    """

    def __init__(self, cores: set[int] | None = None) -> None:
        self.cores = cores or os.sched_getaffinity(0)
        self._start, self._load = self._now(), os.getloadavg()[0]

    def _now(self) -> tuple[float, float, float | None]:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        stat = Path("/proc/stat")
        busy = busy_seconds(stat.read_text(), self.cores) if stat.is_file() else None
        return time.perf_counter(), used.ru_utime + used.ru_stime, busy

    def facts(self) -> dict[str, Any]:
        """Return what a result records of it.

        ``cores_used`` is CPU seconds over seconds on the wall, ``disturbed`` the share of all cores
        that others took (None where the system does not say), ``load`` the average at both ends.
        """
        wall, own, busy = (
            None if then is None or now is None else now - then
            for then, now in zip(self._start, self._now(), strict=True)
        )
        assert wall is not None
        assert own is not None
        others = None if busy is None else max(busy - own, 0.0) / (len(self.cores) * wall)
        return {
            "wall_seconds": round(wall, 2),
            "cpu_seconds": round(own, 2),
            "cores_used": round(own / wall, 3),
            "disturbed": None if others is None else round(others, 4),
            "load": [self._load, os.getloadavg()[0]],
        }


def busy_seconds(stat: str, cores: set[int]) -> float:
    """Return what ``/proc/stat`` says of the seconds that some cores have computed, for anyone.

    User, nice, system, interrupts of both kinds, and what another machine on the same cores stole;
    not idle, and not waiting for a disk.
    """
    ticks = 0
    for line in stat.splitlines():
        name, *counts = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in cores:
            user, nice, system, _, _, hard, soft, stolen = (int(count) for count in counts[:8])
            ticks += user + nice + system + hard + soft + stolen
    return ticks / os.sysconf("SC_CLK_TCK")


def is_disturbed(result: dict[str, Any]) -> bool:
    """Return whether other programs took the cores from a heat."""
    return (result.get("disturbed") or 0.0) > MOST_DISTURBED
