"""The race: groundup and its rivals on the same cores and bytes for the same time on the clock.

    python benchmarks/race.py --budget 3m --corpus shakespeare stdlib --seeds 0 1 2
    python benchmarks/race.py --report

One contender at a time, each a process of its own that is given a training text, a validation text,
seconds, a seed and threads. Its clock runs from the making of the model to the last step, compiling
and its own validations included; tokenizers, imports and the final scoring are outside of it, and
recorded. groundup is called as a library, so that OpenMP's threads wait as they do for the rivals;
its command has them wait more quietly, which costs a tenth of the speed of a machine of its own.
The score is the sum of nats over the whole validation text (race/score.py: one rule for all, with
half a context before each token), over its bytes; ids that do not spell that text to the byte are
refused.

A rival runs as it is shipped for a CPU and in the best of the small configurations that we tried
for it (race/settings.py); its schedule follows the clock and begins when all is compiled, so that
it ends annealed. A rival finishes the step it is in when its time is over, where groundup begins
none that would not end in time: the table says how late the latest was. Each result is a file of
its own in --results, benchmarks/race/results by default: what is there is not run again, so a race
can be run in pieces, and goes on after a kill with the heat it was in; --retry runs again what
failed, and heats from which other programs took the cores (race/load.py), which the table marks. To
race on a machine of your own, name a folder of your own.

To try other settings, on text held out of the training text, without a look at what is scored:

    python benchmarks/race.py --tune --budget 1m --only nanogpt-tuned --set learning_rate=4e-3
"""

import argparse
import fcntl
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from race.chart import picture
from race.corpora import corpus, shared_data
from race.report import ratios, read_results, table
from race.run import Heat, run_heat
from race.settings import SETTINGS, changed, settings_for

CORPORA = ("shakespeare", "stdlib", "stories")

WORDS = {"True": True, "False": False, "None": None}
"""Values of --set that JSON spells otherwise; as text, "False" would be true."""

TUNING = "-tuning"
"""Behind a corpus's name in results of --tune, that they are not taken for those of a race."""


def seconds(text: str) -> float:
    """Return the seconds of ``90s``, ``3m`` or ``90``."""
    for unit, factor in (("s", 1), ("m", 60), ("h", 3600)):
        if text.endswith(unit):
            return float(text[:-1]) * factor
    return float(text)


def names(text: str) -> list[str]:
    """Return the parts of a comma-separated list."""
    return [part for part in text.split(",") if part]


def change(text: str) -> tuple[str, Any]:
    """Return key and value of ``key=value``; the value is JSON or Python's word, or else text."""
    key, _, value = text.partition("=")
    if value in WORDS:
        return key, WORDS[value]
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def heats(options: argparse.Namespace) -> list[tuple[Heat, dict[str, Any]]]:
    """Return what is to be run, seed by seed, so that what is compared is run close together."""
    changes = dict(options.set)
    suffix = "".join(f"+{key}={value}" for key, value in changes.items())
    everyone = [f"{contender}-{kind}" for contender, kind in SETTINGS]
    for part in options.only:
        if not any(who.startswith(part) for who in everyone):
            raise ValueError(f"--only {part}: nobody is called so; there are {', '.join(everyone)}")
    found = []
    for name in options.corpus:
        for seed in options.seeds:
            for contender, kind in SETTINGS:
                who = f"{contender}-{kind}"
                if options.only and not any(who.startswith(part) for part in options.only):
                    continue
                settings = settings_for(contender, kind, name, options.budget)
                where = name + TUNING if options.tune else name
                heat = Heat(contender, kind + suffix, where, options.budget, seed)
                found.append((heat, changed(settings, changes)))
    return found


def race(todo: list[tuple[Heat, dict[str, Any]]], options: argparse.Namespace) -> None:
    """Run all heats that have no result yet, one after the other."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stops the contender too
    texts: dict[str, tuple[bytes, bytes]] = {}
    for place, (heat, settings) in enumerate(todo, start=1):
        if heat.corpus not in texts:
            name = heat.corpus.removesuffix(TUNING)
            found = corpus(name, shared_data(), tune=options.tune)
            most = options.most_bytes or None
            texts[heat.corpus] = (cut(found[0], most), cut(found[1], most and most // 4))
        print(f"{place}/{len(todo)} {heat.name}", end=" ", flush=True)
        result = run_heat(
            heat,
            settings,
            texts[heat.corpus],
            threads=options.threads or len(os.sched_getaffinity(0)),
            results=options.results,
            work=options.work,
            retry=options.retry,
        )
        if "error" in result:
            print(result["error"], flush=True)
        else:
            print(
                f"{result['bits_per_byte']:.4f} bits/byte, {result['nats_per_character']:.4f} "
                f"nats/character, {result['steps']} steps in {result['seconds']:.1f} s",
                flush=True,
            )


def cut(text: bytes, most: int | None) -> bytes:
    """Return the first ``most`` bytes, or a few less where a character would be cut."""
    return text[:most].decode(errors="ignore").encode()


def main() -> None:
    """Run the race, or report what is there of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    here = Path(__file__).parent
    parser.add_argument("--budget", type=seconds, default=180.0, help="90s, 3m")
    parser.add_argument("--corpus", nargs="*", choices=CORPORA, default=["shakespeare"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--only", type=names, default=[], help="nanogpt,groundup,litgpt-tuned")
    parser.add_argument("--set", nargs="*", type=change, default=[], help="settings to change")
    parser.add_argument("--threads", type=int, default=0, help="by default as many as cores")
    parser.add_argument("--tune", action="store_true", help="hold out a part of the training text")
    parser.add_argument("--results", type=Path, help="race/results; with --tune runs/tuning")
    parser.add_argument(
        "--work", type=Path, default=here.parent / "runs" / "race", help="rivals' environments, &c."
    )
    parser.add_argument("--most-bytes", type=int, default=0, help="of a text, for a quick look")
    parser.add_argument(
        "--retry", action="store_true", help="run again what failed or was disturbed"
    )
    parser.add_argument("--report", action="store_true", help="table, picture, ratios")
    parser.add_argument("--svg", type=Path, help="benchmarks/race.svg; with --tune in --results")
    options = parser.parse_args()
    if options.results is None:
        if (options.most_bytes or options.threads) and not options.tune:
            parser.error("with --most-bytes or --threads name a folder of your own: --results")
        tuning, results = here.parent / "runs" / "tuning", here / "race" / "results"
        options.results = tuning if options.tune else results
    if options.svg is None:
        options.svg = (options.results if options.tune else here) / "race.svg"
    if not options.report:
        for folder in (options.results, options.work):
            folder.mkdir(parents=True, exist_ok=True)
        with (options.work / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                sys.exit(f"{options.work}: a race is on; two at a time would share the cores")
            try:
                todo = heats(options)
            except ValueError as error:
                parser.error(str(error))
            race(todo, options)
        return
    results = read_results(options.results)
    if not results:
        sys.exit(f"{options.results}: no results; run the race first")
    print(table(results))
    options.svg.write_text(picture(results), encoding="utf-8")
    print(json.dumps({"benchmark": "race", "ratios": ratios(results)}))


if __name__ == "__main__":
    main()
