"""What a crawl does to good texts, and what it has in their place."""

import re
from itertools import cycle
from random import Random

from crawl.sources import Text


def edit_words(text: Text, similarity: float, random: Random) -> Text:
    """Replace words here and there, so that about this Jaccard similarity of 5-grams is left."""
    words = [paragraph.split() for paragraph in text]
    places = [(row, at) for row, line in enumerate(words) for at in range(len(line))]
    # an n-gram is untouched with p = (1 - edited)^5, and similarity = p / (2 - p)
    untouched = 2 * similarity / (1 + similarity)
    count = round(len(places) * (1 - untouched**0.2))
    pool = [words[row][at] for row, at in places]
    for row, at in random.sample(places, min(count, len(places))):
        words[row][at] = random.choice(pool) + random.choice(("", "s", "ly", "ing"))
    return [" ".join(line) for line in words]


def cut_beginning(text: Text, share: float) -> Text:
    """Leave out the first paragraphs, so that about ``share`` of the text is left."""
    total = sum(map(len, text))
    kept: Text = []
    size = 0
    for paragraph in reversed(text):
        if kept and size + len(paragraph) / 2 > share * total:
            break
        kept.append(paragraph)
        size += len(paragraph)
    return kept[::-1]


def jaccard(one: Text, other: Text) -> float:
    """Return the share of word 5-grams that two texts have in common."""
    a, b = _grams(one), _grams(other)
    return len(a & b) / max(1, len(a | b))


def _grams(text: Text) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", " ".join(text).lower())
    return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}


def keywords(random: Random) -> Text:
    """Write a page for search engines."""
    things = [
        "shoes",
        "watches",
        "pills",
        "loans",
        "casino",
        "handbags",
        "sunglasses",
        "mattress",
        "insurance",
        "seo",
    ]
    places = [
        "london",
        "austin",
        "dublin",
        "sydney",
        "toronto",
        "chicago",
        "leeds",
        "miami",
        "perth",
        "glasgow",
    ]
    lead = ["cheap", "best", "buy", "discount", "online", "top", "free", "sale", "deals", "price"]
    return [
        ", ".join(
            f"{random.choice(lead)} {random.choice(things)} {random.choice(places)}"
            for _ in range(random.randrange(8, 25))
        )
        for _ in range(random.randrange(6, 15))
    ]


def lorem(random: Random) -> Text:
    """Write filler."""
    words = [
        "dolor",
        "sit",
        "amet",
        "consectetur",
        "adipiscing",
        "elit",
        "sed",
        "do",
        "eiusmod",
        "tempor",
        "incididunt",
        "ut",
        "labore",
        "et",
        "dolore",
        "magna",
        "aliqua",
        "enim",
        "minim",
        "veniam",
        "quis",
        "nostrud",
        "exercitation",
        "ullamco",
        "laboris",
        "nisi",
    ]
    sentences = [" ".join(random.choices(words, k=12)).capitalize() + "." for _ in range(40)]
    sentences[0] = "Lorem ipsum " + " ".join(words[:10]) + "."
    return [" ".join(sentences[at : at + 5]) for at in range(0, 40, 5)]


def symbols(random: Random) -> Text:
    """Write lines of signs, as menus drawn with characters and broken exports have them."""
    signs = ("★★★☆☆", ">>>", "<<<", "###", "|||", "~*~", "=====", "{{}}", "//", "%%", "&&", "@@@")
    return [
        " ".join(random.choice((*signs, *signs, "go", "ok")) for _ in range(30)) for _ in range(12)
    ]


def numbers(random: Random) -> str:
    """Write a table of figures, as markup."""
    rows = "".join(
        "<tr>" + "".join(f"<td>{random.uniform(0, 9999):.2f}</td>" for _ in range(8)) + "</tr>"
        for _ in range(random.randrange(25, 60))
    )
    return f"<table><caption>Table {random.randrange(1, 99)}</caption>{rows}</table>"


def repeat_lines(text: Text, random: Random) -> Text:
    """Say the same few lines over and over."""
    lines = [line for line in text if len(line.split()) > 5][:3] or text[:3]
    return [random.choice(lines) for _ in range(random.randrange(10, 25))]


