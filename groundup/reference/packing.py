"""Best-fit decreasing, one piece at a time (Ding et al., arXiv 2404.10830, section 3)."""


def best_fit_decreasing(lengths: list[int], capacity: int) -> list[list[int]]:
    """Put pieces into rows: the longest first, each where the least room is left for it.

    Args:
        lengths: of the pieces, each at most ``capacity``.
        capacity: of a row.

    Returns:
        The lengths in each row.
    """
    rows: list[list[int]] = []
    for length in sorted(lengths, reverse=True):
        rooms = [(capacity - sum(row), number) for number, row in enumerate(rows)]
        fitting = [(room, number) for room, number in rooms if room >= length]
        if fitting:
            rows[min(fitting)[1]].append(length)
        else:
            rows.append([length])
    return rows
