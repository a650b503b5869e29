"""The tokenizer's page: one file that needs nothing but a browser, no network either."""

from html import escape
from pathlib import Path
from typing import Any

from groundup import __version__
from groundup.inspect.tokenizer_view.curve import curve_svg
from groundup.inspect.tokenizer_view.description import describe
from groundup.inspect.tokenizer_view.encoder_data import vocabulary_data
from groundup.inspect.tokenizer_view.markup import span_of, token_spans
from groundup.inspect.tokenizer_view.pieces import CLIP_BYTES
from groundup.inspect.tokenizer_view.source import TokenizerSource, excerpt
from groundup.inspect.tokenizer_view.tokenized_text import TokenizedText, shown
from groundup.page import page
from groundup.tokenizer.bpe.report import TokenCount, TokenizerReport
from groundup.tokenizer.special_tokens import well_formed

PAGE_CHARACTERS = 10_000
"""Of the text that the page shows, and that can be typed: at most 40,000 tokens, which a browser
lays out in a moment."""


def tokenizer_page(source: TokenizerSource, text: TokenizedText) -> str:
    """Return the page: the text's tokens, a box to type in, and the report if there is one.

    Args:
        source: the tokenizer, and the run that knows more of it.
        text: what to show first; of a long one only the beginning.

    Raises:
        UserError: the tokenizer's report is damaged.
    """
    report, data = source.report(), _data(source, text)
    name = escape(well_formed(source.name))
    made_by = f"Made by groundup {__version__}. Tokenizer {source.tokenizer.fingerprint}."
    body = [
        f"<header><h1>{name}</h1>",
        f"<p>A tokenizer: {escape(describe(source.tokenizer))}.</p></header>",
        "<main>",
        _text_section(source, text, live=data["live"]),
        _report_section(report, source) if report else "",
        "</main>",
        f"<footer>{made_by}</footer>",
        '<div id="tip" role="tooltip" hidden></div>',
    ]
    return page(
        f"{well_formed(source.name)}: tokenizer",
        body,
        style=asset("page.css"),
        script=asset("encoder.js") + asset("page.js"),
        data=data,
    )


def _text_section(source: TokenizerSource, whole: TokenizedText, *, live: bool) -> str:
    text = _beginning(whole, source)
    cut = ""
    if text is not whole:
        cut = (
            f'<p id="cut" class="soft small">This is the beginning of a text of '
            f"{len(whole.text):,} characters, {shown(whole.counts['bytes'])} bytes and "
            f"{len(whole.ids):,} tokens.</p>"
        )
    numbers = "".join(
        f'<div><dt>{name}</dt><dd data-count="{name}">{shown(count)}</dd></div>'
        for name, count in text.counts.items()
    )
    above = _typing(source, text) if live else CANNOT_TYPE
    what = f"{text.origin}. Point at a token and it explains itself; click it to mark all like it."
    label = "Tokens of the text; arrow keys move between them"
    tokens = token_spans(text.ids.tolist(), source.tokenizer)
    return "\n".join(
        [
            "<section>",
            "<h2>A text in tokens</h2>",
            f'<p class="soft">{escape(what)}</p>',
            f'<div class="card">{above}<dl class="numbers">{numbers}</dl>',
            f'<div id="tokens" class="tokens" role="group" aria-label="{label}">{tokens}</div>',
            f'<p id="said" class="soft small" role="status"></p>{cut}</div>',
            "</section>",
        ]
    )


CANNOT_TYPE = (
    '<p class="soft small">There is no box to type in: a browser cannot cut text exactly as this '
    "tokenizer does.</p>"
)


def _typing(source: TokenizerSource, text: TokenizedText) -> str:
    """Return the box to type in, which the script fills and shows."""
    switch = ""
    if source.tokenizer.special_tokens:
        checked = " checked" if text.special else ""
        switch = (
            f'<label class="switch small"><input type="checkbox" id="special"{checked}>'
            "<span>Read special tokens in the text as what they are, not as how they are spelt"
            "</span></label>"
        )
    return (
        '<div id="typing" hidden><label class="field"><span>Type, and see the tokens</span>'
        f'<textarea id="box" rows="6" maxlength="{PAGE_CHARACTERS}" spellcheck="false" '
        f'autocomplete="off" autocapitalize="off"></textarea></label>{switch}</div>'
    )


