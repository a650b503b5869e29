import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from groundup.generate.text import TextStream
from groundup.tokenizer import BPETokenizer
from groundup.tokenizer.bpe.patterns import GPT2

texts = st.text(alphabet="ab\n€😀", max_size=30)
stops = st.lists(st.text(alphabet="ab\n€😀", min_size=1, max_size=4), max_size=3)


def first_stop_cut(text: str, stop: list[str]) -> str:
    """The rule, a character at a time: the stop string that is complete first, or the longer."""
    for end in range(1, len(text) + 1):
        ended = [name for name in stop if text[:end].endswith(name)]
        if ended:
            return text[: end - max(map(len, ended))]
    return text


def tokenizer_of(pieces: list[bytes]) -> BPETokenizer:
    """A tokenizer that has each piece as a token."""
    tokens = dict.fromkeys([*(bytes([value]) for value in range(256)), *pieces])
    return BPETokenizer(
        {token: number for number, token in enumerate(tokens)}, [], {}, pattern=GPT2
    )


def run(pieces: list[bytes], stop: list[str]) -> tuple[list[str], bool]:
    tokenizer = tokenizer_of(pieces)
    stream = TextStream(tokenizer, stop)
    shown = [stream.push(tokenizer.tokens[piece]) for piece in pieces]
    return [*shown, stream.finish()], stream.stopped


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({min(place, len(data)) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(ends)]


@given(texts, stops, st.lists(st.integers(0, 120), max_size=40))
@example("aab", ["ab"], [1, 2])
@example("abab", ["abb", "ba"], [1, 2, 3])
def test_pieces_add_up_to_the_text_before_the_stop_string(text, stop, places):
    shown, stopped = run(cut(text.encode(), places), stop)
    expected = first_stop_cut(text, stop)
    assert "".join(shown) == expected
    assert stopped == any(name in text for name in stop)


@given(st.binary(max_size=40), st.lists(st.integers(0, 40), max_size=40))
def test_any_bytes_read_as_decode_reads_them(data, places):
    shown, _ = run(cut(data, places), [])
    assert "".join(shown) == data.decode("utf-8", errors="replace")


@given(texts)
def test_no_half_character_is_ever_shown(text):
    shown, _ = run([bytes([value]) for value in text.encode()], [])
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(shown)


def test_text_is_held_back_no_longer_than_a_stop_string_needs():
    pieces = [b"one\n", b"\nE", b"veryone", b"\n\nEn", b"d of it", b"more"]
    tokenizer = tokenizer_of(pieces)
    stream = TextStream(tokenizer, ["\n\nEnd"])
    shown = [stream.push(tokenizer.tokens[piece]) for piece in pieces]
    assert shown == ["one", "", "\n\nEveryone", "", "", ""]
    assert stream.stopped
    assert stream.finish() == ""
