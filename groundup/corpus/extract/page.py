"""The text of one page, without the menus, advertisements and footers around it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundup.corpus.extract.config import Mode
from groundup.corpus.readers.encodings import declared_in_page, decode
from groundup.errors import UserError

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

_DATES = (
    'meta[property="article:published_time"]',
    'meta[itemprop="datePublished"]',
    'meta[name="date"]',
    'meta[name="dc.date"]',
)


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a page says."""

    text: str
    """Its main text: paragraphs, headings and list items; empty if there is none."""
    title: str | None = None
    language: str | None = None
    """As the page itself declares it: ``en``, ``pt-BR``."""
    date: str | None = None
    """When it says it was published, as it writes that; mostly ISO 8601."""


def extract(html: str | bytes, mode: Mode = "quality", url: str | None = None) -> Extracted:
    """Extract a page's main text, comments of readers left out.

    There is no limit here to what a page may take: for pages of the open web use
    ``ExtractionPool``.

    Args:
        html: the page; bytes are decoded as the page declares, or as detected.
        mode: "quality" (trafilatura: Barbaresi 2021, ACL demo) or "fast" (resiliparse: Bevendorff
            et al. 2018, ECIR).
        url: its address, by which trafilatura tells a few kinds of pages.

    Raises:
        UserError: the library for this mode is not installed.
    """
    if isinstance(html, bytes):
        html, _ = decode(html, declared_in_page(html))
    else:
        try:
            html.encode()
        except UnicodeEncodeError:  # no library takes lone surrogates
            html = html.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    check_installed(mode)
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse(html)
    text = _fast(tree) if mode == "fast" else _quality(html, url)
    return Extracted(text.strip(), *_declared(tree))


def check_installed(mode: Mode) -> None:
    """Load the libraries for a mode.

    Raises:
        UserError: one is missing; it says what to install.
    """
    try:
        import resiliparse.extract.html2text  # noqa: F401

        if mode == "quality":
            import trafilatura  # noqa: F401
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{mode} extraction cannot be loaded ({reason}); install it with:"
            " pip install 'groundup[web]'"
        ) from None


def _quality(html: str, url: str | None) -> str:
    import trafilatura

    return trafilatura.extract(html, url=url, include_comments=False) or ""


def _fast(tree: "HTMLTree") -> str:
    from resiliparse.extract.html2text import extract_plain_text

    # F1 on article-extraction: 0.908 with texts of pictures, 0.924 without
    return extract_plain_text(
        tree, preserve_formatting=True, main_content=True, alt_texts=False, comments=False
    )


def _declared(tree: "HTMLTree") -> tuple[str | None, str | None, str | None]:
    """Return title, language and date as the page declares them."""
    title = " ".join((tree.title or "").split()) or None
    document = tree.document
    root = document.query_selector("html") if document else None
    language = root.getattr("lang") if root else None
    date: str | None = None
    if head := tree.head:
        found = (head.query_selector(selector) for selector in _DATES)
        date = next((meta.getattr("content") for meta in found if meta), None)
    return title, (language or "").strip()[:20] or None, (date or "").strip()[:40] or None
