"""C4's cleaning of pages (Raffel et al. 2020, arXiv 1910.10683, section 2.2) and mC4's filter."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.filters.check import Check, below
from groundup.corpus.filters.config import C4Config, MC4Config
from groundup.corpus.filters.rule import Edits, Judgement, Verdicts, first_reasons
from groundup.corpus.filters.sentences import count_sentences

CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
POLICIES = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)


class C4:
    """Takes out lines that are no sentences; drops pages on which few are left, and code."""

    reasons = (
        "c4_lorem_ipsum",
        "c4_curly_bracket",
        "c4_too_few_sentences",
    )

    def __init__(self, config: C4Config | None = None) -> None:
        self.config = config or C4Config()

    def __call__(self, texts: Sequence[str]) -> Verdicts:
        """Return a verdict for each text."""
        return [verdict for _, verdict in self.edit(texts)]

    def edit(self, texts: Sequence[str]) -> Edits:
        """Return each text without the lines that are taken out, and the verdict."""
        return self.judge(texts).edits

    def judge(self, texts: Sequence[str]) -> Judgement:
        """Return each text without the lines that are taken out, the verdict, and what was
        measured. Of a page of more lines than it needs sentences, its lines are counted.
        """
        pages = [self._clean(text) for text in texts]
        gone = [page if isinstance(page, str) else None for page in pages]
        left = [[] if isinstance(page, str) else page for page in pages]
        checks = (
            Check(np.array([reason == "c4_lorem_ipsum" for reason in gone], bool)),
            Check(np.array([reason == "c4_curly_bracket" for reason in gone], bool)),
            below(self._count_sentences(left), self.config.min_sentences),
        )
        verdicts = first_reasons(self.reasons, checks)
        edits: Edits = [
            ("\n".join(page).strip() if verdict is None else text, verdict)
            for text, page, verdict in zip(texts, left, verdicts, strict=True)
        ]
        return Judgement(edits, checks)

    def _clean(self, text: str) -> list[str] | str:
        """Return the lines that stay, or the reason to drop the page."""
        config = self.config
        lower = text.lower()
        # What is nowhere on the page need not be looked for in its lines.
        ipsum = config.drop_lorem_ipsum and "lorem ipsum" in lower
        bracket = config.drop_curly_brackets and "{" in text
        if config.implementation == "paper" and (ipsum or bracket):
            return "c4_lorem_ipsum" if ipsum else "c4_curly_bracket"
        javascript = config.drop_javascript_lines and "javascript" in lower
        policies = [p for p in POLICIES if p in lower] if config.drop_policy_lines else []
        citations = config.remove_citations and "[" in text
        endings, longest, least = config.line_endings, config.max_word_length, config.min_line_words
        kept = []
        for raw in text.splitlines():
            line = raw.strip()
            if longest and len(line) > longest and max(map(len, line.split())) > longest:
                continue
            enough_words = not least or len(line.split(None, least - 1)) == least
            if citations:
                line = CITATION.sub("", line)
            if endings and (not line.endswith(endings) or line.endswith("...")):
                continue
            if not enough_words:
                continue
            if ipsum or bracket or javascript or policies:
                line_lower = line.lower()
                if ipsum and "lorem ipsum" in line_lower:
                    return "c4_lorem_ipsum"
                if javascript and "javascript" in line_lower:
                    continue
                if bracket and "{" in line:
                    return "c4_curly_bracket"
                if any(policy in line_lower for policy in policies):
                    continue
            kept.append(line)
        return kept

    def _count_sentences(self, pages: Sequence[Sequence[str]]) -> NDArray[np.int64]:
        """Return sentences of pages, (D,), given as the lines that stay; of many, a part."""
        least = self.config.min_sentences or 0
        # A line with words has one sentence or more, so that few pages have to be counted.
        counts = [sum(not line.isspace() for line in page if line) for page in pages]
        few = [index for index, count in enumerate(counts) if count < least]
        sentences = iter(count_sentences([line for index in few for line in pages[index]]).tolist())
        for index in few:
            counts[index] = sum(next(sentences) for _ in pages[index])
        return np.array(counts, np.int64)


class MC4:
    """Drops pages with few long lines."""

    reasons = ("mc4_too_few_long_lines",)

    def __init__(self, config: MC4Config | None = None) -> None:
        self.config = config or MC4Config()

    def __call__(self, texts: Sequence[str]) -> Verdicts:
        """Return a verdict for each text."""
        return first_reasons(self.reasons, self.measure(texts))

    def measure(self, texts: Sequence[str]) -> Sequence[Check]:
        """Return the checks of the reasons."""
        least = self.config.min_line_length
        lines = [sum(len(line) >= least for line in text.split("\n")) for text in texts]
        return (below(np.array(lines, np.int64), self.config.min_lines),)
