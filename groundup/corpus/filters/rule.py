"""What a filter is: a rule that says which texts to drop and why, and a chain of rules.

A rule is called with texts and answers for each with None, which keeps it, or with the reason to
drop it, one of its ``reasons``. A rule that compares numbers with thresholds has ``measure``
besides, from which its verdicts follow; one that does more (C4 takes out lines) has ``judge``.
``judge`` and ``Chain.edit`` treat all alike.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.filters.check import Check
from groundup.corpus.filters.statistics import Batch

Verdicts = list[str | None]
"""For each text: None keeps it, a reason drops it."""

Edits = list[tuple[str, str | None]]
"""For each text: what it is now, and the verdict. A text that is dropped is as it was."""

Rows = NDArray[np.int64]

Told = Callable[[Rows, Sequence[str], Sequence[Check]], None]
"""Told which texts came to a rule, its reasons, and the checks of the first of them."""

GROUP_CHARACTERS = 1 << 18
"""Characters that a chain takes at a time: what is known of them stays in the processor's cache."""


class Rule(Protocol):
    """Decides text by text; holds nothing but its configuration."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason that the rule can give."""

    def __call__(self, texts: Sequence[str]) -> Verdicts:
        """Return a verdict for each text."""


class Judgement(NamedTuple):
    """What a rule says of some texts."""

    edits: Edits
    checks: Sequence[Check]
    """Of the rule's first reasons, in their order, which is that of precedence."""


@runtime_checkable
class Measurer(Rule, Protocol):
    """A rule of thresholds; called, it gives the first reason whose check drops a text."""

    def measure(self, texts: Sequence[str]) -> Sequence[Check]:
        """Return the checks of the reasons, in their order, which is that of precedence."""


@runtime_checkable
class Judge(Rule, Protocol):
    """A rule that rewrites texts, or measures for some reasons only; called, it gives verdicts."""

    def judge(self, texts: Sequence[str]) -> Judgement:
        """Return each text as it shall be, the verdict, and what was measured."""


class Chain:
    """Rules one after the other: each sees what all before it kept, as they left it.

    Rules that ask for the same statistics share them, up to the rule that rewrites a text.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason that one of the rules can give."""
        return tuple(dict.fromkeys(reason for rule in self.rules for reason in rule.reasons))

    def __call__(self, texts: Sequence[str]) -> Verdicts:
        """Return for each text the first reason to drop it, None if there is none."""
        return [verdict for _, verdict in self.edit(texts)]

    def edit(self, texts: Sequence[str], told: Told | None = None) -> Edits:
        """Return each text as the rules leave it, and the verdict.

        Args:
            texts: to judge.
            told: is called with what each rule measured, and of which of the texts.
        """
        edited: Edits = [(text, None) for text in texts]
        for rows in _groups(texts):
            self._edit_group([texts[row] for row in rows], rows, edited, told)
        return edited

    def _edit_group(
        self, texts: Sequence[str], rows: Sequence[int], edited: Edits, told: Told | None
    ) -> None:
        parts = [(np.array(rows), Batch(texts))]
        for rule in self.rules:
            judgements = [(rows, batch, judge(rule, batch)) for rows, batch in parts]
            parts = []
            for part_rows, batch, (results, checks) in judgements:
                if told is not None and checks:
                    told(part_rows, rule.reasons, checks)
                for row, result in zip(part_rows.tolist(), results, strict=True):
                    edited[row] = result
                parts += _split(part_rows, batch, results)


def judge(rule: Rule, texts: Sequence[str]) -> Judgement:
    """Return each text as the rule leaves it, the verdict, and what was measured if it tells."""
    if isinstance(rule, Judge):
        return rule.judge(texts)
    checks = rule.measure(texts) if isinstance(rule, Measurer) else ()
    verdicts = first_reasons(rule.reasons, checks) if checks else rule(texts)
    return Judgement(list(zip(texts, verdicts, strict=True)), checks)


def _groups(texts: Sequence[str]) -> Iterator[range]:
    """Yield successive rows of texts with about GROUP_CHARACTERS together."""
    first = characters = 0
    for row, text in enumerate(texts):
        characters += len(text)
        if characters >= GROUP_CHARACTERS:
            yield range(first, row + 1)
            first, characters = row + 1, 0
    if first < len(texts):
        yield range(first, len(texts))


def _split(rows: Rows, batch: Batch, results: Edits) -> Iterator[tuple[Rows, Batch]]:
    """Yield the texts that were kept: those left as they were know what they knew, others anew."""
    kept = np.array([verdict is None for _, verdict in results], bool)
    same = np.array(
        [text == before for (text, _), before in zip(results, batch, strict=True)], bool
    )
    if (unchanged := np.flatnonzero(kept & same)).size:
        yield rows[unchanged], batch.take(unchanged)
    if (changed := np.flatnonzero(kept & ~same)).size:
        yield rows[changed], Batch([results[index][0] for index in changed])


def first_reasons(reasons: Sequence[str], checks: Sequence[Check]) -> Verdicts:
    """Return each text's first reason whose check drops it; None where none does."""
    verdicts: Verdicts = [None] * len(checks[0].failed)
    for reason, check in reversed(list(zip(reasons, checks, strict=True))):
        for row in np.flatnonzero(check.failed).tolist():
            verdicts[row] = reason
    return verdicts
