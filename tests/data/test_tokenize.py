import errno
import tracemalloc
from collections import Counter
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.corpus import RowGroup
from groundup.corpus.document import Document
from groundup.corpus.storage import DocumentWriter
from groundup.data import ShardWriter, TokenShards, tokenize, tokenize_documents
from groundup.errors import UserError
from groundup.tokenizer import BPETokenizer, CharacterTokenizer, load_tokenizer

TEXTS = ["the cat sat on the mat", "", "größer – 猫 <|endoftext|> 🙂", "a\n\nb"]


def write_corpus(folder, row_group_bytes=8 << 20, **splits):
    """Write texts as a corpus folder: ``write_corpus(folder, train=[…], validation=[…])``."""
    for split, texts in splits.items():
        with DocumentWriter(folder, split, row_group_bytes=row_group_bytes) as writer:
            for text in texts:
                writer.write(Document.of(text, "test"))
    return folder


@pytest.fixture(scope="module")
def bpe():
    return BPETokenizer.train(TEXTS * 3, vocab_size=270)


def read_back(shards, tokenizer):
    """Return the text of every document, and check that each opens with end_of_text."""
    texts = []
    for ids in np.split(shards.tokens, shards.document_starts[1:]):
        assert ids[0] == tokenizer.end_of_text_id
        texts.append(tokenizer.decode(ids[1:].tolist()))
    return texts


@given(
    train=st.lists(st.text(max_size=40), min_size=1, max_size=6),
    validation=st.lists(st.text(max_size=40), min_size=1, max_size=3),
    kind=st.sampled_from(["bpe", "characters"]),
)
@settings(max_examples=25, deadline=None)
def test_shards_hold_every_document_of_the_corpus(tmp_path_factory, bpe, train, validation, kind):
    tokenizer = bpe if kind == "bpe" else CharacterTokenizer.train(train + validation, 1000)
    corpus = write_corpus(tmp_path_factory.mktemp("corpus"), train=train, validation=validation)
    folder = tmp_path_factory.mktemp("tokens")
    summary = tokenize_documents(corpus, tokenizer, folder)
    for split, texts in (("train", train), ("validation", validation)):
        shards = TokenShards.open(folder, split)
        assert read_back(shards, tokenizer) == texts
        num_bytes = sum(len(text.encode()) for text in texts)
        assert summary[split]["documents"] == len(texts) == shards.header.documents
        assert summary[split]["tokens"] == len(shards)
        assert summary[split]["text_bytes"] == num_bytes == shards.header.text_bytes
        assert int(shards.token_bytes[shards.tokens].sum()) == num_bytes
        assert shards.header.tokenizer == tokenizer.fingerprint == summary["tokenizer"]
        assert shards.vocab_size == tokenizer.vocab_size == summary["vocab_size"]


def test_text_cannot_forge_the_end_of_a_document(tmp_path, bpe):
    corpus = write_corpus(tmp_path, train=["a<|endoftext|>b"], validation=["c"])
    tokenize_documents(corpus, bpe, tmp_path)
    tokens = TokenShards.open(tmp_path, "train").tokens.tolist()
    assert tokens.count(bpe.end_of_text_id) == 1


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


MANY = [text * number for number in range(1, 9) for text in TEXTS]


@pytest.fixture(scope="module")
def straight(tmp_path_factory, bpe):
    """The files of MANY documents in one row group, encoded by one thread."""
    corpus = write_corpus(tmp_path_factory.mktemp("corpus"), train=MANY, validation=TEXTS)
    folder = tmp_path_factory.mktemp("tokens")
    tokenize_documents(corpus, bpe, folder, threads=1)
    return contents(folder)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("row_group_bytes", [1, 300, 8 << 20])
@pytest.mark.parametrize("ahead", [1, 1 << 20])
def test_threads_and_chunks_leave_no_trace_in_the_files(
    tmp_path, bpe, straight, monkeypatch, threads, row_group_bytes, ahead
):
    monkeypatch.setattr(tokenize, "BYTES_AHEAD", ahead)
    corpus = write_corpus(tmp_path, row_group_bytes, train=MANY, validation=TEXTS)
    (tmp_path / "tokens").mkdir()
    tokenize_documents(corpus, bpe, tmp_path / "tokens", threads=threads)
    assert contents(tmp_path / "tokens") == straight


@pytest.fixture
def break_off(monkeypatch):
    """Tokenize, save after each row group, and raise where the n-th would be written."""
    monkeypatch.setattr(tokenize, "SAVE_SECONDS", 0)
    add = ShardWriter.add

    def call(number, error, corpus, tokenizer, folder):
        left = number

        def add_or_break(writer, *arguments, **options):
            nonlocal left
            left -= 1
            if not left:
                writer._tokens_file.write(b"half of what was to be written")
                raise error
            add(writer, *arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(ShardWriter, "add", add_or_break)
            with pytest.raises(type(error)):
                tokenize_documents(corpus, tokenizer, folder, threads=2, resume=True)

    return call


@pytest.fixture
def count_encoded(monkeypatch):
    """Count the documents that are encoded."""
    encoded = []
    texts_of = RowGroup.texts

    def texts(group, first=0):
        texts, size = texts_of(group, first)
        encoded.extend(texts)
        return texts, size

    monkeypatch.setattr(RowGroup, "texts", texts)
    return encoded


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device"), MemoryError()],
    ids=["Ctrl-C", "disk full", "out of memory"],
)
@pytest.mark.parametrize("numbers", [(1,), (2, 2, 1), (9, 26)])
def test_broken_off_it_goes_on_and_the_files_are_as_if_it_had_not_been(
    tmp_path, bpe, straight, break_off, count_encoded, capsys, error, numbers
):
    corpus = write_corpus(tmp_path, 1, train=MANY, validation=TEXTS)  # a document a row group
    folder = tmp_path / "tokens"
    folder.mkdir()
    for number in numbers:
        break_off(number, error, corpus, bpe, folder)
    written = sum(numbers) - len(numbers)
    count_encoded.clear()
    tokenize_documents(corpus, bpe, folder, resume=True)
    assert sorted(count_encoded) == sorted((MANY + TEXTS)[written:])
    assert contents(folder) == straight
    split, before = ("train", written) if written < len(MANY) else ("validation", written - 32)
    assert (f"resuming after document {before} of {split}" in capsys.readouterr().err) == (
        before > 0
    )


