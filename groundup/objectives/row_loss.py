"""Cross-entropy and its gradient of rows of logits, on a CPU, while a row is in the cache.

As operations of torch they read and write all logits some eight times; here each row is read and
written once and its exponentials are a polynomial that takes eight numbers at a time.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from groundup.cores import available_cores
from groundup.kernels import compiling_note, kernel

LOG2_E = np.float32(1.4426950408889634)
# 2^f for f in [-0.5, 0.5]: the series of exp(f · ln 2), whose error there is below 2e-7 of it.
C1, C2, C3, C4, C5, C6 = (
    np.float32(c)
    for c in (0.6931471806, 0.2402265070, 0.0555041087, 0.0096181291, 0.0013333558, 0.0001540353)
)
ONE, HALF, SMALLEST = np.float32(1.0), np.float32(0.5), np.float32(-126.0)
SIXTEEN, ODD, BELOW_HALF = np.uint32(16), np.uint32(1), np.uint32(0x7FFF)
BIAS, MANTISSA = np.int32(127), np.int32(23)
SIGNLESS, INFINITE = np.int32(0x7FFFFFFF), np.int32(0x7F800000)
NAN = np.float32(np.nan)

_COMPILING = Lock()

REORDERED = frozenset({"reassoc", "contract", "nsz"})
"""What the compiler may do to sums: take them in parts. Infinities and NaN stay what they are."""


def rows_loss(logits_RV: Tensor, targets_R: Tensor, *, differentiate: bool) -> float:
    """Return the summed cross-entropy of some rows, in nats; overwrite them with its gradient.

    On as many threads as torch has here. A row with a logit of plus infinity, or one that is no
    number, has a loss and gradients that are no numbers.

    Args:
        logits_RV: bfloat16 or float32, contiguous, on the CPU.
        targets_R: token ids; rows with a negative one have no loss, and zeros for a gradient.
        differentiate: whether to overwrite the logits.

    Raises:
        IndexError: a target is out of the vocabulary.
    """
    if logits_RV.dtype == torch.bfloat16:
        work, logits = _bfloat16_rows, logits_RV.view(torch.uint16).numpy()
    else:
        work, logits = _float32_rows, logits_RV.numpy()
    targets = targets_R.numpy()
    if targets.max(initial=-1) >= logits.shape[1]:
        raise IndexError(f"target {targets.max()} in a vocabulary of {logits.shape[1]}")
    _compile()
    parts = min(torch.get_num_threads(), len(targets))
    if parts <= 1:
        return float(work(logits, targets, differentiate))
    pieces = np.array_split(logits, parts), np.array_split(targets, parts)
    losses = _pool().map(partial(work, differentiate=differentiate), *pieces)
    return float(sum(losses))


@cache
def _pool() -> ThreadPoolExecutor:
    """Return threads for all callers: where parts of a batch learn at once, there are several."""
    threads = max(available_cores(), torch.get_num_threads())
    return ThreadPoolExecutor(threads, thread_name_prefix="groundup-loss")


@cache
def _compile() -> None:
    """Compile for the kinds of arguments that come, or read what was compiled before."""
    with _COMPILING, compiling_note("loss"):  # two parts of a batch come here at once
        for rows, dtype in ((_bfloat16_rows, np.uint16), (_float32_rows, np.float32)):
            rows(np.zeros((1, 1), dtype), np.zeros(1, np.int64), True)


@kernel(fastmath=REORDERED)
def _loss_of_row(row, target, differentiate):  # type: ignore[no-untyped-def]
    """Return the loss of one row of float32 logits; turn it into its gradient if asked."""
    if target < 0:
        if differentiate:
            row[:] = 0
        return 0.0
    # As integers, for which the largest of many is found eight at a time: the bits of two numbers
    # that are not negative are ordered as they are, those of two negative ones the other way.
    bits = row.view(np.int32)
    largest, magnitude = np.int32(-INFINITE - 1), np.int32(0)
    for v in range(len(bits)):
        unsigned = np.int32(bits[v] & SIGNLESS)
        ordered = np.int32(unsigned if bits[v] >= 0 else -unsigned)
        largest = max(largest, ordered)
        magnitude = max(magnitude, unsigned)
    if magnitude > INFINITE or largest == INFINITE:
        if differentiate:
            row[:] = NAN
        return np.nan
    top = (
        np.int32(largest).view(np.float32) if largest >= 0 else -np.int32(-largest).view(np.float32)
    )
    at_target = row[target]
    total = np.float32(0)
    for v in range(len(row)):
        power = max((row[v] - top) * LOG2_E, SMALLEST)
        whole = np.int32(power - HALF)
        f = power - np.float32(whole)
        series = ONE + f * (C1 + f * (C2 + f * (C3 + f * (C4 + f * (C5 + f * C6)))))
        exponential = series * np.int32((whole + BIAS) << MANTISSA).view(np.float32)
        row[v] = exponential
        total += exponential
    if differentiate:  # probabilities, less 1 at the target
        row[target] -= total
        share = ONE / total
        for v in range(len(row)):
            row[v] *= share
    return np.log(total) + np.float64(top) - np.float64(at_target)


@kernel(fastmath=REORDERED)
def _float32_rows(logits, targets, differentiate):  # type: ignore[no-untyped-def]
    """Return the summed loss of (R, V) float32 logits; make them its gradient if asked."""
    spare = np.empty(logits.shape[1], np.float32)
    loss = 0.0
    for r in range(len(targets)):
        if differentiate:
            row = logits[r]
        else:
            row = spare
            row[:] = logits[r]
        loss += _loss_of_row(row, targets[r], differentiate)
    return loss


@kernel(fastmath=REORDERED)
def _bfloat16_rows(logits, targets, differentiate):  # type: ignore[no-untyped-def]
    """The same of bfloat16 logits, given as their bits: the upper half of a float32's."""
    row = np.empty(logits.shape[1], np.float32)
    bits = row.view(np.uint32)
    loss = 0.0
    for r in range(len(targets)):
        halves = logits[r]
        for v in range(len(row)):
            bits[v] = np.uint32(halves[v]) << SIXTEEN
        loss += _loss_of_row(row, targets[r], differentiate)
        if differentiate:
            for v in range(len(row)):  # to the nearest, to even where two are as near
                rounded = bits[v] + BELOW_HALF + ((bits[v] >> SIXTEEN) & ODD)
                halves[v] = np.uint16(rounded >> SIXTEEN)
    return loss
