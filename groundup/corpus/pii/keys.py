"""Passwords of machines: API keys, tokens, private keys."""

import re
from collections.abc import Iterator
from itertools import pairwise
from math import log2

import regex

from groundup.corpus.pii.addresses import Place

MIN_ENTROPY = 3.0
"""Bits a character, by the frequencies of characters in a value, that a secret has at least: what
16 random hex digits have in the mean is 3.2. Words have as much, hence ``MIN_CHANGES``."""

MIN_CHANGES = 3
"""Changes from letter to digit or back that a secret has at least. Names in code have one or two
(``parse_http2_header``), 20 random letters and digits have five."""

MAX_KEY_BLOCK = 20_000
"""Characters of a private key in PEM; one of 16,384 bits has 12,700."""

_SERVICES = tuple(
    regex.compile(pattern + r"(?![A-Za-z0-9])")
    for pattern in (
        r"AKIA[A-Z2-7]{16}",  # AWS
        r"ASIA[A-Z2-7]{16}",
        r"gh[pousr]_[A-Za-z0-9]{36,251}",  # GitHub
        r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
        r"xox[abeoprs]-[A-Za-z0-9\-]{10,250}",  # Slack
        r"AIza[A-Za-z0-9_\-]{35}",  # Google
        r"GOCSPX-[A-Za-z0-9_\-]{28}",
        r"ya29\.[A-Za-z0-9_\-]{20,500}",
        r"sk_live_[A-Za-z0-9]{20,250}",  # Stripe
        r"rk_live_[A-Za-z0-9]{20,250}",
        r"sk-(?:[a-z0-9]{2,10}-){0,2}[A-Za-z0-9_\-]{32,250}",  # OpenAI, Anthropic
        r"hf_[A-Za-z]{34}",  # Hugging Face
        r"glpat-[A-Za-z0-9_\-]{20}",  # GitLab
        r"npm_[A-Za-z0-9]{36}",
        # JSON web tokens, cut off from what stands before: else each eyJ in a row looks so far
        (
            r"eyJ(?<![A-Za-z0-9_\-]eyJ)[A-Za-z0-9_\-]{10,2000}"
            r"\.eyJ[A-Za-z0-9_\-]{10,8000}\.[A-Za-z0-9_\-]{10,2000}"
        ),
    )
)
"""What keys of services look like. Each by itself, because it begins with letters that are looked
for at 0.4 to 3 GB/s; all in one pattern were at 34 MB/s. What stands before is checked after."""

_WEBHOOK = regex.compile(r"hooks\.slack\.com/services/(T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/\w{20,30})")

_BEGIN = regex.compile(r"-----BEGIN (?:[A-Z]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_END = regex.compile(r"-----END (?:[A-Z]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINES = regex.compile(r"(?:\\n|\s|[A-Za-z0-9+/=:,.\-])*+")
"""What a private key is made of; ``\\n`` as it is written in JSON and in code."""

_VALUES = tuple(
    re.compile(sign + r"\s{0,3}[\"'`]?(?:Bearer )?([A-Za-z0-9+/_.\-]{16,200}={0,2})")
    for sign in "=:"
)
"""What is given to a name. By ``re``, which looks for one character seven times as fast."""

_NAME = regex.compile(
    r"(?i)(?:key|token|secret|passw(?:or)?d|passphrase|pwd|credentials?|authorization)"
    r"[\"'`\])]{0,2}\s{0,3}[:=]?$"
)
"""What a secret is called, before the sign that gives it its value."""

_PLACEHOLDER = regex.compile(r"(?i)example|your|xxxx|placeholder|change.?me|dummy|0123456|abcdef")


def find_keys(text: str) -> Iterator[Place]:
    """Find secrets: those of known services, private keys, and values given to a ``token``."""
    for service in _SERVICES:
        for match in service.finditer(text):
            if match.start() == 0 or not text[match.start() - 1].isalnum():
                yield match.span()
    for match in _WEBHOOK.finditer(text):
        yield match.span(1)
    yield from _find_private_keys(text)
    for values in _VALUES:
        for match in values.finditer(text):
            named = _NAME.search(text, max(0, match.start() - 40), match.start())
            if named and looks_random(match.group(1)):
                yield match.span(1)


def _find_private_keys(text: str) -> Iterator[Place]:
    position = 0
    while match := _BEGIN.search(text, position):
        limit = match.end() + MAX_KEY_BLOCK
        marker = text.find("-----END", match.end(), limit)
        end = _END.match(text, marker) if marker >= 0 else None
        if end is None:  # cut short
            end = _KEY_LINES.match(text, match.end(), limit)
        position = end.end()
        yield match.start(), position


def looks_random(value: str) -> bool:
    """Tell a key from a name, a path or a placeholder."""
    changes = sum(
        one.isalnum() and two.isalnum() and one.isdigit() != two.isdigit()
        for one, two in pairwise(value)
    )
    if changes < MIN_CHANGES or _PLACEHOLDER.search(value):
        return False
    shares = [value.count(character) / len(value) for character in set(value)]
    return -sum(share * log2(share) for share in shares) >= MIN_ENTROPY
