"""Telephone numbers, payment cards and bank accounts: digits, of which most are something else.

Cards and accounts carry check digits. Telephone numbers do not, so they are taken in two cases
only: where the way they are written leaves little else (a country code after +, the groups of North
America, Britain and France), or where a word such as "call" or "tel." stands before.
"""

from collections.abc import Iterator

import regex

from groundup.corpus.pii.addresses import Place

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BI": 27, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27,
    "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
    "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22,
    "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
    "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28,
    "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
"""Characters of an account number by country (ISO 13616, SWIFT's IBAN registry)."""

CARDS = regex.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # MC
    r"|3[47][0-9]{13}"  # American Express
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}"  # Diners Club
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12}"  # Discover
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|62[0-9]{14,17}"  # UnionPay
)
"""First digits and lengths of the cards there are (ISO/IEC 7812)."""

_CARD = regex.compile(
    r"""
    [0-9]{4} (?<![\w.\-+\#/][0-9]{4}) (?<![0-9],[0-9]{4})
    (?: [0-9]{9,15}
      | ([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,4}(?:\1[0-9]{3})?
      | ([ -])[0-9]{6}\2[0-9]{4,5}
    )
    (?!\w|[.,-][0-9])
    """,
    regex.VERBOSE,
)
"""What may not stand before is looked at behind the first digits: a pattern that begins with digits
is looked for at 1 GB/s, one that begins by looking back at 16 MB/s."""

_IBAN = regex.compile(
    r"[A-Z]{2}[0-9]{2}(?<![\p{L}\p{N}][A-Z]{2}[0-9]{2})(?=((?: ?[A-Z0-9]){11,30}))"
)
"""Only the beginning is consumed: what is no account may stand before one ("AB12 DE89 3704…")."""

_DIGITS = regex.compile(r"[0-9](?:[ ().\-/\xa0]*+[0-9]){6,}+")
"""Every telephone number is in one of these; cheap to look for, and rare in prose. They are as long
as can be: where pieces of a longer run began would depend on what was masked before them."""

MARGIN = 8
"""Characters around such a run that are looked at with it: brackets, +, what it hangs on."""

_PHONE = regex.compile(
    r"""
    (?: (?<![\w$€£\#]) (?<![0-9][.,:/\-+])
      | (?<=\G[^\w$€£\#]?) )                           # \G is where the last number ended
    (?: (?:\+?1[ .\-\xa0]?)?                                         # North America:
        (?: \([2-9][0-8][0-9]\)[ \xa0]?[2-9][0-9]{2}[ .\-\xa0][0-9]{4}   # (555) 010-0199
          | [2-9][0-8][0-9]([.\-])[2-9][0-9]{2}\1[0-9]{4})               # 555-010-0199
      | \+(?!1[ 2-9(\-.])[1-9][0-9]{0,2}(?:[ .\-/()\xa0]{0,2}[0-9]){6,14}  # +44 (0)20 7946 0958
      | \+1[ .\-\xa0]?[2-9][0-9]{2}[ .\-\xa0]?[0-9]{3}[ .\-\xa0]?[0-9]{4}
      | 0[1-9](?:[ .\-\xa0][0-9]{2}){4}                              # France: 01 23 45 67 89
      | \(?0[1-9][0-9]{1,2}\)?[ \xa0][0-9]{3,4}[ \-\xa0][0-9]{4}     # Britain: 020 7946 0958,
      | \(?0[1-9][0-9]{3}\)?[ \xa0][0-9]{6}                          # 01632 960123,
      | \(?0[1-9][0-9]{3}\)?[ \xa0][0-9]{3}[ \xa0][0-9]{3}           # 07700 900 123
    )
    (?!\w|[.,\-/:+][0-9])
    """,
    regex.VERBOSE,
)

