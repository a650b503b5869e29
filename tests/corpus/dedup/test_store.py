"""Signatures on disk."""

import numpy as np
import pytest

from groundup.corpus.dedup import MinHashConfig, NearDuplicatesConfig
from groundup.corpus.dedup.clusters import near_duplicates_of_old
from groundup.corpus.dedup.keep import keepers
from groundup.corpus.dedup.minhash import MinHasher
from groundup.corpus.dedup.store import SignatureShard, SignatureStore, parse_ids
from groundup.corpus.document import Document
from groundup.errors import UserError

CONFIG = NearDuplicatesConfig()
VERIFIED = NearDuplicatesConfig(min_similarity=0.8)


def story(number: int, *, end: str = "") -> str:
    return " ".join(f"w{number}x{i}" for i in range(80)) + end


def sign(texts: list[str], config: NearDuplicatesConfig = CONFIG) -> SignatureShard:
    hasher = MinHasher(config.minhash)
    signatures = hasher.signatures(texts)
    kept = signatures if config.min_similarity is not None else None
    ids = [Document.of(text, "").id for text in texts]
    return SignatureShard.of(ids, hasher.keys_of(signatures), kept)


def test_parsed_ids_sort_as_the_ids_do():
    ids = ["ff" * 16, "00" * 16, "0" * 16 + "f" * 16, "f" * 16 + "0" * 16]
    numbers = [tuple(row) for row in parse_ids(ids).tolist()]
    assert sorted(ids) == [ids[i] for i in sorted(range(4), key=numbers.__getitem__)]


@pytest.mark.parametrize("config", [CONFIG, VERIFIED])
@pytest.mark.parametrize("count", [0, 3])
def test_a_shard_comes_back_from_disk(tmp_path, config, count):
    shard = sign([story(i) for i in range(count)], config)
    shard.save(tmp_path / "shard")
    loaded = SignatureShard.load(tmp_path / "shard")
    assert len(loaded) == count
    assert np.array_equal(loaded.ids, shard.ids)
    assert np.array_equal(loaded.band_keys, shard.band_keys)
    assert (loaded.signatures is None) == (config.min_similarity is None)


def test_shards_are_stored_as_one(tmp_path):
    one, other = sign([story(0)], VERIFIED), sign([story(1), story(2)], VERIFIED)
    whole, none = sign([story(0), story(1), story(2)], VERIFIED), sign([], VERIFIED)
    store = SignatureStore(tmp_path / "store", VERIFIED)
    store.add("a", one, none, other)
    store.add("a", whole)  # the same
    store.add("b", none)
    joined, empty = store.load()
    for name in ("ids", "band_keys", "signatures"):
        assert np.array_equal(getattr(joined, name), getattr(whole, name))
        assert np.array_equal(getattr(empty, name), getattr(none, name))
    whole.save(tmp_path / "whole")
    np.save(tmp_path / "ids.npy", whole.ids)
    for path in (tmp_path / "ids.npy", tmp_path / "store" / "a" / "ids.npy"):
        assert path.read_bytes() == (tmp_path / "whole" / "ids.npy").read_bytes()


@pytest.mark.parametrize("config", [CONFIG, VERIFIED])
def test_a_new_crawl_loses_what_is_in_an_older_one(tmp_path, config):
    store = SignatureStore(tmp_path / "store", config)
    assert store.crawls == []
    assert store.load() == []
    store.add("2025-05", sign([story(0), story(1), "tiny"], config))
    store.add("2025-08", sign([story(2)], config))

    again = SignatureStore(tmp_path / "store", config)
    assert again.crawls == ["2025-05", "2025-08"]
    new = sign(
        [story(3), story(1, end=" end"), "tiny", "Tiny", story(2), story(3, end=".")], config
    )
    labels, seen = near_duplicates_of_old(again.load(), [new], config.min_similarity)
    assert seen.tolist() == [False, True, True, False, True, False]
    assert labels[0] == labels[5]
    assert keepers(labels, new.ids).sum() == 2


