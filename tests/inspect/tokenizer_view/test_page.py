"""The page: what stands in it, and what a browser makes of it."""

import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from groundup.inspect.tokenizer_view import (
    TokenizedText,
    TokenizerSource,
    open_tokenizer,
    tokenized,
    tokenizer_page,
)
from groundup.inspect.tokenizer_view.page import PAGE_CHARACTERS
from groundup.page import is_page, json_for_page

HOSTILE = {
    "markup": "</script><script>document.title = 'taken'</script><img src=x onerror=alert(1)>",
    "quotes": "\"'`&amp;&#x3c;\\u003c ]]> <!-- --> </textarea></title></style>",
    "direction": "a\u202eb\u2066c\u2069 שלום مرحبا \u200e\u200f",
    "control": "\x00\x01\x1b[31m\x7f\x80\x85\x9f\ufeff\u2028\u2029\ufffe",
    "white space": " \t \n\n\t\t x  \u00a0\u3000",
    "halves": "\ud800 \udfff",
    "returns": "a\r\nb\rc",
    "scripts": "Größe 你好 👩‍👩‍👧 e\u0301\u0301 \u0301 €½",
}


def source_of(tokenizer, folder) -> TokenizerSource:
    return TokenizerSource(tokenizer, folder, None)


def text_of(text, tokenizer, *, special=frozenset()) -> TokenizedText:
    return TokenizedText.of(text, tokenizer, special=special, origin="A test")


def ids_in(document: str) -> list[int]:
    tokens = document.partition('id="tokens"')[2].partition("</div>")[0]
    return [int(number) for number in re.findall(r'<span[^>]* ?data-id="(\d+)"', tokens)]