_AFTER_A_WORD = regex.compile(
    r"(?<!\w)\+?\(?[0-9](?:[ .\-/()\xa0]{0,3}[0-9]){6,14}(?!\w|[.,\-/:+][0-9])"
)
_PHONE_WORD = regex.compile(
    r"(?i)\b(?-i:(?!PHONE>))"  # which is no word before the next number
    r"(?:tel|tél|tlf|telephone|téléphone|telefono|teléfono|telefon|phone|ph|mobile|mob|móvil|handy"
    r"|cell|fax|call(?:ing)?|dial|ring|whatsapp|hotline|helpline|sms|text)\b[^0-9\n=]{0,20}$"
)
_NO_PHONE = regex.compile(
    r"(?:1[0-9]|20)[0-9]{2}[ ]?[-/ ][ ]?(?:1[0-9]|20)[0-9]{2}"  # years: 1914-1918
    r"|[0-9]{1,2}[./-][0-9]{1,2}[./-](?:[0-9]{2}|[0-9]{4})"  # dates: 24/12/1999, 24.12.99,
    r"|(?:1[0-9]|20)[0-9]{2}[./-][0-9]{1,2}[./-][0-9]{1,2}"  # 1999-12-24
    r"|(?:[0-9]{1,3} )?(?:[0-9]{1,3}\.)?[0-9]+\.[0-9]+"  # decimals: 3.14159265
    r"|[0-9]{1,2}(?:[ .][0-9]{3})+"  # thousands: 12.345.678
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}"  # addresses: 192.168.0.1
    r"|97[89][ -]?[0-9 -]{10,13}"  # books: ISBN 978-0-306-40615-7
)


_DECIMAL = regex.compile(r"\+[0-9]+\.[0-9]+(?: -?[0-9]+\.[0-9]+)*")
"""Sums, and places on the map: +51.5074 -0.1278."""


def find_phones(text: str) -> Iterator[Place]:
    """Find telephone numbers."""
    end = 0  # of the last number: what stands there does not count against the next
    for run in _DIGITS.finditer(text):
        first = max(end, run.start() - MARGIN)
        around = text[first : run.end() + MARGIN]
        found = False
        for match in _PHONE.finditer(around):
            if _is_phone(match.group()):
                found, end = True, first + match.end()
                yield first + match.start(), end
        if found or not _PHONE_WORD.search(text, max(0, run.start() - 40), run.start()):
            continue
        after_word = _AFTER_A_WORD.search(around, max(0, run.start() - first - 2))
        if after_word and not _NO_PHONE.fullmatch(after_word.group()):
            end = first + after_word.end()
            yield first + after_word.start(), end


def _is_phone(written: str) -> bool:
    """Tell a number after + from a sum or a decimal; E.164 has 15 digits at most."""
    if not written.startswith("+"):
        return True
    num_digits = sum(character.isdigit() for character in written)
    return 8 <= num_digits <= 15 and not _DECIMAL.fullmatch(written)


def find_cards(text: str) -> Iterator[Place]:
    """Find numbers of payment cards: of a known kind, in the usual groups, with a check digit."""
    for match in _CARD.finditer(text):
        digits = match.group().replace(" ", "").replace("-", "")
        if CARDS.fullmatch(digits) and passes_luhn(digits):
            yield match.span()


def find_ibans(text: str) -> Iterator[Place]:
    """Find international bank account numbers, with or without spaces."""
    for match in _IBAN.finditer(text):
        length = IBAN_LENGTHS.get(match.group()[:2])
        if length is None:
            continue
        start = end = match.start()
        compact = ""
        while len(compact) < length and end < match.end(1):
            compact += text[end].strip()
            end += 1
        if end < len(text) and text[end].isalnum():
            continue
        if len(compact) == length and passes_mod_97(compact):
            yield start, end


def passes_luhn(digits: str) -> bool:
    """Check the last digit of a card's number (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def passes_mod_97(iban: str) -> bool:
    """Check the digits after an IBAN's country (ISO 7064, MOD 97-10)."""
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1