def test_work_goes_on_within_a_row_group_of_a_corpus_that_was_written_otherwise(
    tmp_path, bpe, straight, break_off, count_encoded
):
    for name, size in (("one", 1), ("other", 1 << 20)):
        (tmp_path / name).mkdir()
        write_corpus(tmp_path / name, size, train=MANY, validation=TEXTS)
    (tmp_path / "tokens").mkdir()
    break_off(8, KeyboardInterrupt(), tmp_path / "one", bpe, tmp_path / "tokens")
    count_encoded.clear()
    tokenize_documents(tmp_path / "other", bpe, tmp_path / "tokens", resume=True)
    assert sorted(count_encoded) == sorted((MANY + TEXTS)[7:])
    assert contents(tmp_path / "tokens") == straight


def test_unless_asked_to_resume_it_begins_anew(tmp_path, bpe, break_off):
    corpus = write_corpus(tmp_path, 1, train=["a", "b", "c"], validation=["d"])
    break_off(3, KeyboardInterrupt(), corpus, bpe, tmp_path)
    corpus = write_corpus(tmp_path, 1, train=["c", "b", "a"], validation=["d"])
    tokenize_documents(corpus, bpe, tmp_path)
    assert read_back(TokenShards.open(tmp_path, "train"), bpe) == ["c", "b", "a"]


@given(
    sizes=st.lists(st.integers(1, 40 << 20), max_size=12),
    taken=st.integers(0, 12),
    workers=st.integers(1, 3),
)
def test_what_is_read_ahead_is_bounded(sizes, taken, workers):
    begun = []

    def encode(group, _first):
        begun.append(group.stored_bytes)
        return group.number

    groups = [(RowGroup(Path("x"), number, 1, size), 0) for number, size in enumerate(sizes)]
    with closing(tokenize._in_order(encode, groups, workers)) as encoded:
        for number, result in enumerate(islice(encoded, taken)):
            assert result == number
            ahead = Counter(begun) - Counter(sizes[: number + 1])
            assert sum(ahead.elements()) <= tokenize.BYTES_AHEAD or ahead.total() == 1
    if taken >= len(sizes):
        assert Counter(begun) == Counter(sizes)


def test_a_huge_document_takes_a_few_times_its_size(tmp_path):
    text = "the cat sat on the mat " * 1_000_000  # 23 MB, one line
    corpus = write_corpus(tmp_path, train=["a", text, "b"], validation=["c"])
    bpe = BPETokenizer.train([text[:1000]], vocab_size=280)
    bpe.encode("a")
    tracemalloc.start()
    try:
        tokenize_documents(corpus, bpe, tmp_path, threads=2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * len(text)
    shards = TokenShards.open(tmp_path, "train")
    assert read_back(shards, bpe) == ["a", text, "b"]


def test_special_tokens_stand_for_no_bytes(tmp_path, bpe):
    corpus = write_corpus(tmp_path, train=["a"], validation=["b"])
    tokenize_documents(corpus, bpe, tmp_path)
    token_bytes = TokenShards.open(tmp_path, "train").token_bytes
    assert token_bytes.dtype == np.uint16
    assert token_bytes[bpe.end_of_text_id] == 0
    assert token_bytes.sum() == sum(len(bpe.token_bytes(i)) for i in range(bpe.vocab_size))
    assert (token_bytes == 0).sum() == 1


def test_a_corpus_without_a_split_is_refused(tmp_path, bpe):
    corpus = write_corpus(tmp_path, train=["a"])
    with pytest.raises(UserError, match="validation"):
        tokenize_documents(corpus, bpe, tmp_path)


def test_a_damaged_corpus_is_refused_by_the_name_of_its_file(tmp_path, bpe):
    corpus = write_corpus(tmp_path, train=["a"], validation=["b"])
    (corpus / "train-00000.parquet").write_bytes(b"PAR1 no footer")
    with pytest.raises(UserError, match=r"train-00000\.parquet is damaged"):
        tokenize_documents(corpus, bpe, tmp_path)


@pytest.mark.shared
def test_the_verdict_has_5145_gpt2_tokens(tmp_path, shared):
    """Raschka, Build a Large Language Model (From Scratch), section 2.6."""
    tokenizer = load_tokenizer(shared / "tokenizer" / "gpt2")
    text = (shared / "text" / "the-verdict.txt").read_text(encoding="utf-8")
    corpus = write_corpus(tmp_path, train=[text], validation=["end"])
    summary = tokenize_documents(corpus, tokenizer, tmp_path)
    assert summary["train"]["tokens"] == 1 + 5145
    assert summary["dtype"] == "uint16"
    assert summary["vocab_size"] == 50_257
