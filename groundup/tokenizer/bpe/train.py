"""Learning BPE merges: count pre-tokens once, then update pair counts merge by merge.

A merge touches only the words that contain its pair (an index from pair to words finds them) and
only the pairs next to it. A heap gives the most frequent pair; its entries may be out of date, but
only by being too high, so a popped entry that no longer holds is put back with today's count.
The merges are exactly those of `groundup.reference.bpe.train`, which recounts everything.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

from groundup.progress import progress_bar
from groundup.tokenizer.bpe.patterns import PretokenPattern
from groundup.tokenizer.special_tokens import split_at_special_tokens, well_formed

Pair = tuple[int, int]
Merge = tuple[bytes, bytes]


def train_bpe(
    texts: Iterable[str], num_tokens: int, special_tokens: Iterable[str], pattern: PretokenPattern
) -> list[Merge]:
    """Return the merges, in order, that add ``num_tokens`` tokens to the 256 bytes.

    Fewer if every pre-token has become one token. Texts are read once and not kept. Special tokens
    in them are cut out, so that no merge learns what they look like.
    """
    special = frozenset(special_tokens)
    with progress_bar() as progress:
        counting = progress.add_task("count pre-tokens", total=None, unit="bytes")

        def counted() -> Iterable[str]:
            for text in texts:
                yield text
                progress.advance(counting, len(text.encode(errors="replace")))

        counts = count_pretokens(counted(), special, pattern)
        merging = progress.add_task("learn merges", total=num_tokens, unit="merges")
        return learn_merges(counts, num_tokens, lambda: progress.advance(merging))


def count_pretokens(
    texts: Iterable[str], special_tokens: frozenset[str], pattern: PretokenPattern
) -> Counter[str]:
    """Return how often each pre-token occurs between the special tokens of ``texts``."""
    counts: Counter[str] = Counter()
    for text in texts:
        for part in split_at_special_tokens(well_formed(text), special_tokens)[::2]:
            counts.update(pattern.split(part))
    return counts


def learn_merges(
    counts: Mapping[str, int], num_tokens: int, on_merge: Callable[[], None] = lambda: None
) -> list[Merge]:
    """Merge the most frequent pair until there are ``num_tokens`` new tokens or no pairs.

    Of equally frequent pairs the greater pair of byte strings goes first, as in the reference.
    """
    tokens = [bytes([value]) for value in range(256)]
    id_of = {token: number for number, token in enumerate(tokens)}
    sort_keys = [_descending(token) for token in tokens]
    words = _Words(counts)
    heap = [(-n, sort_keys[a], sort_keys[b], (a, b)) for (a, b), n in words.pair_counts.items()]
    heapq.heapify(heap)
    merges: list[Merge] = []
    while len(tokens) < 256 + num_tokens and heap:
        negative_count, left_key, right_key, pair = heap[0]
        count = words.pair_counts.get(pair, 0)
        if count != -negative_count:
            if count:
                heapq.heapreplace(heap, (-count, left_key, right_key, pair))
            else:
                heapq.heappop(heap)
            continue
        heapq.heappop(heap)
        left, right = tokens[pair[0]], tokens[pair[1]]
        merges.append((left, right))
        merged = id_of.setdefault(left + right, len(tokens))
        if merged == len(tokens):  # else two merges spell the same bytes: one token, one id
            tokens.append(left + right)
            sort_keys.append(_descending(left + right))
        for a, b in words.merge(pair, merged):
            entry = (-words.pair_counts[a, b], sort_keys[a], sort_keys[b], (a, b))
            heapq.heappush(heap, entry)
        on_merge()
    return merges


class _Words:
    """The distinct pre-tokens as ids, the counts of their pairs, and which words hold a pair."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.words: list[list[int]] = []
        self.counts: list[int] = []
        self.pair_counts: defaultdict[Pair, int] = defaultdict(int)
        # A word stays listed under a pair that it has lost: looking at it again costs less than
        # keeping the lists tidy.
        self.words_with: defaultdict[Pair, list[int]] = defaultdict(list)
        for pretoken, count in counts.items():
            word = list(pretoken.encode())
            for pair in pairwise(word):
                self.pair_counts[pair] += count
                holders = self.words_with[pair]
                if not holders or holders[-1] != len(self.words):
                    holders.append(len(self.words))
            self.words.append(word)
            self.counts.append(count)

    def merge(self, pair: Pair, merged: int) -> list[Pair]:
        """Replace ``pair`` by the id ``merged`` everywhere; return the pairs that became more."""
        first, second = pair
        changes: defaultdict[Pair, int] = defaultdict(int)
        for index in self.words_with.pop(pair):
            word, count = self.words[index], self.counts[index]
            new_word: list[int] = []
            position, end = 0, len(word)
            while position < end:
                here = word[position]
                position += 1
                if here != first or position == end or word[position] != second:
                    new_word.append(here)
                    continue
                position += 1
                if new_word:
                    left = new_word[-1]
                    changes[left, first] -= count
                    changes[left, merged] += count
                    self.words_with[left, merged].append(index)
                if position < end:
                    right = word[position]
                    changes[second, right] -= count
                    changes[merged, right] += count
                    self.words_with[merged, right].append(index)
                new_word.append(merged)
            self.words[index] = new_word
        changes.pop(pair, None)
        del self.pair_counts[pair]
        for changed, change in changes.items():
            self.pair_counts[changed] += change
            if not self.pair_counts[changed]:
                del self.pair_counts[changed]
        return [changed for changed, change in changes.items() if change > 0]


_FLIPPED = bytes(range(255, -1, -1))


def _descending(token: bytes) -> str:
    """Return a key that sorts the greatest bytes first, as the heap gives its least entry.

    Every byte is flipped, and an end mark above all bytes puts a token before its own prefixes.
    """
    return token.translate(_FLIPPED).decode("latin-1") + "\u0100"