class Tags(HTMLParser):
    """Names and attributes of every tag, and the text in and between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_text_adds_no_markup_to_the_page(text, bpe, tmp_path):
    usual = tokenizer_page(source_of(bpe, tmp_path), text_of("x", bpe))
    page = tokenizer_page(source_of(bpe, tmp_path), text_of(text, bpe))
    assert ids_in(page) == bpe.encode(text)

    def structure(page: str) -> list[str]:
        return [tag for tag, _ in Tags(page).tags if tag not in ("span", "i")]

    assert structure(page) == structure(usual)
    assert not set(page) & set(map(chr, (*range(9), 11, *range(13, 32), *range(127, 160), 0x202E)))


def test_the_page_needs_nothing_from_elsewhere_and_allows_nothing(bpe, tmp_path):
    page = tokenizer_page(source_of(bpe, tmp_path), text_of("x", bpe))
    tags = Tags(page).tags
    assert not [tag for tag, attributes in tags if {"src", "href", "style"} & attributes.keys()]
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    [policy] = [a["content"] for tag, a in tags if a.get("http-equiv")]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'", policy
    )


def test_the_data_of_the_page_are_json_without_markup():
    value = {"<a>&\u2028": ["</script>", "\x7f\x85\x00", "Größe"]}
    text = json_for_page(value)
    assert json.loads(text) == value
    assert not set(text) & set("<>&\u2028\x7f\x85\x00")


def test_a_long_text_is_cut_and_counted_whole(bpe, tmp_path):
    text = "a" * 10_000_000
    page = tokenizer_page(source_of(bpe, tmp_path), text_of(text, bpe))
    assert len(page) < 2_000_000
    assert "a text of 10,000,000 characters, 10,000,000 bytes" in page
    assert ids_in(page) == bpe.encode("a" * PAGE_CHARACTERS)


def test_the_report_is_shown_with_its_figures_curve_and_tokens(run):
    source = open_tokenizer(run)
    report = source.report()
    page = tokenizer_page(source, tokenized(source, None, ""))
    text = Tags(page).text
    assert "What training showed" in page
    assert f"{report.vocabulary_use:.1%}" in page
    assert '<svg class="curve"' in page
    assert html.escape(report.suggestion) in page
    for token in (*report.longest, *report.rarest):
        assert f'<span tabindex="0" data-id="{token.id}">' in page
    assert f"{report.undertrained.count} learnt tokens occur fewer than" in text


def test_without_a_report_the_page_does_without(bpe, tmp_path):
    assert "What training showed" not in tokenizer_page(source_of(bpe, tmp_path), text_of("x", bpe))


def test_a_report_of_another_tokenizer_shows_its_tokens_as_text(run, monkeypatch):
    source = open_tokenizer(run)
    report = source.report()
    foreign = replace(report.longest[0], id=10**6, token="<b>&\u202e")
    monkeypatch.setattr(
        TokenizerSource, "report", lambda _: replace(report, longest=[foreign], suggestion="<b>")
    )
    page = tokenizer_page(source, text_of("x", source.tokenizer))
    assert "<b>" not in page
    assert "\u202e" not in page


def test_only_a_page_of_ours_is_recognised(bpe, tmp_path):
    ours, other = tmp_path / "ours.html", tmp_path / "other.html"
    ours.write_text(tokenizer_page(source_of(bpe, tmp_path), text_of("x", bpe)), encoding="utf-8")
    other.write_text("<!doctype html><p>groundup")
    assert is_page(ours)
    assert not is_page(other)


@pytest.mark.browser
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_browser_shows_every_token_whatever_the_text(text, bpe, tmp_path, show):
    document = show(tokenizer_page(source_of(bpe, tmp_path), text_of(text, bpe)))
    assert ids_in(document) == bpe.encode(text)
    assert f"<title>{tmp_path.name}: tokenizer</title>" in document
    assert '<div id="typing">' in document  # no longer hidden: the scripts have run


@pytest.mark.browser
def test_typing_shows_the_same_tokens_and_counts_as_python(bpe, tmp_path, evaluate):
    """The markup too: the page is made once by Python and again by the script."""
    texts = [text for name, text in HOSTILE.items() if name not in ("halves", "returns")]
    text = "\n".join(["<|endoftext|>The end.", *texts, "The quick brown fox. " * 40])
    special = frozenset({"<|endoftext|>"})
    page = tokenizer_page(source_of(bpe, tmp_path), text_of(text, bpe, special=special))
    found = evaluate(
        page,
        """
        async function result() {
          const state = () => [
            view.innerHTML,
            ...Array.from(document.querySelectorAll("[data-count]"), (node) => node.textContent),
          ];
          const before = state();
          view.replaceChildren();
          document.getElementById("box").dispatchEvent(new Event("input"));
          await new Promise((done) => setTimeout(done, 500));
          return [before, state()];
        }
        """,
    )
    assert found[0] == found[1]
    assert len(found[0]) == 8


@pytest.mark.browser
def test_the_switch_reads_special_tokens_or_the_text_they_look_like(bpe, tmp_path, evaluate):
    text = "a<|im_start|>b"
    page = tokenizer_page(source_of(bpe, tmp_path), text_of(text, bpe))
    found = evaluate(
        page,
        """
        function result() {
          const ids = () => Array.from(view.children, (node) => Number(node.dataset.id));
          const before = ids();
          document.getElementById("special").click();
          return [before, ids()];
        }
        """,
    )
    assert found == [bpe.encode(text), bpe.encode(text, allowed_special="all")]


@pytest.mark.browser
def test_a_click_marks_all_occurrences_and_escape_clears(bpe, tmp_path, evaluate):
    text = "the fox, the dog, the end"
    page = tokenizer_page(source_of(bpe, tmp_path), text_of(text, bpe))
    found = evaluate(
        page,
        """
        function result() {
          const marked = () => document.querySelectorAll('[aria-pressed="true"]').length;
          const node = view.querySelector(`[data-id="${THE}"]`);
          node.click();
          const first = [marked(), said.textContent];
          const escape = new KeyboardEvent("keydown", { key: "Escape", bubbles: true });
          node.dispatchEvent(escape);
          return [...first, marked(), said.textContent];
        }
        """.replace("${THE}", str(bpe.encode(" the")[0])),
    )
    assert found[0] == bpe.encode(text).count(bpe.encode(" the")[0]) == 2
    assert "2 times" in found[1]
    assert found[2:] == [0, ""]


@pytest.mark.browser
def test_keys_move_between_tokens_and_the_focused_one_explains_itself(run, evaluate):
    source = open_tokenizer(run)
    page = tokenizer_page(source, tokenized(source, "The quick brown", "A test"))
    found = evaluate(
        page,
        """
        function result() {
          const press = (key) => document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key, bubbles: true }));
          const stops = view.querySelectorAll('[tabindex="0"]').length;
          view.firstElementChild.focus();
          press("ArrowRight");
          press("ArrowRight");
          const node = document.activeElement;
          if (!document.hasFocus())  // a busy machine's window may not have it yet
            node.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
          const terms = Array.from(tip.querySelectorAll("dt"), (term) => term.textContent);
          const values = Array.from(tip.querySelectorAll("dd"), (value) => value.textContent);
          const facts = Object.fromEntries(terms.map((term, place) => [term, values[place]]));
          return [stops, Number(node.dataset.id), node.getAttribute("aria-describedby"), facts];
        }
        """,
    )
    ids = source.tokenizer.encode("The quick brown")
    token = source.tokenizer.token_bytes(ids[2])
    stops, focused, described_by, facts = found
    assert (stops, focused, described_by) == (1, ids[2], "tip")
    assert facts["id"] == str(ids[2])
    assert facts["bytes"] == token.hex(" ").upper()
    assert facts["text"] == json.dumps(token.decode())
    left, right = next(merge for merge in source.tokenizer.merges if b"".join(merge) == token)
    assert facts["merged from"].startswith(f"{left.decode()} + {right.decode()} (merge ")
    count = source.token_counts()[ids[2]]
    assert facts["in training"] == f"{count:,} times"


@pytest.mark.browser
def test_a_tokenizer_that_a_browser_cannot_run_is_shown_without_a_box(train, tmp_path, show):
    own = train(pattern=r"\p{L}+|\P{L}")
    document = show(tokenizer_page(source_of(own, tmp_path), text_of("the fox", own)))
    assert ids_in(document) == own.encode("the fox")
    assert 'role="button"' in document
    assert "<textarea" not in document
    assert "There is no box to type in" in document
