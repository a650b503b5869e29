"""How many processors this process may use."""

import os


def available_cores() -> int:
    """Return the number of cores that the system lets this process run on."""
    if hasattr(os, "sched_getaffinity"):  # Linux: honours taskset, cgroup cpusets and schedulers
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
