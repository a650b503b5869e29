import json
import shutil
from pathlib import Path

import pytest

from groundup.cli import main
from groundup.corpus import read_documents
from groundup.corpus.why import why
from groundup.errors import UsageError, UserError

ROWS = [
    {"text": "the first text of them all, quite long", "url": "http://a/1"},
    {"text": "write to some.one@gmail.com about it", "url": "http://a/2"},
    {"text": "the first text of them all, quite long", "url": "http://a/3"},
    {"text": " "},
]


@pytest.fixture
def corpus(build, tmp_path: Path) -> Path:
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)) + "\n{broken")
    folder: Path = build(tmp_path / "rows.jsonl", pii={"kinds": ["email"]}).folder
    return folder


def test_kept_edited_and_dropped_documents_tell_their_story(corpus: Path) -> None:
    (kept,), count = why(corpus, "rows.jsonl:1")
    assert count == 1
    assert kept.steps[-1] == ("corpus", "in train and validation")
    assert kept.alike == ["rows.jsonl:3, dropped: equal text"]
    (edited,), _ = why(corpus, "http://a/2")
    assert ("pii", "36 → 25 bytes") in edited.steps
    (again,), _ = why(corpus, "http://a/3")
    assert again.steps[-1] == (
        "exact duplicates",
        f"dropped: equal text; rows.jsonl:1 ({kept.entry.id}) stays",
    )
    (blank,), _ = why(corpus, "rows.jsonl:4")
    assert blank.steps == [("read", "1 bytes"), ("blank", "dropped: blank")]
    (broken,), _ = why(corpus, "rows.jsonl:5")
    assert broken.steps == [("read", "dropped: not valid JSON")]


def test_a_document_is_found_by_the_beginning_of_its_id_and_a_piece_by_its_own(
    corpus: Path,
) -> None:
    (by_source,), _ = why(corpus, "rows.jsonl:2")
    assert by_source.entry.id is not None
    assert [s.entry for s in why(corpus, by_source.entry.id[:8])[0]] == [by_source.entry]
    for piece in read_documents(corpus, "validation"):
        assert piece.source in {story.entry.source for story in why(corpus, piece.id)[0]}


def test_a_source_or_an_address_may_be_spelt_as_people_do(corpus: Path) -> None:
    for name in ("/data/rows.jsonl:2", "./rows.jsonl:2", "http://a/2/", "a/2", "http://a/2#top"):
        (story,), _ = why(corpus, name)
        assert story.entry.source == "rows.jsonl:2"


def test_what_stays_in_place_of_a_document_may_be_dropped_in_turn(build, tmp_path: Path) -> None:
    words = [f"word{n}" for n in range(300)]
    texts = [" ".join(words), " ".join(words), " ".join([*words, "more"])]
    texts += [f"another text, number {n}, of other words" for n in range(3)]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps({"text": t}) for t in texts))
    built = build(
        tmp_path / "rows.jsonl", dedup={"near_duplicates": "drop", "near": {"keep": "longest"}}
    )
    (near,), _ = why(built.folder, "rows.jsonl:1")
    (kept,), _ = why(built.folder, "rows.jsonl:3")
    assert near.steps[-1][1] == f"dropped: near-duplicate; rows.jsonl:3 ({kept.entry.id}) stays"
    (equal,), _ = why(built.folder, "rows.jsonl:2")
    stays = f"rows.jsonl:1 ({near.entry.id}), which near-duplicates dropped in turn"
    assert equal.steps[-1][1] == f"dropped: equal text; {stays}"
    assert kept.alike == [
        "rows.jsonl:1, dropped: near-duplicate",
        "rows.jsonl:2, dropped: equal text",
    ]


def test_what_was_never_met_is_a_user_error(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such document was met"):
        why(corpus, "other.jsonl:1")
    with pytest.raises(UserError, match=r"rows\.jsonl has 5 records; name one by its number"):
        why(corpus, "rows.jsonl")
    with pytest.raises(UsageError, match="which document"):
        why(corpus, " ")


def test_where_there_is_no_corpus_it_says_what_there_is(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(UserError, match="there is no such folder"):
        why(run, "x")
    run.mkdir()
    with pytest.raises(UserError, match="holds no finished corpus; build it"):
        why(run, "x")
    (run / "corpus.partial-0123").mkdir()
    with pytest.raises(UserError, match="is not finished; groundup corpus RECIPE goes on"):
        why(run, "x")
    (tmp_path / "recipe.toml").write_text("")
    with pytest.raises(UserError, match="is a file; name the folder of a run"):
        why(tmp_path / "recipe.toml", "x")
    shutil.copytree(corpus, run / "corpus")
    assert why(run, "rows.jsonl:1")[1] == 1
    (run / "corpus" / "ledger.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(UserError, match=r"ledger\.parquet is damaged .* build it again"):
        why(run, "rows.jsonl:1")


def test_of_many_documents_twenty_are_told_of(
    build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [json.dumps({"text": f"text {n}", "url": "http://a"}) for n in range(30)]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    folder = build(tmp_path / "rows.jsonl").folder
    stories, count = why(folder, "http://a")
    assert (len(stories), count) == (20, 30)
    assert main(["corpus", "why", str(folder), "http://a"]) == 0
    assert "20 of 30 are shown" in capsys.readouterr().out


def test_command_tells_it(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", "why", str(corpus), "rows.jsonl:4"]) == 0
    assert "dropped: blank" in capsys.readouterr().out
    assert main(["corpus", "why", str(corpus), "nothing"]) == 1
    assert main(["corpus", "why", str(corpus)]) == 2
    assert main(["corpus", "why", str(corpus), ""]) == 2
    assert capsys.readouterr().err.count("\n") == 3
