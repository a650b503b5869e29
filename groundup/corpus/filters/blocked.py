"""Lists of words and addresses that nothing in the corpus may have."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from groundup.corpus.filters.check import Check, above
from groundup.corpus.filters.config import BlockedUrlsConfig, BlockedWordsConfig
from groundup.corpus.filters.rule import Verdicts, first_reasons
from groundup.errors import UserError
from groundup.files import expand_user

WORD = re.compile(r"\w+")


def read_list(path: Path) -> tuple[str, ...]:
    """Return a file's lines without white space around them, except empty ones and # comments.

    Raises:
        UserError: the file cannot be read as UTF-8 text.
    """
    try:
        lines = expand_user(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UserError(f"cannot read the list {path}: {reason}; name a UTF-8 text file") from None
    stripped = (line.strip() for line in lines)
    return tuple(line for line in stripped if line and not line.startswith("#"))


class BlockedWords:
    """Drops texts with words of a list."""

    reasons = ("blocked_word",)

    def __init__(self, config: BlockedWordsConfig) -> None:
        self.config = config
        listed = {word.lower() for word in config.words}
        if config.file is not None:
            listed |= {word.lower() for word in read_list(config.file)}
        simple = {word for word in listed if config.whole_words and WORD.fullmatch(word)}
        self._words = frozenset(simple)
        self._phrases = tuple(sorted(listed - simple))

    def __call__(self, texts: Sequence[str]) -> Verdicts:
        """Return a verdict for each text."""
        return first_reasons(self.reasons, self.measure(texts))

    def measure(self, texts: Sequence[str]) -> Sequence[Check]:
        """Return the checks of the reasons."""
        found = np.array([self._found(text.lower()) for text in texts], np.int64)
        return (above(found, self.config.min_occurrences, or_equal=True),)

    def _found(self, lower: str) -> int:
        found = len(self._words.intersection(WORD.findall(lower))) if self._words else 0
        return found + sum(self._stands_in(phrase, lower) for phrase in self._phrases)

    def _stands_in(self, phrase: str, lower: str) -> bool:
        if phrase not in lower:
            return False
        if not self.config.whole_words:
            return True
        return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", lower) is not None


class BlockedUrls:
    """Drops documents by their address. Unlike other rules it is called with addresses."""

    reasons = ("blocked_domain", "blocked_url")

    def __init__(self, config: BlockedUrlsConfig) -> None:
        self.config = config
        domains = _with_file(config.domains, config.domains_file)
        self._domains = frozenset(domain.removeprefix("*.").strip(".") for domain in domains)
        substrings = sorted(_with_file(config.substrings, config.substrings_file))
        self._substrings = re.compile("|".join(map(re.escape, substrings))) if substrings else None

    def __call__(self, urls: Sequence[str | None]) -> Verdicts:
        """Return a verdict for each address; no address is not blocked."""
        return [self._verdict(url.lower()) if url else None for url in urls]

    def _verdict(self, url: str) -> str | None:
        labels = _host(url).split(".") if self._domains else []
        for first in range(len(labels)):
            if ".".join(labels[first:]) in self._domains:
                return "blocked_domain"
        if self._substrings is not None and self._substrings.search(url):
            return "blocked_url"
        return None


def _host(url: str) -> str:
    """Return an address's host, also without a scheme; empty if it cannot be told."""
    try:
        return (urlsplit(url if "://" in url else f"//{url}").hostname or "").strip(".")
    except ValueError:
        return ""


def _with_file(entries: Iterable[str], file: Path | None) -> set[str]:
    listed = read_list(file) if file is not None else ()
    return {entry.lower() for entry in (*entries, *listed)}
