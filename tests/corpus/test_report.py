import json
import math
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from groundup.corpus.distributions import SCORE_BINS
from groundup.corpus.funnel import Funnel
from groundup.corpus.report.charts import Line, bars, histogram
from groundup.corpus.report.figures import distributions_section
from groundup.corpus.report.quotes import clusters_section, examples_section
from groundup.corpus.report.tables import funnel_section

HOSTILE = "<script>alert(1)</script>\x1b[31m \u202e & \"quoted\" 'text'"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


@pytest.fixture
def page(build, tmp_path: Path) -> str:
    texts = [f"{HOSTILE} number {n} " + "of the many words there are " * n for n in range(40)]
    texts += [texts[3], texts[30].replace("many", "more", 1), " "]
    rows = [json.dumps({"text": text, "url": f"http://a/{HOSTILE}"}) for text in texts]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    built = build(tmp_path / "rows.jsonl", dedup={"near_duplicates": "drop"})
    return (built.folder / "report.html").read_text()


def test_page_has_every_section_and_nothing_of_a_document_is_markup(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.tags
    assert all(address.startswith("#") for address in tags.addresses)  # to sections and examples
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", page)
    for title in ("Funnel", "Distributions", "Clusters", "Examples"):
        assert f">{title}</h2>" in page
    assert "near-duplicates: near-duplicate" in page
    assert "exact duplicates: equal text" in page
    assert re.search(r"default-src &#x27;none&#x27;|default-src 'none'; style-src 'sha256-", page)


def test_bars_show_every_bin_and_escape_labels() -> None:
    drawn = histogram([("1", 5), ("<2>", 0), ("4", 1)], "characters")
    assert drawn.count("<rect") == 2  # nothing is drawn of an empty bin
    assert "style=" not in drawn  # the page's policy allows no such thing
    assert "&lt;2&gt;" in drawn
    assert histogram([("1", 0)], "characters") == ""
    rows = bars({f"l{n}": n + 1 for n in range(30)}, "language")
    assert "10 others" in rows
    assert bars({}, "language") == ""


def test_links_lead_somewhere(page: str) -> None:
    names = re.findall(r'id="([^"]+)"', page)
    assert len(names) == len(set(names))
    links = re.findall(r'href="#([^"]+)"', page)
    assert {"funnel", "distributions", "clusters", "examples"} <= set(links) <= set(names)


def test_a_threshold_is_drawn_and_divides_the_kept_from_the_dropped() -> None:
    bins = [("0", 5), ("0.25", 1), ("0.5", 2), ("0.75", 1)]
    drawn = histogram(bins, "score", line=Line(2.0, "kept from 0.5", keeps_right=True))
    assert drawn.count('class="bar dropped"') == 2
    assert "kept from 0.5" in drawn
    other = histogram(bins, "score", line=Line(1.0, "kept below 0.25", keeps_right=False))
    assert other.count('class="bar dropped"') == 3
    counts = {str(n): n + 1 for n in range(SCORE_BINS)}
    limits = {"language probability": {"at": 0.65, "keeps": "above"}}
    section = distributions_section({"language probability": counts}, limits)
    assert section.count('class="bar dropped"') == 65
    assert section.count('class="bar"') == SCORE_BINS - 65
    assert f"{sum(range(56, 66)):,} below, {sum(range(66, 76)):,} above" in section


def test_few_documents_can_be_seen_beside_many_on_a_logarithmic_scale() -> None:
    drawn = histogram([("0", 1_000_000), ("1", 3)], "score", logarithmic=True)
    tall, small = map(float, re.findall(r'<rect[^>]* height="([\d.]+)"', drawn))
    assert small / tall == pytest.approx(math.log(4) / math.log(1_000_001), abs=0.01)


def test_an_example_stands_beside_what_was_measured_and_the_threshold() -> None:
    funnel = Funnel(["read", "language"])
    funnel.flow("a", "language").drop("language_unsure", 9)
    example = {"id": "ab" * 16, "source": "a:1", "url": None, "excerpt": "x<y", "characters": 9}
    section = examples_section(
        {"language: language_unsure": [example | {"measured": 0.4567}], "kept": [example]},
        funnel,
        {"language probability": {"at": 0.65, "keeps": "above"}},
    )
    assert "measured 0.457</strong>, kept from 0.65" in section
    assert "x&lt;y…" in section  # the rest of it is not shown
    assert ">1 document<" in section
    assert section.index(">kept<") < section.index("language_unsure")
    assert section.count("measured") == 1
    other = examples_section(
        {"language: language_he": [example | {"measured": 0.999}]},
        funnel,
        {"language probability": {"at": 0.65, "keeps": "above"}},
    )
    assert "measured 0.999</strong> ·" in other  # it is not the threshold that dropped it


def test_clusters_show_what_sets_their_documents_apart() -> None:
    words = [f"w{n}" for n in range(200)]
    other = [*words[:100], "<b>new</b>", *words[101:150], *words[153:]]
    members = [
        {"source": "a:1", "id": "1", "excerpt": " ".join(words), "stays": True},
        {"source": "a:2", "id": "2", "excerpt": " ".join(other), "stays": False},
        {"source": "a:3", "id": "3", "excerpt": "  ".join(words), "stays": False},
    ]
    section = clusters_section([{"documents": 3, "members": members}])
    assert re.findall("<mark>(.*?)</mark>", section) == [
        "&lt;b&gt;new&lt;/b&gt;",
        "[3 words less]",
    ]
    assert "… w92 w93" in section
    assert "w107 w108 …" in section
    assert "the same words" in section
    assert "a:2 · dropped" in section


def test_rare_reasons_of_a_step_are_added_up() -> None:
    funnel = Funnel(["read"])
    flow = funnel.flow("a", "read")
    for number in range(10):
        flow.entered.add(5)
        flow.drop(f"reason_{number}", 5)
    flow.drop("reason_0", 5)
    flow.entered.add(5)
    section = funnel_section(funnel, {"read: reason_0": []})
    assert "2 other reasons" in section
    assert section.count('<tr class="reason">') == 9
    assert section.count("<a href") == 1


def test_clusters_of_hostile_text_take_little_time() -> None:
    texts = [
        ("a b " * 750, "b a a " * 500),
        ("a " * 1500, "b a " * 750),
        ("a" * 3000, "\x1f" * 3000),
    ]
    for first, other in texts:
        members = [
            {"source": "a:1", "id": "1", "excerpt": first, "stays": True},
            {"source": "a:2", "id": "2", "excerpt": other, "stays": False},
        ]
        begin = time.process_time()
        section = clusters_section([{"documents": 2, "members": members}])
        assert time.process_time() - begin < 2
        assert "\x1f" not in section
