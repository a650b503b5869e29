import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.data import Loader, ShardWriter, TokenShards
from groundup.errors import UserError

THREE = [[0, 5, 6], [0], [0, 7, 8, 9]]


def test_documents_are_stored_one_after_another(make_shards):
    shards = make_shards(THREE)
    assert len(shards) == 8
    assert shards.tokens.tolist() == [0, 5, 6, 0, 0, 7, 8, 9]
    assert shards.document_starts.tolist() == [0, 3, 4]
    assert shards.header.documents == 3
    assert shards.header.text_bytes == 5
    assert shards.token_bytes[:3].tolist() == [0, 1, 1]


def test_files_are_plain_little_endian_ids_and_a_numpy_index(make_shards):
    folder = make_shards(THREE).folder
    data = (folder / "train.bin").read_bytes()
    assert data == b"\0\0\5\0\6\0\0\0\0\0\7\0\x08\0\x09\0"
    assert np.load(folder / "train.index.npy").tolist() == [0, 3, 4]
    header = json.loads((folder / "train.json").read_text())
    assert header["sha256"] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(("vocab_size", "bytes_per_id"), [(65_536, 2), (65_537, 4)])
def test_ids_take_two_bytes_up_to_65536_and_four_beyond(make_shards, vocab_size, bytes_per_id):
    shards = make_shards([[0, vocab_size - 1]], vocab_size=vocab_size)
    assert (shards.folder / "train.bin").stat().st_size == 2 * bytes_per_id
    assert shards.tokens.tolist() == [0, vocab_size - 1]


@given(
    chunks=st.lists(
        st.lists(st.lists(st.integers(0, 299), min_size=1, max_size=9), min_size=1, max_size=5),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_read_back_however_it_was_chunked(
    tmp_path_factory, make_shards, add_documents, chunks
):
    folder = tmp_path_factory.mktemp("tokens")
    with ShardWriter(folder, "train", vocab_size=300, tokenizer="t") as writer:
        for documents in chunks:
            add_documents(writer, documents)
    np.save(folder / "token_bytes.npy", np.ones(300, np.uint16))
    shards = TokenShards.open(folder, "train")
    documents = [ids for chunk in chunks for ids in chunk]
    ends = [*shards.document_starts[1:], len(shards)]
    found = [
        shards.tokens[begin:end].tolist()
        for begin, end in zip(shards.document_starts, ends, strict=True)
    ]
    assert found == documents
    assert shards.fingerprint == make_shards(documents, vocab_size=300).fingerprint


def test_fingerprint_tells_tokens_and_boundaries_apart(make_shards):
    variants = [THREE, [[0, 5, 7], *THREE[1:]], [[0, 5, 6, 0], [0, 7, 8, 9]]]
    names = {make_shards(documents).fingerprint for documents in variants}
    assert len(names) == 3
    assert all(len(name) == 16 for name in names)
    assert make_shards(THREE).fingerprint in names


@pytest.mark.parametrize("wrong", [-1, 512, 65_536 + 7])
def test_an_id_outside_the_vocabulary_is_never_written(make_shards, wrong):
    with pytest.raises(AssertionError, match=str(wrong)):
        make_shards([[0, 1], [0, wrong]])


def test_a_killed_write_leaves_nothing_that_opens(tmp_path, add_documents):
    def interrupted():
        with ShardWriter(tmp_path, "train", vocab_size=9, tokenizer="t") as writer:
            add_documents(writer, [[0, 1]])
            writer.save()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with pytest.raises(UserError, match=r"no token shards of the train split.*groundup tokenize"):
        TokenShards.open(tmp_path, "train")


def shorten(path, by=1):
    path.write_bytes(path.read_bytes()[:-by])


def lengthen(path):
    path.write_bytes(path.read_bytes() + b"\0\0")


def save_index(*starts, dtype=np.int64):
    return lambda path: np.save(path, np.array(starts, dtype))


def edit_header(**changes):
    return lambda path: path.write_text(json.dumps(json.loads(path.read_text()) | changes))


DAMAGES = {
    "tokens cut short": ("train.bin", shorten, r"has 15 bytes where 16 belong"),
    "tokens too long": ("train.bin", lengthen, r"has 18 bytes where 16 belong"),
    "tokens gone": ("train.bin", lambda path: path.unlink(), r"is missing"),
    "index cut short": ("train.index.npy", shorten, r"cannot be read"),
    "index empty": ("train.index.npy", lambda path: path.write_bytes(b""), r"cannot be read"),
    "index not numpy": ("train.index.npy", lambda path: path.write_text("hi"), r"cannot be read"),
    "index gone": ("train.index.npy", lambda path: path.unlink(), r"is missing"),
    "index of another split": ("train.index.npy", save_index(0, 3), r"\(2,\) where int64 \(3,\)"),
    "index of int32": ("train.index.npy", save_index(0, 3, 4, dtype=np.int32), r"holds int32"),
    "index falls": ("train.index.npy", save_index(0, 4, 3), r"does not rise"),
    "index repeats": ("train.index.npy", save_index(0, 3, 3), r"does not rise"),
    "index begins late": ("train.index.npy", save_index(1, 3, 4), r"does not rise"),
    "index past the end": ("train.index.npy", save_index(0, 3, 8), r"does not rise"),
    "bytes of another tokenizer": (
        "token_bytes.npy",
        lambda path: np.save(path, np.ones(9, np.uint16)),
        r"uint16 \(9,\) where uint16 \(512,\) belongs",
    ),
    "header not JSON": ("train.json", lambda path: path.write_text("{"), r"its JSON is not"),
    "header of a newer layout": ("train.json", edit_header(format=2), r"format is not"),
    "header with a wrong count": ("train.json", edit_header(tokens=9), r"where 18 belong"),
    "header without tokens": ("train.json", edit_header(tokens=0), r"tokens is not"),
}


@pytest.mark.parametrize(("name", "damage", "fault"), DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_named_with_the_file_and_the_way_out(make_shards, name, damage, fault):
    folder = make_shards(THREE).folder
    damage(folder / name)
    with pytest.raises(UserError, match=fault) as caught:
        TokenShards.open(folder, "train")
    message = str(caught.value)
    assert "tokenize again" in message
    assert str(folder) in message
    assert "\n" not in message


def test_a_damaged_id_is_found_when_its_batch_is_read(make_shards):
    shards = make_shards(THREE)
    data = bytearray((shards.folder / "train.bin").read_bytes())
    data[3] = 0xFF
    (shards.folder / "train.bin").write_bytes(data)
    loader = Loader(
        TokenShards.open(shards.folder, "train"), batch_size=4, context_length=2, seed=0
    )
    with pytest.raises(UserError, match=r"train\.bin: token id 65285 is outside.*tokenize again"):
        loader.batch(0)
