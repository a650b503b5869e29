"""Addresses are blocked as datatrove blocks them, but for two kinds that are told apart here.

The lists are ours; the addresses are those of real pages, and the links on them.
"""

import json
import lzma
import re
from collections import Counter
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from groundup.corpus.filters import BlockedUrlsConfig
from groundup.corpus.filters.blocked import BlockedUrls

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The 'registered_domain' property:DeprecationWarning"),
]
tldextract = pytest.importorskip("tldextract")
pytest.importorskip("ahocorasick")
datatrove_filters = pytest.importorskip("datatrove.pipeline.filters")

SUBSTRINGS = ("casino", "shop", "login", "ads", "subscribe")


@pytest.fixture(scope="module")
def addresses(shared: Path) -> list[str]:
    found = set()
    for name in ("article-extraction-1", "extraction-segments-1"):
        packed = (shared / "web" / f"{name}.jsonl.xz").read_bytes()
        for page in map(json.loads, lzma.decompress(packed).splitlines()):
            found |= {page["url"], *re.findall(r'href="(https?://[^"\s]+)"', page["html"])}
    assert len(found) > 10_000
    return sorted(found)


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What datatrove takes addresses apart with, without the download that it begins with."""
    make = partial(tldextract.TLDExtract, suffix_list_urls=(), cache_dir=None)
    monkeypatch.setattr(tldextract, "TLDExtract", make)
    return make()


def test_decisions_on_addresses_are_datatroves(addresses: list[str], parts: Any) -> None:
    from datatrove.data import Document

    random = Random(1)
    registered = sorted({parts(url).top_domain_under_public_suffix for url in addresses} - {""})
    hosts = sorted({parts(url).fqdn for url in addresses} - {""})
    domains = random.sample(registered, 150) + random.sample(hosts, 150)
    # in the middle of a host: neither what was registered nor the whole
    domains += random.sample([h.partition(".")[2] for h in hosts if h.count(".") > 2], 10)

    theirs = datatrove_filters.URLFilter(
        extra_domains=domains, banned_subwords=SUBSTRINGS, use_integrated_lists=False
    )
    expected = []
    for url in addresses:
        result = theirs.filter(Document(text="", id="", metadata={"url": url}))
        expected.append(None if result is True else result[1])
    config = BlockedUrlsConfig(domains=tuple(domains), substrings=SUBSTRINGS)
    found = BlockedUrls(config)(addresses)

    agreed = {
        (None, None),
        ("blocked_domain", "domain"),
        ("blocked_domain", "subdomain"),
        ("blocked_url", "blacklisted_subword"),
    }
    differing: Counter[str] = Counter()
    for url, mine, other in zip(addresses, found, expected, strict=True):
        if (mine, other) not in agreed:
            host = parts(url).fqdn.lower()
            middle = {host.split(".", n)[n] for n in range(1, host.count(".") + 1)}
            middle -= {parts(url).top_domain_under_public_suffix}
            if mine == "blocked_domain" and middle & set(domains):
                differing["a domain between the registered one and the host"] += 1
            elif mine is None and not any(word in url.lower() for word in SUBSTRINGS):
                letters = re.sub("[^a-z0-9]", "", url.lower())
                assert any(word in letters for word in SUBSTRINGS)
                differing["letters of words that stand apart: bad-shop is also ads"] += 1
            else:
                raise AssertionError(f"{url}: ours {mine}, datatrove {other}")
    assert len(differing) == 2
    assert differing.total() <= 0.01 * len(addresses), differing
    assert sum(verdict is not None for verdict in found) > 0.05 * len(addresses)