def repeat_ngrams(text: Text, random: Random) -> Text:
    """Break into a loop within sentences, as generated pages do."""
    words = " ".join(text).split()
    at = random.randrange(max(1, len(words) - 20))
    phrase = " ".join(words[at : at + random.randrange(6, 14)])
    return [text[0], *(" ".join([phrase] * random.randrange(5, 12)) + "." for _ in range(5))]


def personal_data(random: Random) -> list[tuple[str, str, str]]:
    """Return kind, value and a sentence with it, of two or three kinds of personal data."""
    made = [
        ("email", _email(random), "Write to {} if you have a question."),
        ("phone", _phone(random), "Call {} between nine and five."),
        ("ip", _ip(random), "The visitor came from {} that night."),
        ("card", _card(random), "She read the card number {} aloud."),
        ("iban", _iban(random), "Donations go to {} and are welcome."),
        ("key", _key(random), "The example used {} as its key."),
    ]
    chosen = random.sample(made, random.randrange(2, 4))
    return [(kind, value, sentence.format(value)) for kind, value, sentence in chosen]


def _email(random: Random) -> str:
    names = ["anna.keller", "j.smith42", "bookclub", "maria_lopez", "info.desk", "tom+news"]
    return f"{random.choice(names)}{random.randrange(99)}@mail{random.randrange(999)}.co.uk"


def _phone(random: Random) -> str:
    area, middle, last = (
        random.randrange(201, 989),
        random.randrange(200, 999),
        random.randrange(10000),
    )
    form = random.choice(("({}) {}-{:04}", "+1 {} {} {:04}", "{}-{}-{:04}", "+1-{}-{}-{:04}"))
    return form.format(area, middle, last)


def _ip(random: Random) -> str:
    parts = [random.choice((52, 81, 93, 151, 203)), *(random.randrange(1, 250) for _ in range(3))]
    return ".".join(map(str, parts))


def _card(random: Random) -> str:
    digits = [4, *(random.randrange(10) for _ in range(14))]
    doubled = [2 * d - 9 * (d > 4) if at % 2 == 0 else d for at, d in enumerate(digits)]
    whole = "".join(map(str, [*digits, -sum(doubled) % 10]))
    return random.choice(("", " ", "-")).join(whole[at : at + 4] for at in range(0, 16, 4))


def _iban(random: Random) -> str:
    account = "".join(str(random.randrange(10)) for _ in range(18))
    check = 98 - int(account + "131400") % 97  # D and E are 13 and 14
    whole = f"DE{check:02}{account}"
    if random.random() < 0.5:
        return whole
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))


def _key(random: Random) -> str:
    capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    letters = capitals + capitals.lower()
    if random.random() < 0.5:
        return "AKIA" + "".join(random.choices(capitals, k=16))
    return "ghp_" + "".join(random.choices(letters, k=36))


def insert(text: Text, lines: list[str], random: Random) -> Text:
    """Put paragraphs between others, never at the very start."""
    result = list(text)
    for line in lines:
        result.insert(random.randrange(1, len(result) + 1), line)
    return result


def typographic(text: Text) -> Text:
    """Write quotes and dashes as printers do: beyond ASCII, and all in Windows-1252."""
    result = []
    for paragraph in text:
        turn = cycle("“”")
        changed = "".join(next(turn) if c in '"“”' else c for c in paragraph)
        result.append(changed.replace("'", "’").replace(" - ", " – ").replace("cafe", "café"))
    return result


def misread(text: str) -> str:
    """Return UTF-8 read as Windows-1252, whose five holes browsers fill with controls."""
    return "".join(
        bytes([byte]).decode("cp1252") if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else chr(byte)
        for byte in text.encode()
    )


def title_of(text: Text, random: Random) -> str:
    """Return a title: a few words of the text."""
    words = " ".join(text).split()
    at = random.randrange(max(1, len(words) - 6))
    title = " ".join(word[:30] for word in words[at : at + random.randrange(3, 7)])
    return title.strip(' ".,;:!?-“”').title() or "Page"
