"""The encoder in the browser gives the ids that Python gives."""

import json
import random
from itertools import pairwise

import pytest

from groundup.inspect.tokenizer_view.encoder_data import MAX_TOKENS, vocabulary_data
from groundup.inspect.tokenizer_view.page import asset
from groundup.page import json_for_page
from groundup.tokenizer import BPETokenizer, CharacterTokenizer, load_tokenizer
from groundup.tokenizer.bpe.patterns import LLAMA3, PATTERNS, pattern_text

ALPHABETS = [
    "abcDEF '\n",
    "'sSſtTrReEvVmMlLdD ",
    " \t\r\n\v\f\x1c\x1f\x85\xa0\u1680\u2003\u2028\u2029\u202f\u3000\u200b\ufeff",
    "0123456789 ٣½Ⅷ²",
    'aA1 .,;:/\\!?\n\r(){}[]<>|`~@#$%^&*-_=+"',
    "ÀßéñøŒǅʰªº中文字あカ한글اבЖжԱა",
    "\u0301\u0308\u200d\ufe0f🙂👍🏽👩‍👧🇫🇷€∑",
    "ab\x00\x07\x1b\x7f\x80\u202e\u2066\ufdd0\ue000",
]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_start", "<|im_end|>", "<|"]


def strings(seed: int, number: int) -> list[str]:
    draw = random.Random(seed)
    found = ["", " ", "\n", "a" * 3000, "ab" * 2000, " " * 500 + "x", "\ud800", "\udc00a\ud83d"]
    for _ in range(number):
        length = draw.choice([3, 8, 20, 60])
        match draw.randrange(4):
            case 0:
                alphabet = draw.choice(ALPHABETS)
                found.append("".join(draw.choices(alphabet, k=length)))
            case 1:
                found.append("".join(draw.choices("".join(ALPHABETS), k=length)))
            case 2:
                points = (
                    draw.randrange(0x110000 if draw.random() < 0.3 else 0x3100)
                    for _ in range(length)
                )
                found.append("".join(chr(p) for p in points if not 0xD800 <= p < 0xE000))
            case _:
                parts = [
                    "the",
                    " fox",
                    "'ll",
                    " isn't",
                    "12",
                    "3456",
                    "Größe",
                    "\n\n",
                    "  ",
                    "def",
                    *SPECIAL,
                ]
                found.append("".join(draw.choices(parts, k=length // 3)))
    return found


def check(evaluate, tokenizer, texts: list[str], names: frozenset[str] = frozenset()) -> None:
    """Compare the two encoders on ``texts``."""
    data = vocabulary_data(tokenizer)
    assert data["live"]
    escaped = json.dumps(texts).replace("<", "\\u003c")  # lone surrogates stay, as escapes
    page = (
        '<!doctype html><meta charset="utf-8"><body>'
        f"<script>const vocabulary = {json_for_page(data)}; const texts = {escaped};"
        f"const names = {json_for_page(sorted(names))};</script>"
        f"<script>{asset('encoder.js')}</script></html>"
    )
    found = evaluate(
        page,
        "const result = () => { const encode = makeEncoder(vocabulary);"
        " return texts.map((text) => encode(text, names)); };",
    )
    expected = tokenizer.encode_batch(texts, allowed_special=names)
    for text, ids, wanted in zip(texts, found, expected, strict=True):
        assert ids == wanted, ascii(text[:200])


@pytest.mark.browser
@pytest.mark.parametrize("name", PATTERNS)
def test_the_ids_are_those_of_python_for_every_known_pattern(name, evaluate, train):
    check(evaluate, train(pattern=name), strings(1, 3000))


@pytest.mark.browser
@pytest.mark.parametrize("digits", [1, 2])
def test_the_ids_are_those_of_python_for_groups_of_digits(digits, evaluate, train):
    check(evaluate, train(digit_group=digits), strings(2, 800))


@pytest.mark.browser
def test_the_ids_are_those_of_python_for_characters_as_an_alphabet(evaluate, train):
    check(evaluate, train(alphabet="characters"), strings(3, 800))


@pytest.mark.browser
def test_the_ids_are_those_of_python_for_special_tokens(evaluate, train):
    tokenizer = train(special_tokens=["<|im_start|>", "<|im_start", "a.b(c", "[]"])
    texts = [*strings(4, 800), "<|im_start|><|im_start<|im_star", "xa.b(c[]aXb(c"]
    for names in (frozenset(tokenizer.special_tokens), frozenset(["<|im_start"])):
        check(evaluate, tokenizer, texts, names)


@pytest.mark.browser
def test_the_ids_are_those_of_python_for_a_token_a_character(evaluate):
    check(evaluate, CharacterTokenizer.train(["abc Größe 你好 🙂\n"], 300), strings(5, 800))


@pytest.mark.browser
@pytest.mark.parametrize("ignore_merges", [False, True])
def test_the_ids_are_those_of_python_for_merges_in_any_order(ignore_merges, evaluate):
    """Also where two merges spell one token, or one that needs another comes before it."""
    draw = random.Random(6)
    tokens = [bytes([value]) for value in range(256)]
    merges: dict[tuple[bytes, bytes], None] = {}
    while len(merges) < 120:
        parts = [token for token in tokens if token[:1] in b"abc " and len(token) < 5]
        pair = (draw.choice(parts), draw.choice(parts))
        merges[pair] = None
        if b"".join(pair) not in tokens:
            tokens.append(b"".join(pair))
    shuffled = list(merges)
    draw.shuffle(shuffled)
    tokens.append(b"cab cab")  # only whole, if at all
    tokenizer = BPETokenizer(
        {token: number for number, token in enumerate(tokens)},
        shuffled, {}, pattern=LLAMA3, ignore_merges=ignore_merges,
    )  # fmt: skip
    texts = ["".join(draw.choices("abc ", k=draw.randrange(1, 60))) for _ in range(1500)]
    check(evaluate, tokenizer, texts)


@pytest.mark.browser
@pytest.mark.shared
def test_the_ids_are_those_of_python_for_gpt2_on_real_text(evaluate, shared):
    files = ["text/the-verdict.txt", "text/wikipedia-sample.txt", "tokenizer/udhr-1.jsonl"]
    texts = []
    for file in files:
        text = (shared / file).read_text(encoding="utf-8")[:200_000]
        cuts = range(0, len(text) + 5000, 5000)
        texts += [text[start:end] for start, end in pairwise(cuts)]
    check(evaluate, load_tokenizer(shared / "tokenizer" / "gpt2"), texts)


def test_what_a_browser_cannot_cut_exactly_is_not_live(train, bpe):
    assert vocabulary_data(bpe)["live"]
    own = train(pattern=r"\p{L}+|\P{L}")
    assert not vocabulary_data(own)["live"]
    parts = {"pattern": pattern_text("llama3")}
    for options in ({"normalization": "NFC"}, {"pattern": (r"\p{N}", pattern_text("gpt2"))}):
        other = BPETokenizer(bpe.tokens, bpe.merges, bpe.special_tokens, **(parts | options))
        assert vocabulary_data(other)["split"] is None
        assert not vocabulary_data(other)["live"]


def test_an_enormous_vocabulary_stays_out_of_the_page():
    points = [*range(32, 0xD800), *range(0xE000, MAX_TOKENS + 0x1000)]
    data = vocabulary_data(
        CharacterTokenizer({chr(p): n for n, p in enumerate(points, 1)}, {"<|unknown|>": 0})
    )
    assert data["tokens"] == []
    assert not data["live"]
