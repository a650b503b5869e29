"""A contender's process: ``python -m race.worker CONTENDER FOLDER``.

An optimizer imports torch's compiler when it is first made, which takes seconds; imports are not
what is raced in, so that is done here for all.
"""

import importlib
import sys
from pathlib import Path

from race.job import Job

if __name__ == "__main__":
    contender = importlib.import_module(f"race.{sys.argv[1]}")
    for name in ("torch._dynamo", "torch._inductor.compile_fx"):
        importlib.import_module(name)
    contender.run(Job.read(Path(sys.argv[2])))
