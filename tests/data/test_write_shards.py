"""A writer goes on where another had saved, if all of that is still there, and only then."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.data import ShardWriter

DOCUMENTS = [[0, 5, 6], [0], [0, 7, 8, 9], [0, 1], [0, 511]]


class Killed(BaseException):
    """Nothing that a writer could catch."""


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="session")
def session(add_documents):
    """Write in a folder, saving after the documents in ``saves``, and stop before one of them.

    Returns how many documents were there at first.
    """

    def write(folder, saves=(), stop=None, *, tokenizer="t", vocab_size=512, resume=True):
        writer = ShardWriter(
            folder, "train", vocab_size=vocab_size, tokenizer=tokenizer, resume=resume
        )
        with suppress(Killed), writer:
            found = writer.num_documents
            for number in range(found, len(DOCUMENTS)):
                if number == stop:
                    raise Killed
                add_documents(writer, [DOCUMENTS[number]])
                if number + 1 in saves:
                    writer.save()
            if stop == len(DOCUMENTS):
                raise Killed
        return found

    return write


@pytest.fixture(scope="session")
def straight(tmp_path_factory, session):
    """The files of a split that was written at once."""
    folder = tmp_path_factory.mktemp("straight")
    session(folder)
    assert sorted(contents(folder)) == ["train.bin", "train.index.npy", "train.json"]
    return contents(folder)


numbers = st.integers(0, len(DOCUMENTS))


@given(sessions=st.lists(st.tuples(st.sets(numbers), numbers), max_size=4))
def test_killed_any_number_of_times_the_files_are_as_if_written_at_once(
    tmp_path_factory, session, straight, sessions
):
    folder = tmp_path_factory.mktemp("tokens")
    there = 0
    for saves, stop in sessions:
        assert session(folder, saves, max(stop, there)) == there
        there = max([there, *(number for number in saves if number <= stop)])
    assert session(folder) == there
    assert contents(folder) == straight


def test_what_is_whole_stays_as_it_is(tmp_path, session, straight):
    session(tmp_path)
    assert session(tmp_path) == len(DOCUMENTS)
    assert contents(tmp_path) == straight


def edit(name, change):
    def damage(folder):
        path = folder / name
        path.write_bytes(change(path.read_bytes()))

    return damage


def edit_journal(**changes):
    def change(data):
        return json.dumps(json.loads(data) | changes).encode()

    return edit("train.partial.json", change)


DAMAGES = {
    "journal cut short": edit("train.partial.json", lambda data: data[:-9]),
    "journal empty": edit("train.partial.json", lambda _: b""),
    "journal not text": edit("train.partial.json", lambda _: b"\xff\x00"),
    "journal a list": edit("train.partial.json", lambda _: b"[]"),
    "journal gone": lambda folder: (folder / "train.partial.json").unlink(),
    "journal with more tokens": edit_journal(tokens=9),
    "journal with fewer tokens": edit_journal(tokens=4),
    "journal with more documents": edit_journal(documents=4),
    "journal with absurd counts": edit_journal(tokens=10**18, documents=10**18),
    "journal of a newer layout": edit_journal(format=2),
    "tokens cut short": edit("train.bin", lambda data: data[:15]),
    "tokens changed": edit("train.bin", lambda data: data[:6] + b"\1" + data[7:]),
    "tokens gone": lambda folder: (folder / "train.bin").unlink(),
    "index cut short": edit("train.index.npy", lambda data: data[:130]),
    "index changed": edit("train.index.npy", lambda data: data[:136] + b"\1" + data[137:]),
    "index gone": lambda folder: (folder / "train.index.npy").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_what_is_damaged_is_written_anew(tmp_path, session, straight, damage):
    session(tmp_path, {3}, 4)
    damage(tmp_path)
    assert session(tmp_path) == 0
    assert contents(tmp_path) == straight


def test_a_split_that_was_whole_and_is_damaged_is_written_anew(tmp_path, session, straight):
    session(tmp_path)
    edit("train.bin", lambda data: data[:-1])(tmp_path)
    assert session(tmp_path) == 0
    assert contents(tmp_path) == straight


@pytest.mark.parametrize("other", [{"tokenizer": "u"}, {"vocab_size": 600}, {"vocab_size": 70_000}])
def test_another_tokenizers_work_is_not_gone_on_with(tmp_path, session, straight, other):
    session(tmp_path, {3}, 4, **other)
    assert session(tmp_path) == 0
    assert contents(tmp_path) == straight


@pytest.mark.parametrize("stop", [4, None])
def test_unless_asked_to_resume_a_writer_begins_anew(tmp_path, session, straight, stop):
    session(tmp_path, {3}, stop)
    assert session(tmp_path, resume=False) == 0
    assert contents(tmp_path) == straight


def test_a_writer_that_begins_anew_and_is_killed_leaves_nothing_of_the_old(tmp_path, session):
    session(tmp_path)
    session(tmp_path, stop=0, resume=False)
    assert session(tmp_path) == 0
