import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.corpus.pii.numbers import (
    find_cards,
    find_ibans,
    find_phones,
    passes_luhn,
    passes_mod_97,
)


@pytest.mark.parametrize(
    "number",
    [
        "+1 555 234 5678", "+15552345678", "1-800-555-0199", "(555) 234-5678", "555.234.5678",
        "+44 (0)20 7946 0958", "020 7946 0958", "01632 960123", "07700 900 123", "+49-171-1234567",
        "01 23 45 67 89", "+91 98765 43210", "+86 138 0013 8000",
    ],
)  # fmt: skip
def test_telephone_numbers_in_known_forms_need_no_word(number: str) -> None:
    for text in (number, f"so, {number}.", f"Tel:{number}\n", f"{number}; {number}"):
        found = [text[start:end] for start, end in find_phones(text)]
        assert found == [number] * text.count(number)


@pytest.mark.parametrize("number", ["5552345678", "555 234 5678", "030/123456", "612 345 678"])
def test_other_telephone_numbers_need_a_word_before(number: str) -> None:
    for text in (f"call {number} now", f"Tel.: {number}", f"my phone is {number}"):
        assert [text[start:end] for start, end in find_phones(text)] == [number]
    assert list(find_phones(f"order {number} now")) == []


@pytest.mark.parametrize(
    "text",
    [
        "1914-1918", "call 1914-1918", "1999-12-31 12:30", "phone of 12/24/1999", "3.14159265",
        "text 3.14159265", "ISBN 0-306-40615-2", "text 978-0-306-40615-7", "pp. 1123-1187",
        "$5552345678", "12,345,678", "call 12 345 678", "555-234-5678-9", "2555-234-5678",
        "x+12345678", "Decimal('+35236450.6')", "192.168.100.200", "100-200-3000", "119:105-112",
        "at +51.5074 -0.1278", "call 12345678901234567890",
    ],
)  # fmt: skip
def test_other_numbers_are_no_telephone_numbers(text: str) -> None:
    assert list(find_phones(text)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("4111111111111111", 1),
        ("4111 1111 1111 1111, exp", 1),
        ("4111-1111-1111-1111", 1),
        ("3782 822463 10005", 1),
        ("6011000990139424.", 1),
        ("4111 1111 1111 1112", 0),
        ("4111-1111 1111 1111", 0),
        ("41 11 11 11 11 11 11 11", 0),
        ("0.4111111111111111", 0),
        ("14111111111111111", 0),
        ("x4111111111111111", 0),
        ("9111111111111111", 0),
        ("2 x 4111 1111 1111 1111", 1),
        ("55 4111 1111 1111 1111", 1),
        ("Visa,4111111111111111,Jane", 1),
        ("1,4111111111111111", 0),
    ],
)
def test_cards(text: str, found: int) -> None:
    assert len(list(find_cards(text))) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("GB82WEST12345698765432", ["GB82WEST12345698765432"]),
        ("to GB82 WEST 1234 5698 7654 32.", ["GB82 WEST 1234 5698 7654 32"]),
        ("DE89 3704 0044 0532 0130 00 NOW", ["DE89 3704 0044 0532 0130 00"]),
        ("AB12 GB82 WEST 1234 5698 7654 32.", ["GB82 WEST 1234 5698 7654 32"]),
        ("GB82WEST12345698765433", []),
        ("GB82WEST123456987654321", []),
        ("XX82WEST12345698765432", []),
        ("aGB82WEST12345698765432", []),
    ],
)
def test_ibans(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in find_ibans(text)] == found


@pytest.mark.parametrize(
    "example",
    ["NO93 8601 1117 947", "BE68 5390 0754 7034", "CH93 0076 2011 6238 5295 7",
     "FR14 2004 1010 0505 0001 3M02 606", "MT84 MALT 0110 0001 2345 MTLC AST0 01S"],
)  # fmt: skip
def test_published_examples_of_account_numbers_are_found(example: str) -> None:
    for text in (example, example.replace(" ", "")):
        assert list(find_ibans(text)) == [(0, len(text))]


@pytest.mark.parametrize("between", [",", ", ", "/", "-", " or "])
def test_of_many_telephone_numbers_in_a_row_none_hides_another(between: str) -> None:
    text = between.join(["(555) 234-5678", "+442079460958", "+1 555 234 5678"] * 3)
    assert len(list(find_phones(text))) == 9


@given(st.text("0123456789", min_size=2, max_size=19), st.integers(0, 18), st.integers(1, 9))
def test_luhn_accepts_one_check_digit_and_no_change_of_a_digit(
    body: str, place: int, change: int
) -> None:
    valid = [body + last for last in "0123456789" if passes_luhn(body + last)]
    assert len(valid) == 1
    number = list(valid[0])
    place %= len(number)
    number[place] = str((int(number[place]) + change) % 10)
    assert not passes_luhn("".join(number))


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=11, max_size=30), st.data())
def test_mod_97_notices_a_change_of_a_character(body: str, data: st.DataObject) -> None:
    number = int("".join(str(int(c, 36)) for c in body + "DE00"))
    iban = f"DE{98 - number % 97:02d}{body}"
    assert passes_mod_97(iban)
    place = data.draw(st.integers(4, len(iban) - 1))
    digits = "0123456789" if iban[place].isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    other = data.draw(st.sampled_from(digits.replace(iban[place], "")))
    assert not passes_mod_97(iban[:place] + other + iban[place + 1 :])