def _beginning(text: TokenizedText, source: TokenizerSource) -> TokenizedText:
    """Return the part of ``text`` that the page shows."""
    if len(text.text) <= PAGE_CHARACTERS:
        return text
    return TokenizedText.of(
        excerpt(text.text, PAGE_CHARACTERS),
        source.tokenizer,
        special=text.special,
        origin=text.origin,
    )


def _report_section(report: TokenizerReport, source: TokenizerSource) -> str:
    figures = {
        "vocabulary": f"{report.vocab_size:,}",
        **report.ratios,
        "vocabulary used": f"{report.vocabulary_use:.1%}",
        "undertrained": f"{report.undertrained.count:,}",
    }
    numbers = "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in figures.items())
    curve = curve_svg(report)
    if curve:
        curve = (
            f'<figure class="card">{curve}<figcaption><strong>'
            f"{report.suggested_vocab_size:,} tokens suggested</strong>: "
            f"{escape(report.suggestion)}.</figcaption></figure>"
        )
    what = (
        f"On the training text of {report.text_size}: {report.tokens:,} tokens in "
        f"{report.words:,} words, which here are pieces with a letter in them."
    )
    return "\n".join(
        [
            "<section>",
            "<h2>What training showed</h2>",
            f'<p class="soft">{what}</p>',
            f'<div class="card"><dl class="numbers">{numbers}</dl></div>',
            curve,
            f'<div class="lists">{"".join(_token_tables(report, source))}</div>',
            "</section>",
        ]
    )


def _token_tables(report: TokenizerReport, source: TokenizerSource) -> list[str]:
    undertrained = report.undertrained
    too_few = (
        f"{undertrained.count:,} learnt tokens occur fewer than {undertrained.below:,} times, too "
        "few for a model to learn what they mean."
    )
    tables = [_token_table("Longest", "The tokens of most bytes.", report.longest, source)]
    if report.rarest == undertrained.examples:
        tables.append(_token_table("Rarest", too_few, report.rarest, source))
    else:
        tables += [
            _token_table("Rarest", "Learnt tokens that occur least.", report.rarest, source),
            _token_table("Undertrained", too_few, undertrained.examples, source),
        ]
    return tables


def _token_table(title: str, what: str, tokens: list[TokenCount], source: TokenizerSource) -> str:
    if not tokens:
        return ""
    cells = [(_table_token(token, source), token.id, f"{token.count:,}") for token in tokens]
    rows = "".join(
        f"<tr><td>{span}</td><td>{number}</td><td>{count}</td></tr>"
        for span, number, count in cells
    )
    return (
        f'<div class="card"><h3>{title}</h3><p class="soft small">{what}</p><table>'
        "<thead><tr><th>token</th><th>id</th><th>count</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _table_token(token: TokenCount, source: TokenizerSource) -> str:
    if not 0 <= token.id < source.tokenizer.vocab_size:  # a report of another tokenizer
        return span_of(token.token.encode("utf-8", "replace"))
    span = token_spans([token.id], source.tokenizer)
    return span.replace("<span ", '<span tabindex="0" ', 1)


def _data(source: TokenizerSource, whole: TokenizedText) -> dict[str, Any]:
    text = _beginning(whole, source)
    counts = source.token_counts()
    data = vocabulary_data(source.tokenizer)
    if not data["tokens"]:
        used = sorted(set(text.ids.tolist()))
        data["tokens"] = {n: source.tokenizer.token_bytes(n).decode("latin-1") for n in used}
    return data | {
        "counts": None if counts is None else counts.tolist(),
        "clipBytes": CLIP_BYTES,
        "allowed": sorted(text.special),
        "text": text.text,
    }


def asset(name: str) -> str:
    """Return the text of a style or script that lies beside this file."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
