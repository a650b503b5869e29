import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.corpus.document import Document
from groundup.corpus.storage import DocumentWriter
from groundup.data import TokenShards, tokenize_documents
from groundup.errors import UserError
from groundup.tokenizer import BPETokenizer, CharacterTokenizer, load_tokenizer

TEXTS = ["the cat sat on the mat", "", "größer – 猫 <|endoftext|> 🙂", "a\n\nb"]


def write_corpus(folder, **splits):
    """Write texts as a corpus folder: ``write_corpus(folder, train=[…], validation=[…])``."""
    for split, texts in splits.items():
        with DocumentWriter(folder, split) as writer:
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


def test_chunks_leave_no_trace_in_the_files(tmp_path, bpe, monkeypatch):
    corpus = write_corpus(tmp_path, train=TEXTS * 5, validation=TEXTS)
    names = []
    for chunk in (1, 30, 1 << 20):
        monkeypatch.setattr("groundup.data.tokenize.CHUNK_CHARACTERS", chunk)
        folder = tmp_path / str(chunk)
        folder.mkdir()
        tokenize_documents(corpus, bpe, folder)
        names.append([TokenShards.open(folder, s).fingerprint for s in ("train", "validation")])
    assert names[0] == names[1] == names[2]


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
