import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from groundup.corpus.filters.characters import TERMINAL, character_table
from groundup.corpus.filters.statistics import Batch

PIECES = st.sampled_from(
    [
        "\n",
        "\n",
        "\n\n",
        "\n\n\n",
        "\r\n",
        "\r",
        "\x00",
        "\x0b",
        "\x1c",
        "\x1f",
        "\x85",
        "\u2028",
        "\u2029",
        " ",
        "\t",
        "a",
        "a line",
        "A line.",
        "- item",
        "• item",
        "more...",
        "more…",
        "....",
        "#",
        "é",
        "中。",
        "5٣",
        "ǅ",
        "𝟜",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=2), max_size=15).map("".join)
TERMINALS = tuple(chr(code) for code in range(0x110000) if character_table()[code] & TERMINAL)


def duplicates(lines: list[str]) -> tuple[int, int]:
    seen: set[str] = set()
    again = [line for line in lines if line in seen or seen.add(line)]  # type: ignore[func-returns-value]
    return len(again), sum(map(len, again))


def counted(text: str) -> dict[str, int]:
    """Return what ``LineCounts`` should hold, by plain Python."""
    lines = text.splitlines()
    filled = [line for line in text.split("\n") if line.strip()]
    runs = re.split(r"\n+", text)
    paragraphs = re.split(r"\n{2,}", text.strip())
    return {
        "letters": sum(map(str.isalpha, text)),
        "upper": sum(unicodedata.category(c) in ("Lu", "Lt") for c in text),
        "digits": sum(map(str.isdecimal, text)),
        "spaces": sum(map(str.isspace, text)),
        "newlines": text.count("\n"),
        "hashes": text.count("#"),
        "ellipses": text.count("...") + text.count("…"),
        "lines": len(lines),
        "bullet_lines": sum(line.lstrip().startswith(("•", "-")) for line in lines),
        "ellipsis_lines": sum(line.rstrip().endswith(("...", "…")) for line in lines),
        "longest_line": max(map(len, lines), default=0),
        "filled_lines": len(filled),
        "terminal_lines": sum(line.endswith(TERMINALS) for line in filled),
        "short_lines": sum(len(line) <= 5 for line in filled),
        "duplicate_filled_characters": duplicates(filled)[1],
        "runs": len(runs),
        "duplicate_runs": duplicates(runs)[0],
        "duplicate_run_characters": duplicates(runs)[1],
        "paragraphs": len(paragraphs),
        "duplicate_paragraphs": duplicates(paragraphs)[0],
        "duplicate_paragraph_characters": duplicates(paragraphs)[1],
    }


@given(TEXTS)
@example("\r")
@example("\n\n\n")
@example("a\n\n\n\r\na")
def test_counts_are_those_of_strings(text: str) -> None:
    counts = Batch([text]).lines(short_length=5)
    assert {name: int(values[0]) for name, values in counts._asdict().items()} == counted(text)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        "\n" * 1_000_000,
        "\r" * 1_000_000,
        "\0" * 1_000_000,
        "a\n\n" * 300_000,
        " \n" * 500_000,
        "....\u2028" * 200_000,
        "\n".join(map(str, range(150_000))),
        "\n\n".join(map(str, range(120_000))),
    ],
    ids=lambda text: repr(text[:6]),
)
def test_long_texts_of_one_kind_are_counted_soon(text: str) -> None:
    Batch(["a\nb"]).lines(short_length=5)  # compiles
    start = time.perf_counter()
    counts = Batch([text]).lines(short_length=5)
    assert time.perf_counter() - start < 5  # 0.02 s
    assert {name: int(values[0]) for name, values in counts._asdict().items()} == counted(text)


@given(st.lists(TEXTS, max_size=4))
def test_counts_do_not_depend_on_the_texts_around(texts: list[str]) -> None:
    together = Batch(texts).lines()
    for row, text in enumerate(texts):
        alone = Batch([text]).lines()
        assert [int(values[row]) for values in together] == [int(values[0]) for values in alone]
