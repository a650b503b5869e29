"""Web pages around a text: six templates, and forty made-up sites that use them.

Each site has its own menus, notices and footer, the same on all of its pages; readers' comments,
related titles and advertisements change from page to page. None of that is the page's text.
"""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

NUM_SITES = 40

_TOPICS = [
    "News",
    "Sport",
    "Weather",
    "Travel",
    "Food",
    "Garden",
    "Music",
    "Films",
    "Books",
    "Science",
    "Health",
    "Style",
    "Recipes",
    "Letters",
    "Archive",
    "Events",
    "Shop",
    "Puzzles",
    "Opinion",
    "Family",
]
_NAMES = [
    "Lantern",
    "Harbour",
    "Meadow",
    "Orchard",
    "Willow",
    "Beacon",
    "Thimble",
    "Acorn",
    "Sparrow",
    "Compass",
    "Juniper",
    "Pebble",
    "Clover",
    "Marigold",
    "Riverside",
    "Hilltop",
    "Foxglove",
    "Kettle",
    "Cobble",
    "Heron",
]
_COMMENTS = (
    "Lovely, thank you for this!",
    "First!",
    "I read this to my kids last night and they asked for more.",
    "Does anyone know where I can find the second part?",
    "This made my day.",
    "The link at the bottom is broken.",
    "I do not agree with the ending at all, but well told.",
    "Subscribed. Keep them coming.",
    "Please fix the font on mobile.",
    "Who else came here from the newsletter?",
)
_USERS = [
    "anna_k",
    "reader77",
    "old-oak",
    "momof3",
    "bookworm",
    "T.H.",
    "kestrel",
    "guest",
    "papa_joe",
    "lin",
]
_ADS = (
    "Sponsored: Ten kettles that boil in a minute",
    "Advertisement: Save on train tickets this weekend",
    "You may also like: The best chairs for small rooms",
    "Partner content: Is your roof ready for winter?",
)


@dataclass(frozen=True)
class Site:
    """A site: where it is and what stands on each of its pages."""

    number: int
    name: str
    domain: str
    menu: tuple[str, ...]
    cookies: str
    footer: str

    def url(self, page: int, title: str) -> str:
        """Return the address of a page."""
        slug = "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())[:60]
        slug = slug.encode("ascii", "ignore").decode().strip("-") or "page"
        return f"https://{self.domain}/{2010 + page % 16}/{slug}-{page}.html"


def make_sites(seed: int) -> list[Site]:
    """Return the sites of a crawl."""
    random = Random(f"sites {seed}")
    sites = []
    for number in range(NUM_SITES):
        first, second = random.sample(_NAMES, 2)
        name = f"The {first} {second}"
        domain = f"www.{first}-{second}-{number}.example".lower()
        cookies = random.choice(
            (
                f"{name} uses cookies. By using this site you accept our cookie policy.",
                "We value your privacy. We and our partners store cookies. Accept all / Settings",
                "This website uses cookies. Read our privacy policy to learn more. Got it!",
            )
        )
        footer = random.choice(
            (
                f"© {2015 + number % 11} {name}. All rights reserved.",
                f"{name} is published by {second} Media Ltd. Terms of use | Privacy policy",
                f"Copyright {name}. No part of this site may be reproduced without permission.",
            )
        )
        menu = tuple(random.sample(_TOPICS, random.randrange(6, 12)))
        sites.append(Site(number, name, domain, menu, cookies, footer))
    return sites


def render(
    site: Site,
    title: str,
    body: list[str],
    random: Random,
    *,
    charset: str | None = "utf-8",
) -> str:
    """Return a page.

    Args:
        site: whose template, menus and notices it has.
        title: of the page.
        body: blocks: paragraphs as plain text, or ready markup, which begins with "<".
        random: draws comments and advertisements.
        charset: what the page's head declares; None: nothing.
    """
    blocks = [block if block.startswith("<") else f"<p>{_text(block)}</p>" for block in body]
    template = _TEMPLATES[site.number % len(_TEMPLATES)]
    meta = f'<meta charset="{charset}">' if charset else ""
    head = (
        f"<head>{meta}<title>{_text(title)} | {_text(site.name)}</title>"
        f'<link rel="stylesheet" href="/static/site.css"><script>{_script(site, title)}</script>'
        "<style>body { margin: 0; } .menu li { display: inline; }</style></head>"
    )
    inside = template(site, _text(title), "\n".join(blocks), random)
    return f'<!DOCTYPE html>\n<html lang="en">{head}\n<body>\n{inside}\n</body></html>\n'


def _news(site: Site, title: str, body: str, random: Random) -> str:
    """Semantic elements, as a newspaper has them."""
    return f"""<div id="cookie-banner" role="dialog"><p>{site.cookies}</p><button>OK</button></div>
<header><a href="/">{site.name}</a><nav class="menu">{_links(site.menu)}</nav></header>
<main><article><h1>{title}</h1>
<div class="byline">By our staff | {random.randrange(1, 28)} May</div>
{body}
</article></main>
<aside class="related"><h2>Related stories</h2>{_links(_titles(random))}</aside>
<section id="comments" class="comments">{_comments(random)}</section>
<footer><p>{site.footer}</p>{_links(("About", "Contact", "Privacy", "Terms"))}</footer>"""


