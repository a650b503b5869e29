import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.corpus.normalize import Changes, normalize


@pytest.mark.parametrize(
    ("text", "expected", "changed"),
    [
        ("plain\n\n    indented  text\n\n\nend", "plain\n\n    indented  text\n\n\nend", ""),
        ("cafe\u0301", "café", "composed"),
        ("a\u200bb\ufeffc\u00add", "abcd", "invisible"),
        ("a\x00b\x1bc\x7f", "abc", "controls"),
        ("a\r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne", "line_ends"),
        ("a\u00a0b\u3000c", "a b c", "spaces"),
        ("a  \nb\t\nc ", "a\nb\nc", "spaces"),
        ("a\n\n\n\n\nb", "a\n\n\nb", "blank_lines"),
        ("voilÃ  une Ã©tÃ©", "voilà une été", "mojibake"),
        ("âœ” No problems", "✔ No problems", "mojibake"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет", "mojibake"),
        ("\ud83d\ude00", "😀", "surrogates"),
        ("a\ud800b", "a\ufffdb", "surrogates"),
    ],
)
def test_each_oddity_is_mended_and_counted(text: str, expected: str, changed: str) -> None:
    changes = Changes()
    assert normalize(text, changes) == expected
    counts = {name for name, count in vars(changes).items() if count} - {"texts"}
    assert counts == ({changed} if changed else set())
    assert changes.texts == int(text != expected)


@pytest.mark.parametrize(
    "text",
    [
        "l’été “x”—y",
        "naïve façade — déjà vu…",
        "这是一个测试。日本語の文章です。",
        "Это просто русский текст: «да»…",
        "می\u200cخواهم",
        "👩\u200d👩\u200d👧",
        "x = 1\n\n\ndef f():\n\treturn  2",
    ],
)
def test_good_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert normalize(text) is text


ODD = st.sampled_from(list("a \t\n\r\x00\x85\u00a0\u0301\u200b\u2028\u3000Ã©â€™Ð¿\ud800\udc00é한"))


@given(st.one_of(st.text(), st.text(st.characters()), st.lists(ODD, max_size=12).map("".join)))
def test_what_is_normalised_stays_as_it_is(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once
    once.encode()


def test_counts_of_texts_add_up() -> None:
    changes = Changes()
    texts = [normalize(text, changes) for text in ("a\x00", "b", "c\u200b\x00")]
    assert texts == ["a", "b", "c"]
    assert (changes.texts, changes.controls, changes.invisible) == (2, 2, 1)


def test_letter_with_a_million_marks_takes_no_time_and_keeps_thirty() -> None:
    changes = Changes()
    assert normalize("q" + "\u0301\u0327" * 500_000 + "x", changes) == normalize(
        "q" + "\u0301\u0327" * 15 + "x"
    )
    assert changes.invisible == 1