def test_a_crawl_made_again_is_compared_with_the_others_alone(tmp_path):
    store = SignatureStore(tmp_path, CONFIG)
    crawl = sign([story(0)])
    store.add("a", crawl)
    store.add("a", crawl)
    assert [len(shard) for shard in store.load()] == [1]
    assert store.load(but="a") == []


def test_a_crawl_never_changes(tmp_path):
    store = SignatureStore(tmp_path, CONFIG)
    store.add("a", sign([story(0)]))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match="holds another crawl; give the new one another name"):
        store.add("a", sign([story(1)]))
    store.add("b", sign([story(1)]))
    assert before.items() <= {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}.items()


def test_an_interrupted_crawl_is_not_there(tmp_path):
    store = SignatureStore(tmp_path, CONFIG)
    store.add("a", sign([story(0)]))
    (tmp_path / ".b.x7").mkdir()
    assert store.crawls == ["a"]


def test_a_store_whose_making_was_interrupted_is_made_anew(tmp_path):
    (tmp_path / ".store.json.x7").touch()
    store = SignatureStore(tmp_path, CONFIG)
    store.add("a", sign([story(0)]))
    assert SignatureStore(tmp_path, CONFIG).crawls == ["a"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (NearDuplicatesConfig(minhash=MinHashConfig(ngram=7)), "ngram = 5, not 7"),
        (NearDuplicatesConfig(minhash=MinHashConfig(unit="character")), "unit = 'word', not 'cha"),
        (NearDuplicatesConfig(minhash=MinHashConfig(seed=2)), "seed = 1, not 2"),
        (VERIFIED, "signatures = False, not True"),
    ],
)
def test_a_store_made_with_other_settings_is_refused(tmp_path, config, message):
    SignatureStore(tmp_path, CONFIG).add("a", sign([story(0)]))
    with pytest.raises(UserError, match=message):
        SignatureStore(tmp_path, config)


@pytest.mark.parametrize("name", ["ids.npy", "band_keys.npy", "signatures.npy"])
@pytest.mark.parametrize(
    "damage", ["cut", "header", "empty", "zip", "gone", "dtype", "shape", "0d"]
)
def test_a_damaged_crawl_is_named(tmp_path, name, damage):
    SignatureStore(tmp_path, VERIFIED).add("a", sign([story(0), story(1)], VERIFIED))
    path = tmp_path / "a" / name
    whole = path.read_bytes()
    path.unlink()
    match damage:
        case "cut":
            path.write_bytes(whole[:-8])
        case "header":
            path.write_bytes(whole[:20])
        case "empty":
            path.touch()
        case "zip":
            path.write_bytes(b"PK\x03\x04" + whole)
        case "dtype":
            np.save(path, np.zeros((2, 2), np.float32))
        case "shape":
            np.save(path, np.zeros((3, 3), np.uint64))
        case "0d":
            np.save(path, np.uint64(0))
    with pytest.raises(UserError, match=r"a is damaged .*; remove or restore it"):
        SignatureStore(tmp_path, VERIFIED).load()


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "store").touch()
    with pytest.raises(UserError, match="is a file; name the folder of a store"):
        SignatureStore(tmp_path / "store", CONFIG)


def test_what_is_compared_later_may_change(tmp_path):
    SignatureStore(tmp_path, VERIFIED).add("a", sign([story(0)], VERIFIED))
    other = NearDuplicatesConfig(min_similarity=0.9, keep="longest")
    assert SignatureStore(tmp_path, other).crawls == ["a"]


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_folder_that_is_no_store_is_refused(tmp_path, content):
    (tmp_path / "store.json").write_text(content)
    with pytest.raises(UserError, match="is no store of signatures"):
        SignatureStore(tmp_path, CONFIG)


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "-x"])
def test_a_name_that_is_no_folders_is_refused(tmp_path, name):
    with pytest.raises(UserError, match="cannot name a crawl"):
        SignatureStore(tmp_path, CONFIG).add(name, sign([story(0)]))
