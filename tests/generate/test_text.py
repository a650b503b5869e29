import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from groundup.generate.text import TextStream

texts = st.text(alphabet="ab\n€😀", max_size=30)
stops = st.lists(st.text(alphabet="ab\n€😀", min_size=1, max_size=4), max_size=3)


def first_stop_cut(text: str, stop: list[str]) -> str:
    """The rule, a character at a time: the stop string that is complete first, or the longer."""
    for end in range(1, len(text) + 1):
        ended = [name for name in stop if text[:end].endswith(name)]
        if ended:
            return text[: end - max(map(len, ended))]
    return text


def run(pieces: list[bytes], stop: list[str]) -> tuple[list[str], bool]:
    stream = TextStream(stop)
    shown = [stream.push(piece) for piece in pieces]
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
    stream = TextStream(["\n\nEnd"])
    assert [stream.push(piece) for piece in (b"one\n", b"\nE", b"veryone", b"\n\nEn")] == [
        "one",
        "",
        "\n\nEveryone",
        "",
    ]
    assert stream.push(b"d of it") == ""
    assert stream.stopped
    assert stream.push(b"more") == stream.finish() == ""
