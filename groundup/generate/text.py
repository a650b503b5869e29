"""From tokens to text as it arrives: whole characters only, and nothing of a stop string."""

from collections.abc import Sequence

from groundup.tokenizer import Tokenizer


class TextStream:
    """Turns the ids that a model draws into text that can be shown at once.

    Held back until more arrives: the bytes of a character that is not complete, and text that could
    be the start of a stop string. Special tokens are left out.

    Args:
        tokenizer: whose ids they are.
        stop: strings that end the text. The one that is complete first ends it; of two that are
            complete at once, the longer.

    Attributes:
        stopped: whether a stop string came; what is pushed afterwards is ignored.
    """

    def __init__(self, tokenizer: Tokenizer, stop: Sequence[str] = ()) -> None:
        self.stopped = False
        self._stop = tuple(stop)
        self._held = ""
        self._decoder = tokenizer.decode_stream(skip_special_tokens=True)

    def push(self, token_id: int) -> str:
        """Take the next id; return the text that is now certain."""
        return self._advance(self._decoder.push(token_id))

    def finish(self) -> str:
        """Return what was held back, now that nothing more will come."""
        text = self._advance(self._decoder.finish())
        held, self._held = self._held, ""
        return text + held

    def _advance(self, new: str) -> str:
        if self.stopped:
            return ""
        text = self._held + new
        found = [(text.find(stop), len(stop)) for stop in self._stop if stop in text]
        if found:
            start, _ = min(found, key=lambda match: (match[0] + match[1], match[0]))
            self.stopped, self._held = True, ""
            return text[:start]
        held = self._length_of_possible_stop(text)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def _length_of_possible_stop(self, text: str) -> int:
        """Return the length of the longest end of ``text`` that begins a stop string."""
        longest = min(len(text), max(map(len, self._stop), default=0) - 1)
        for length in range(longest, 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stop):
                return length
        return 0
