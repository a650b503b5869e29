"""What is known of a finished corpus, in ``corpus.json``: the last file to be written."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from groundup.corpus.account import Account
from groundup.corpus.compare import EQUAL, Compared
from groundup.corpus.config import CorpusConfig
from groundup.corpus.thresholds import score_thresholds
from groundup.corpus.write import Written
from groundup.files import write_json

SUMMARY = "corpus.json"


def save_summary(folder: Path, value: dict[str, Any]) -> None:
    """Write the summary; from here on the passes' own files may go."""
    write_json(folder / SUMMARY, value)


def read_summary(folder: Path) -> dict[str, Any] | None:
    """Return the summary, or None where there is no whole one."""
    try:
        value: dict[str, Any] = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return value


def summarize(
    config: CorpusConfig,
    compared: Compared,
    account: Account,
    written: Written,
    clusters: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return all that is known of a corpus, JSON-like: ``result`` is what its stage records."""
    funnel = account.funnel
    ends = {source: flows[funnel.steps[-1]].kept for source, flows in funnel.flows.items()}
    result = {
        "documents": int(compared.fates.stays.sum()),
        "bytes": written.train.num_bytes + written.validation.num_bytes,
        "split": compared.how,
        "train": written.train.summary(),
        "validation": written.validation.summary(),
        "blank_documents": funnel.step("blank").dropped_documents("blank"),
        "duplicates": funnel.step(EQUAL).dropped_documents("equal text"),
        **account.tally.summary(),
        "sources": {
            source: {"documents": c.documents, "bytes": c.bytes} for source, c in ends.items()
        },
        "steps": funnel.steps,
        "funnel": funnel.to_json(),
    }
    return {
        "result": result,
        "config": config.model_dump(mode="json", exclude={"workers"}),
        "samples": {
            label: [asdict(example) for example in account.samples.examples(label)]
            for label in sorted(account.samples.drawn)
        },
        "distributions": account.distributions.to_json(),
        "measures": account.measures.to_json(),
        "thresholds": score_thresholds(config),
        "clusters": clusters,
    }
