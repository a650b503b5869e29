"""The corpus stage: sources → documents → Parquet, in passes that can be broken off.

    gather       what the user names → files, grouped into parts
    make         each part by itself: read, and every step that looks at one document (``part.py``)
    compare      all documents, by their ids and signatures (``compare.py``)
    write        what stays → train and validation, and every record → the ledger (``write.py``)
    show         funnel, examples, histograms → corpus.json and report.html

A corpus of one part goes the same way as one of ten thousand. What the passes made stays until the
end, so that after a kill only the parts in work are made again; the files are the same, byte for
byte, however often that happened and however many workers there were.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from groundup.corpus.account import Account
from groundup.corpus.compare import MIX, Compared, compare
from groundup.corpus.config import CorpusConfig
from groundup.corpus.duplicates import store_signatures
from groundup.corpus.engine import run_tasks
from groundup.corpus.examples import add_examples, largest_clusters
from groundup.corpus.funnel import Funnel
from groundup.corpus.gather import gather
from groundup.corpus.notes import NOTES
from groundup.corpus.part import SEEN, part_folder, read_account
from groundup.corpus.parts import PART_BYTES, Plan
from groundup.corpus.report import report_page
from groundup.corpus.steps import make_decontaminator
from groundup.corpus.summary import read_summary, save_summary, summarize
from groundup.corpus.tasks import PLAN, make_worker
from groundup.corpus.write import Written, write_ledger, write_splits
from groundup.errors import UsageError, UserError
from groundup.files import write_atomic
from groundup.progress import progress_bar

REPORT = "report.html"

PASSES = ("parts", "lines", "lined", NOTES)
"""Folders of what the passes make, removed at the end."""


def build_corpus(
    config: CorpusConfig, folder: Path, *, part_bytes: int = PART_BYTES
) -> dict[str, Any]:
    """Read the sources, keep what is worth keeping, split it, and write it to ``folder``.

    The same sources give the same files, byte for byte. Memory does not grow with the text: each
    worker holds a batch, and the main process about 200 bytes a document where near-duplicates are
    looked for.

    Args:
        config: the sources, and what is done with their text.
        folder: exists, and is empty or holds what an earlier call with the same sources and
            configuration had made before something broke it off. Gets ``train-00000.parquet``, …,
            ``validation-00000.parquet``, …, ``ledger.parquet``, ``corpus.json``, ``report.html``.
        part_bytes: files in a part, which is what one worker works on; the corpus is the same.

    Returns:
        A summary: documents, bytes of text, the split that was taken and each side's counts, the
        funnel, and what was dropped or skipped, with reasons.

    Raises:
        UserError: a source cannot be read, there is no text in any, or a split is empty.
        OSError: the system cannot read a source or write to the folder.
    """
    summary = read_summary(folder)
    if summary is None:
        _clear_leftovers(folder)
        try:
            with progress_bar() as progress:
                plan = _plan(config, folder, part_bytes, progress)
                summary = _build(plan, folder, progress)
        finally:
            _clear_leftovers(folder)
        write_atomic(folder / REPORT, report_page(summary))
        save_summary(folder, summary)
    for name in PASSES:
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / PLAN).unlink(missing_ok=True)
    return summary["result"]


def _clear_leftovers(folder: Path) -> None:
    """Remove what processes that were ended have half made: it may be what fills the disk."""
    for name in PASSES:
        for leftover in folder.glob(f"{name}/.*"):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)


def _plan(config: CorpusConfig, folder: Path, part_bytes: int, progress: Progress) -> Plan:
    """Group the files; work that an earlier call did by another plan is thrown away."""
    plan = Plan.of(config, gather(config, progress), part_bytes)
    if not plan.is_saved(folder / PLAN):
        for name in PASSES:
            shutil.rmtree(folder / name, ignore_errors=True)
        plan.save(folder / PLAN)
    return plan


def _build(plan: Plan, folder: Path, progress: Progress) -> dict[str, Any]:
    config, num_parts = plan.config, len(plan.parts)
    _make_parts(plan, folder, progress)
    accounts = [read_account(part_folder(folder, number)) for number in range(num_parts)]
    account = Account.empty(accounts[0].funnel.steps)
    for part in accounts:
        account.merge(part)
    _check_text(config, account)

    def run(tasks: Sequence[str]) -> None:
        task = progress.add_task(tasks[0].split()[0], total=len(tasks), unit="parts")
        run_tasks(
            tasks,
            make_worker,
            folder,
            workers=config.workers,
            done=lambda _: progress.advance(task),
        )

    compared = compare(config, folder, num_parts, account.funnel, run)
    written = _write(config, folder, compared, account, progress)
    _check_sides(config, compared, written, account.funnel)
    write_ledger(folder, num_parts, compared)
    add_examples(account.samples, compared)
    clusters = largest_clusters(compared)
    if config.dedup.store is not None:
        parts = [part_folder(folder, number) for number in range(num_parts)]
        store_signatures(parts, config.dedup)
    summary = summarize(config, compared, account, written, clusters)
    if config.decontaminate.benchmarks:
        summary["result"]["benchmarks"] = _contamination(config, folder, num_parts)
    return summary


def _make_parts(plan: Plan, folder: Path, progress: Progress) -> None:
    """Make the parts that are not there."""
    done = [number for number in range(len(plan.parts)) if part_folder(folder, number).exists()]
    finished = sum(map(plan.part_bytes, done))
    shown = finished
    task = progress.add_task("read", total=plan.num_bytes, completed=finished, unit="bytes")

    def count(finished_task: str) -> None:
        nonlocal finished
        finished += plan.part_bytes(int(finished_task.split()[1]))
        show(0)

    def show(in_work: int) -> None:
        nonlocal shown
        # a bar that steps back forgets its rate: notes are met half written, readers jump about
        shown = max(shown, min(finished + in_work, plan.num_bytes))
        progress.update(task, completed=shown)

    run_tasks(
        [f"make {number}" for number in range(len(plan.parts)) if number not in set(done)],
        make_worker,
        folder,
        workers=plan.config.workers,
        done=count,
        moved=show,
    )


def _write(
    config: CorpusConfig, folder: Path, compared: Compared, account: Account, progress: Progress
) -> Written:
    """Write the splits, account for what is written twice, and check that nothing is lost."""
    fates, funnel = compared.fates, account.funnel
    total = int(fates.rows["bytes"][fates.stays].sum())
    task = progress.add_task("write", total=total, unit="bytes")
    written = write_splits(
        folder,
        compared,
        config.validation_fraction,
        account.distributions,
        lambda size: progress.advance(task, size),
    )
    for origin, count in written.repeats.items():
        flow = funnel.flow(config.sources[origin], MIX)
        flow.repeated += count
        flow.kept += count
    funnel.check(written.whole)
    return written


def _contamination(config: CorpusConfig, folder: Path, num_parts: int) -> dict[str, Any]:
    """Return how many items of each benchmark were met in all parts together."""
    decontaminator = make_decontaminator(config.decontaminate)
    seen = decontaminator.overlaps([]).seen
    for number in range(num_parts):
        found = np.load(part_folder(folder, number) / SEEN)
        if len(found):
            seen = seen | found
    return decontaminator.report(seen)


def _check_text(config: CorpusConfig, account: Account) -> None:
    """Refuse a corpus without text, saying why it is so."""
    names, funnel = ", ".join(config.sources), account.funnel
    if not funnel.step(funnel.steps[-1]).kept.documents:
        raise UserError(f"no text in {names} ({_why(funnel)}); name files with text in sources")
    if config.document_separator is not None and not account.tally.separators:
        raise UsageError(
            f"document_separator {config.document_separator!r} is in no text file of {names};"
            " correct it or leave it out"
        )


def _check_sides(
    config: CorpusConfig, compared: Compared, written: Written, funnel: Funnel
) -> None:
    """Refuse a split that leaves nothing to train on, or nothing to measure with."""
    documents = int(compared.fates.stays.sum())
    if not documents:
        raise UserError(f"no document is left ({_why(funnel)}); loosen what drops them")
    for side, writer in (("train", written.train), ("validation", written.validation)):
        if not writer.num_documents:
            advice = 'a larger validation_fraction or split = "tail"'
            if compared.how == "tail":
                advice = "more text"
            elif side == "train":
                advice = 'a smaller validation_fraction or split = "tail"'
            raise UserError(
                f"of {documents:,} documents none falls to {side}"
                f" (validation_fraction {config.validation_fraction:g}); use {advice}"
            )


def _why(funnel: Funnel) -> str:
    """Return the most frequent reasons that documents were dropped for."""
    found = sorted(funnel.reasons(), key=lambda found: -found[2].documents)
    return "; ".join(f"{count.documents:,} × {reason}" for _, reason, count, _ in found[:3])