def _blog(site: Site, title: str, body: str, random: Random) -> str:
    """Divisions with the class names of the usual blog software."""
    return f"""<div id="page" class="site"><div class="site-header"><h1 class="site-title">
<a href="/">{site.name}</a></h1><ul class="menu">{_items(site.menu)}</ul></div>
<div id="content"><div class="post hentry"><h2 class="entry-title">{title}</h2>
<div class="entry-meta">Posted in <a href="/c">{random.choice(site.menu)}</a></div>
<div class="entry-content">{body}</div>
<div class="sharedaddy">Share this: <a href="#">Twitter</a> <a href="#">Facebook</a></div></div>
<div id="comments" class="comments-area"><h3>{random.randrange(2, 9)} thoughts on “{title}”</h3>
<ol class="comment-list">{_comments(random)}</ol></div></div>
<div id="secondary" class="sidebar widget-area"><h3>Recent posts</h3><ul>{_items(_titles(random))}
</ul><h3>Archives</h3><ul>{_items(["May 2024", "April 2024", "March 2024"])}</ul></div>
<div id="colophon" class="site-footer">{site.footer} Proudly powered by nothing.</div></div>
<div class="cookie-notice">{site.cookies}</div>"""


def _table(site: Site, title: str, body: str, random: Random) -> str:
    """A page of the nineties, laid out by a table."""
    return f"""<table width="100%" border="0"><tr><td colspan="2" bgcolor="#ccccff">
<font size="5"><b>{site.name}</b></font></td></tr><tr><td width="150" valign="top">
{"<br>".join(f'<a href="/{item.lower()}.htm">{item}</a>' for item in site.menu)}<br><br>
<small>{random.choice(_ADS)}</small></td><td valign="top"><h2>{title}</h2>
{body}
<hr><a href="javascript:history.back()">Back</a></td></tr>
<tr><td colspan="2" align="center"><small>{site.footer}</small></td></tr></table>"""


def _portal(site: Site, title: str, body: str, random: Random) -> str:
    """Much around a text: advertisements, lists of links before and behind it."""
    return f"""<div class="cmp-overlay consent">{site.cookies}</div><div class="topbar">
<a href="/login">Log in</a> <a href="/join">Sign up</a></div>
<div class="header"><div class="logo">{site.name}</div>
<div class="nav">{_links(site.menu)}</div></div>
<div class="breadcrumb"><a href="/">Home</a> &gt; <a href="#">{site.menu[0]}</a></div>
<div class="left-rail"><h4>Most read</h4><ol>{_items(_titles(random, 8))}</ol></div>
<div class="main-column"><div class="ad">{random.choice(_ADS)}</div>
<div class="article-body" itemprop="articleBody"><h1>{title}</h1>{body}</div>
<div class="ad">{random.choice(_ADS)}</div>
<div class="more"><h4>More from {site.name}</h4><ul>{_items(_titles(random, 10))}</ul></div></div>
<div class="footer"><div class="links">{_links(_TOPICS)}</div><p>{site.footer}</p></div>"""


def _forum(site: Site, title: str, body: str, random: Random) -> str:
    """A board: the text is the first post, comments are the replies."""
    return f"""<div id="header"><h1>{site.name} Forum</h1>
<ul id="nav">{_items(site.menu)}</ul></div>
<div class="cookie">{site.cookies}</div><div id="posts"><h2>{title}</h2>
<div class="post" id="p1"><div class="user">{random.choice(_USERS)}<br>Posts: 12</div>
<div class="message">{body}</div></div></div>
<div class="comments replies">{_comments(random)}</div>
<div class="pagination"><a href="?p=1">1</a> <a href="?p=2">2</a> <a href="?p=3">Next</a></div>
<div id="footer">{site.footer} | <a href="#top">Top</a></div>"""


def _plain(site: Site, title: str, body: str, random: Random) -> str:
    """Hardly anything."""
    return f"""<p><a href="/">{site.name}</a> - {random.choice(site.menu)}</p><h1>{title}</h1>
{body}
<hr><address>{site.footer}</address>"""


_TEMPLATES = (_news, _blog, _table, _portal, _forum, _plain)


def _text(text: str) -> str:
    return html.escape(text, quote=False)


def _script(site: Site, title: str) -> str:
    data = {"@type": "Article", "headline": title, "publisher": site.name}
    return f"var page = {json.dumps(data)}; function track(e) {{ return e.target.href; }}".replace(
        "</", "<\\/"
    )


def _links(words: Sequence[str]) -> str:
    return " ".join(f'<a href="/{word.lower().replace(" ", "-")}">{word}</a>' for word in words)


def _items(words: Sequence[str]) -> str:
    return "".join(f'<li><a href="/{w.lower().replace(" ", "-")}">{w}</a></li>' for w in words)


def _titles(random: Random, count: int = 5) -> list[str]:
    return [f"{random.choice(_TOPICS)} of the {random.choice(_NAMES)}" for _ in range(count)]


def _comments(random: Random) -> str:
    return "".join(
        f'<div class="comment"><b>{random.choice(_USERS)}</b> says: <p>{comment}</p>'
        '<a href="#">Reply</a></div>'
        for comment in random.sample(_COMMENTS, random.randrange(0, 5))
    )
