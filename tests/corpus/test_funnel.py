import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.corpus.funnel import Count, Flow, Funnel
from groundup.corpus.funnel_table import funnel_table

sizes = st.integers(0, 1000)
fates = st.sampled_from(["keep", "edit", "drop a", "drop b", "error"])
documents = st.lists(st.tuples(sizes, fates, sizes), max_size=30)


def run(funnel: Funnel, source: str, seen: list[tuple[int, str, int]]) -> Count:
    """Send documents through two steps, and return what is left."""
    left = Count()
    for size, fate, new_size in seen:
        first = funnel.flow(source, "first")
        first.entered.add(size)
        if fate.startswith("drop"):
            first.drop(fate, size)
        elif fate == "error":
            first.drop(fate, size, error=True)
        else:
            after = new_size if fate == "edit" else size
            first.keep(size, after, edited=fate == "edit")
            second = funnel.flow(source, "second")
            second.entered.add(after)
            second.keep(after, after, edited=False)
            left.add(after)
    return left


@given(documents, documents)
def test_funnels_of_parts_add_up_to_that_of_the_whole(one: list, other: list) -> None:
    whole = Funnel(["first", "second"])
    run(whole, "a", one + other)
    written = run(whole, "b", one)
    written = Count(0, 0)
    parts = [Funnel(["first", "second"]) for _ in range(3)]
    for part, (source, seen) in zip(parts, [("a", one), ("a", other), ("b", one)], strict=True):
        written += run(part, source, seen)
    merged = Funnel(["first", "second"])
    for part in parts:
        merged.merge(Funnel.from_json(part.steps, part.to_json()))
    assert merged.to_json() == whole.to_json()
    merged.check(written)


@given(documents.filter(bool))
def test_a_document_that_slips_through_is_found(seen: list) -> None:
    funnel = Funnel(["first", "second"])
    written = run(funnel, "a", seen)
    funnel.flow("a", "first").entered.add(1)
    with pytest.raises(AssertionError, match="a, first: unaccounted for"):
        funnel.check(written)


def test_bytes_that_are_not_written_are_found() -> None:
    funnel = Funnel(["first", "second"])
    written = run(funnel, "a", [(5, "keep", 0)])
    written.bytes -= 1
    with pytest.raises(AssertionError, match="should have been written"):
        funnel.check(written)


def test_what_is_lost_between_two_steps_is_found() -> None:
    funnel = Funnel(["first", "second"])
    written = run(funnel, "a", [(5, "keep", 0), (6, "keep", 0)])
    funnel.flows["a"]["second"] = Flow(entered=Count(1, 5), kept=Count(1, 5))
    with pytest.raises(AssertionError, match="lost before second"):
        funnel.check(written)


def test_table_has_a_row_for_each_step_and_reason() -> None:
    funnel = Funnel(["first", "second"])
    run(funnel, "a", [(5, "drop a", 0), (6, "edit", 3), (7, "error", 0)])
    result = {"steps": funnel.steps, "funnel": funnel.to_json()}
    table = funnel_table(result | {"replaced_characters": 0, "replaced_texts": 0})
    names = list(table.columns[0].cells)
    assert names == ["met", "first", "  drop a", "  error: error", "  edited", "second"]
    assert table.caption is None
    table = funnel_table(result | {"replaced_characters": 1234, "replaced_texts": 5})
    assert table.caption == "1,234 characters of 5 texts could not be decoded"
