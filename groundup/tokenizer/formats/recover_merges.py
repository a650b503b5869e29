"""Which two tokens each token was merged from: rank files do not say it, but it follows.

tiktoken keeps no merges. It joins any two neighbours whose bytes together are a token, the lowest
rank first. What happens within the bytes of a token, before they are joined to it, depends on
nothing outside: so encoding the token by itself shows the only two parts that it is ever made of.
"""

import heapq
from collections.abc import Mapping

from groundup.progress import progress_bar

STEP = 1024
"""Tokens between two moves of the progress bar."""


def recover_merges(ranks: Mapping[bytes, int]) -> list[tuple[bytes, bytes]]:
    """Return the merges that give the ids that tiktoken gives with these ranks, in their order.

    A token whose bytes alone do not become it has no merge: only a look-up of whole pre-tokens
    (``ignore_merges``), with which tiktoken begins, finds it.

    Args:
        ranks: token to its rank; also each single byte that occurs in a longer one.
    """
    merges: list[tuple[bytes, bytes]] = []
    tokens = sorted(ranks, key=lambda token: ranks[token])
    with progress_bar() as progress:
        bar = progress.add_task("recovering merges", total=len(tokens), unit="tokens")
        for number, token in enumerate(tokens):
            if number % STEP == 0:
                progress.update(bar, completed=number)
            if len(token) > 1 and (pair := last_pair(token, ranks)) is not None:
                merges.append(pair)
    return merges


def last_pair(token: bytes, ranks: Mapping[bytes, int]) -> tuple[bytes, bytes] | None:
    """Return the two parts of ``token`` before its last merge; None if merges end before that.

    A heap over a linked list of parts, as for encoding: O(n log n), for a token of a hostile file
    may be long. Entries are rank and position in one integer; one that has become wrong is skipped.
    """
    size = len(token)
    end_of = list(range(1, size + 1))  # the part that begins at i ends there; 0 if none begins at i
    begin_of = list(range(-1, size - 1))  # where the part before the one at i begins
    heap = [
        rank * size + begin
        for begin in range(size - 1)
        if (rank := ranks.get(token[begin : begin + 2])) is not None
    ]
    heapq.heapify(heap)
    num_parts = size
    while num_parts > 2:
        if not heap:
            return None
        rank, begin = divmod(heapq.heappop(heap), size)
        middle = end_of[begin]
        if not 0 < middle < size or ranks.get(token[begin : end_of[middle]]) != rank:
            continue
        end = end_of[begin] = end_of[middle]
        end_of[middle] = 0
        num_parts -= 1
        if end < size:
            begin_of[end] = begin
            if (rank_after := ranks.get(token[begin : end_of[end]])) is not None:
                heapq.heappush(heap, rank_after * size + begin)
        if begin > 0:
            before = begin_of[begin]
            if (rank_before := ranks.get(token[before:end])) is not None:
                heapq.heappush(heap, rank_before * size + before)
    return token[: end_of[0]], token[end_of[0] :]
