"""From wiki markup to the text that it shows, as far as it can be had without running a wiki.

Templates are programs that only the wiki can run; they are dropped, but for a few that show their
last argument. Tables, pictures, references and formulas are dropped too. Everything is done in time
proportional to the text, whatever stands in it.
"""

import html
import re

_DROPPED = (
    "ref|math|chem|ce|gallery|timeline|score|graph|mapframe|imagemap|hiero|syntaxhighlight|source|"
    "templatestyles|templatedata|section|categorytree|inputbox|includeonly|noinclude|style|script"
)
"""Tags whose content is no text."""

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_EMPTY_TAG = re.compile(rf"<(?:{_DROPPED})\b[^<>]*/>", re.IGNORECASE)
_DROPPED_TAG = re.compile(rf"<(/?)({_DROPPED})\b[^<>]*>", re.IGNORECASE)
_LINE_BREAK = re.compile(r"<(?:br|hr)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_BRACKETS = re.compile(r"\{\{|\}\}|\{\||\n\|\}|\[\[|\]\]")
_EXTERNAL = re.compile(r"\[(?:https?|ftp|mailto|news|irc)?:?//[^\s\[\]]++(?:\s++([^\[\]\n]*+))?\]")
_QUOTES = re.compile(r"'{2,5}")
_MAGIC = re.compile(r"__[A-Z]{3,20}__")
_ITEM = re.compile(r"^([*#:;]+)[ \t]*")

_MAX_DEPTH = 100
"""Brackets within brackets; a wiki goes to 100 as well. What is deeper is no bracket, for each
level costs a copy of what stands in it."""

_SHOWN = re.compile(
    r"lang(?:-\w+)?|transl(?:iteration)?|nowrap|nobr|small|big|smallcaps|abbr|tooltip|em|strong|"
    r"quote|blockquote|cquote|code|mono"
)
"""Templates that show an argument."""

_FIRST = frozenset({"abbr", "tooltip"})
"""Those of them that show the first one; the others show the last."""


def plain_text(markup: str) -> str:
    """Return the text of an article: paragraphs, headings and list items, a line each."""
    text = _COMMENT.sub("", markup)
    text = _EMPTY_TAG.sub("", text)
    text = _without_dropped_tags(text)
    text = _LINE_BREAK.sub("\n", text)
    text = _resolve_brackets(text)
    text = _EXTERNAL.sub(lambda found: found[1] or "", text)
    text = _TAG.sub("", text)
    text = _MAGIC.sub("", _QUOTES.sub("", text))
    return _tidy(html.unescape(text))


def _without_dropped_tags(text: str) -> str:
    """Drop what stands between tags of no text; one that is not closed is only a tag."""
    tags = list(_DROPPED_TAG.finditer(text))
    closings: dict[str, list[int]] = {}
    for number in range(len(tags) - 1, -1, -1):
        if tags[number][1]:
            closings.setdefault(tags[number][2].lower(), []).append(number)
    kept: list[str] = []
    at = 0
    for number, tag in enumerate(tags):
        name = tag[2].lower()
        ends = closings.get(name, [])
        while ends and ends[-1] <= number:
            ends.pop()
        if tag.start() < at:
            continue  # inside another
        kept.append(text[at : tag.start()])
        at = tags[ends[-1]].end() if not tag[1] and ends else tag.end()
    kept.append(text[at:])
    return "".join(kept)


def _resolve_brackets(text: str) -> str:
    """Resolve templates, tables and links from the inside out, in one pass with a stack."""
    stack: list[tuple[str, list[str]]] = [("", [])]
    at = 0
    for found in _BRACKETS.finditer(text):
        mark = found[0]
        stack[-1][1].append(text[at : found.start()])
        at = found.end()
        opening = {"}}": "{{", "\n|}": "{|", "]]": "[["}.get(mark)
        if opening is None:
            if len(stack) <= _MAX_DEPTH:
                stack.append((mark, []))
        elif stack[-1][0] == opening:
            _, pieces = stack.pop()
            stack[-1][1].append(_shown(opening, "".join(pieces)))
        elif mark == "\n|}" and any(kind == "{|" for kind, _ in stack[-8:]):
            while stack.pop()[0] != "{|":  # what was not closed within the table goes with it
                pass
        else:
            stack[-1][1].append(mark if mark == "]]" else "")
    stack[-1][1].append(text[at:])
    while len(stack) > 1:  # never closed: it was text
        _, pieces = stack.pop()
        stack[-1][1].append("".join(pieces))
    return "".join(stack[0][1])


def _shown(opening: str, inside: str) -> str:
    """Return what a template, table or link shows."""
    if opening == "{|":
        return ""
    parts = inside.split("|")
    if opening == "{{":
        name = parts[0].strip().lower()
        if not _SHOWN.fullmatch(name):
            return ""
        arguments = [part for part in parts[1:] if "=" not in part] or [""]
        return arguments[0 if name in _FIRST else -1].strip()
    target = parts[0].strip()
    if ":" in target and not target.startswith(":") and not _is_title(target):
        return ""  # a picture, a category, the article in another language
    return parts[-1].strip() if len(parts) > 1 else target.removeprefix(":")


def _is_title(target: str) -> bool:
    """Tell an article whose title has a colon: the colon of a namespace has no space after it."""
    space, _, rest = target.partition(":")
    return rest.startswith(" ") or " " in space.strip()


def _heading(line: str) -> tuple[int, str]:
    """Return level and title of a heading, ``== Title ==``; level 0: it is none."""
    line = line.rstrip(" \t")
    size = len(line)
    before, after = size - len(line.lstrip("=")), size - len(line.rstrip("="))
    level = max(0, min(before, after, 6, (size - 1) // 2))
    return level, line[level : size - level].strip()


def _tidy(text: str) -> str:
    """Take the markup off the lines, and drop headings with nothing under them."""
    lines: list[str] = []
    pending: list[tuple[int, str]] = []  # headings whose text may come
    for line in text.split("\n"):
        level, title = _heading(line)
        if level:
            pending = [(above, title) for above, title in pending if above < level]
            pending.append((level, title))
            continue
        item = _ITEM.match(line)
        line = line[item.end() :] if item else line
        line = " ".join(line.split())
        if not line.strip("*|-– ()[]{}.,;:"):
            if lines and lines[-1]:
                lines.append("")
            continue
        if pending and lines and lines[-1]:
            lines.append("")
        for _, title in pending:
            lines += [title, ""]
        pending = []
        lines.append(f"- {line}" if item and item[1][-1] in "*#" else line)
    return "\n".join(lines).strip("\n")
