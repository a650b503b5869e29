"""How much of each source there is in the end: left out in part, or written more than once."""

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.sections import MixConfig
from groundup.errors import UserError


def epochs_of(sources: list[str], num_bytes: NDArray[np.int64], config: MixConfig) -> list[float]:
    """Return how many times each source is written.

    With weights the mix is as large as it can be with no source written more than ``max_epochs``
    times: the scarcest for its weight is written as often, the others are sampled.

    Args:
        sources: their names, as in ``CorpusConfig.sources``.
        num_bytes: bytes of text that each has to give, (S,).
        config: weights or epochs; without either every document is written once.

    Raises:
        UserError: a source with a weight has no text left.
    """
    if config.epochs:
        return [config.epochs.get(source, 1.0) for source in sources]
    if not config.weights:
        return [1.0] * len(sources)
    weights = np.array([config.weights.get(source, 0.0) for source in sources])
    for source, weight, size in zip(sources, weights, num_bytes, strict=True):
        if weight and not size:
            raise UserError(
                f"mix: nothing is left of {source}; leave its weight out or loosen rules"
            )
    given = weights > 0
    mixed = (config.max_epochs * num_bytes[given] / weights[given]).min()  # bytes at weight 1
    return [
        float(w * mixed / size) if w else 0.0 for w, size in zip(weights, num_bytes, strict=True)
    ]


def copies_of(
    ids: NDArray[np.uint64],
    origins: NDArray[np.int32],
    num_bytes: NDArray[np.int64],
    epochs: list[float],
    seed: int,
) -> NDArray[np.int32]:
    """Return how many times each document is written, (D,): its source's epochs, rounded.

    A fraction of 0.3 is rounded up for the documents whose hash, of id and seed, is least, until
    they have three tenths of their source's bytes: so the bytes are those asked for to within half
    a document, and the choice depends on no other source. A coin tossed for each document would
    miss a tenth of 1,000 documents by 9 % or more in one case of three.

    Args:
        ids: of the documents, (D, 2).
        origins: numbers of their sources, (D,).
        num_bytes: of their texts, (D,); 0 where a document is gone.
        epochs: times that each source is written, (S,).
        seed: another one chooses other documents.
    """
    # SplitMix64 over the second half of the id; the first half decides the side of the split
    state = ids[:, 1] + np.uint64((seed * 0x9E3779B97F4A7C15 + 1) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    state ^= state >> np.uint64(31)
    copies = np.floor(epochs).astype(np.int32)[origins]
    for origin, fraction in enumerate(np.mod(epochs, 1)):
        mine = np.flatnonzero(origins == origin)
        mine = mine[np.argsort(state[mine], kind="stable")]
        sizes = num_bytes[mine]
        middles = np.cumsum(sizes) - sizes / 2  # as many as come nearest
        copies[mine[middles < fraction * sizes.sum()]] += 1
    return copies
