"""Source code worth learning from.

The bounds on lines are Codex's (Chen et al. 2021, arXiv 2107.03374, section 3.1). It also drops
files with few letters and digits, without saying how few; 0.25 is what BigCode took for The Stack.
"""

import ast
import re
import warnings
from collections.abc import Sequence

import numpy as np

from groundup.corpus.filters.check import above, below
from groundup.corpus.filters.config import CodeConfig
from groundup.corpus.filters.rule import Judgement, Verdicts, first_reasons
from groundup.corpus.filters.statistics import Batch

GENERATED = re.compile(
    r"auto-?\s?generated|automatically generated|generated (?:automatically|by|from|with)"
    r"|do not (?:edit|modify)|@generated",
    re.IGNORECASE,
)
LICENCES = {
    "Apache-2.0": r"Apache License,?\s+Version 2\.0|apache\.org/licenses/LICENSE-2\.0",
    "MIT": r"Permission is hereby granted, free of charge, to any person|\bMIT [Ll]icen[sc]e",
    "BSD-3-Clause": r"\b(?:3-clause|new|revised) BSD|\bBSD 3-clause|Neither the name of",
    "BSD-2-Clause": r"\b(?:2-clause|simplified) BSD|\bBSD 2-clause",
    "ISC": r"Permission to use, copy, modify, and/or distribute this software|\bISC [Ll]icen[sc]e",
    "MPL-2.0": r"Mozilla Public License,?\s+v(?:\.|ersion)? ?2\.0",
    "LGPL": r"GNU (?:Lesser|Library) General Public License|\bLGPL",
    "AGPL": r"GNU Affero General Public License|\bAGPL",
    "GPL": r"GNU General Public License|\bGPL",
    "Unlicense": r"released into the public domain|unlicense\.org",
    "proprietary": r"[Aa]ll rights reserved|[Cc]onfidential and proprietary",
}
"""What tells a licence in a file's first lines; of several, the first one here holds."""
SPDX = re.compile(r"SPDX-License-Identifier:\s*([\w.+-]+)")


class Code:
    """Drops source files that are generated, minified, data, broken, or under other licences."""

    reasons = (
        "code_long_lines",
        "code_long_line",
        "code_few_alphanumeric",
        "code_generated",
        "code_licence",
        "code_does_not_parse",
    )

    def __init__(self, config: CodeConfig | None = None) -> None:
        self.config = config or CodeConfig()
        self._licences = {name: re.compile(pattern) for name, pattern in LICENCES.items()}

    def __call__(self, texts: Sequence[str]) -> Verdicts:
        """Return a verdict for each file."""
        return [verdict for _, verdict in self.judge(texts).edits]

    def judge(self, texts: Sequence[str]) -> Judgement:
        """Return the files as they are, the verdicts, and what was measured."""
        config, batch = self.config, Batch.of(texts)
        lines, characters = batch.lines(), batch.num_characters
        num_lines = np.maximum(lines.lines, 1)
        alphanumeric = (lines.letters + lines.digits) / np.maximum(characters, 1)
        length = (characters - lines.newlines) / num_lines
        checks = (
            above(length, config.max_mean_line_length, scale="mean"),
            above(lines.longest_line, config.max_line_length),
            below(alphanumeric, config.min_alphanumeric),
        )
        verdicts = first_reasons(self.reasons[:3], checks)
        pairs = zip(texts, verdicts, strict=True)
        return Judgement([(text, verdict or self._read(text)) for text, verdict in pairs], checks)

    def _read(self, text: str) -> str | None:
        config = self.config
        if config.drop_generated and GENERATED.search(_first_lines(text, 5)):
            return "code_generated"
        if config.licences is not None:
            licence = self._licence(_first_lines(text, config.header_lines))
            if licence not in config.licences and (licence or not config.keep_without_licence):
                return "code_licence"
        if config.python_must_parse and not parses(text):
            return "code_does_not_parse"
        return None

    def _licence(self, header: str) -> str | None:
        """Return the licence that a file's first lines name, if they name one."""
        if identifier := SPDX.search(header):
            return identifier[1]
        joined = re.sub(r"\s+(?:[#*/;%-]+\s+)?", " ", header)  # over line ends and comment marks
        found = (name for name, pattern in self._licences.items() if pattern.search(joined))
        return next(found, None)


def parses(text: str) -> bool:
    """Tell whether this is Python for the parser of the Python that runs."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the code's own doubtful escapes
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _first_lines(text: str, num_lines: int) -> str:
    position = -1
    for _ in range(num_lines):
        position = text.find("\n", position + 1)
        if position < 0:
            return text
    return text[:position]
