"""Steps that a recipe names: they do what their rules do, and fail in one line."""

import json
import os
from pathlib import Path

import pytest

from groundup.corpus import CorpusConfig, source_fingerprint
from groundup.errors import UserError
from groundup.tokenizer import BPETokenizer

PROSE = "the river ran past the old mill and the children fed the ducks at noon"
BASE64 = "q8Zx0PvTn3RkWj5sYb1dLhG7fMu2CeAo9iKw4VtQyXcNzJrSgEmBpHaDlFUO6I"


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    BPETokenizer.train([PROSE] * 50, 320, []).save(folder)
    return folder


def write_rows(path: Path, texts: list[str]) -> Path:
    path.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    return path


def test_a_tokenizer_tells_text_from_base64(build, tokenizer: Path, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", [PROSE, f"see {BASE64}", "the mill", BASE64])
    options = {"tokenizer": str(tokenizer), "max_tokens_per_word": 3}
    built = build(rows, filters={"rules": ["tokens"], "tokens": options})
    assert set(built.whole().values()) == {PROSE, "the mill"}
    flow = built.summary["funnel"][str(rows)]["filters"]
    assert flow["dropped"] == {"many_tokens_per_word": [2, 2 * len(BASE64) + 4]}


def test_another_tokenizer_makes_another_corpus(tokenizer: Path, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", [PROSE])
    filters = {"rules": ["tokens"], "tokens": {"tokenizer": str(tokenizer)}}
    config = CorpusConfig.model_validate({"sources": [str(rows)], "filters": filters})
    before = source_fingerprint(config)
    assert source_fingerprint(config) == before
    file = tokenizer / "tokenizer.json"
    os.utime(file, ns=(0, 0))  # written in place: the folder's own time stays
    assert source_fingerprint(config) != before


def test_a_tokenizer_that_is_not_there_is_a_user_error(build, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", [PROSE])
    options = {"tokenizer": str(tmp_path / "nowhere")}
    with pytest.raises(UserError, match="nowhere: no such file or folder"):
        build(rows, filters={"rules": ["tokens"], "tokens": options})


def test_lists_and_stores_below_the_home_folder(
    build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    rows = write_rows(tmp_path / "rows.jsonl", [PROSE, f"{PROSE} and a casino"])
    (tmp_path / "words.txt").write_text("casino\n")
    built = build(
        rows,
        filters={"rules": ["blocked_words"], "blocked_words": {"file": "~/words.txt"}},
        dedup={"near_duplicates": "drop", "store": "~/store"},
    )
    assert set(built.whole().values()) == {PROSE}
    assert (tmp_path / "store").is_dir()
    assert not (tmp_path / "~").exists()


def test_paragraphs_that_recur_are_kept_once(build, tmp_path: Path) -> None:
    notice = "All rights\nreserved by us."
    texts = [f"Story {n}, one line\nand another.\n\n{notice}" for n in range(3)]
    rows = write_rows(tmp_path / "rows.jsonl", texts)
    by_line = build(rows, dedup={"repeated_lines": True})
    by_paragraph = build(rows, dedup={"repeated_lines": True, "lines": {"unit": "paragraph"}})
    assert sum(notice in text for text in by_paragraph.whole().values()) == 1
    assert sum("and another." in text for text in by_paragraph.whole().values()) == 3
    assert sum("and another." in text for text in by_line.whole().values()) == 1
