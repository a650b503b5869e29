"""Personal data in text: found, counted, and masked by what it is.

    config.py      what is looked for
    addresses.py   e-mail addresses, public IP addresses
    numbers.py     telephone numbers, payment cards, bank accounts
    keys.py        passwords of machines: API keys, tokens, private keys
    mask.py        texts → texts with ``<EMAIL>`` and the like in their place, and counts

Names and postal addresses are not looked for: that takes a model, and is often wrong.

Only the configuration is imported here: the rest compiles, and is imported where it is used.
"""

from groundup.corpus.pii.config import KINDS, Kind, PiiConfig

__all__ = ["KINDS", "Kind", "PiiConfig"]
