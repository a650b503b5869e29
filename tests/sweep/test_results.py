"""Means, ranks, and the file they are kept in."""

from groundup.sweep import Result, Score
from groundup.sweep.results import append_result, best_toml, ranked, read_results


def result(value: float | None, *, trial: str = "t", rung: int = 0, failed: str = "") -> Result:
    return Result(trial, {"a.b": 1}, 0, rung, "1 s", failed=failed, bits_per_byte=value)


def score(index: int, rung: int, *values: float | None) -> Score:
    return Score.of(index, [result(value, rung=rung) for value in values], "bits_per_byte")


def test_the_mean_and_its_standard_error():
    found = score(0, 0, 1.0, 2.0, 3.0)
    assert found.mean == 2.0
    assert abs(found.error - 1 / 3**0.5) < 1e-12  # the sample's deviation is 1
    assert str(found) == "2.0000 ± 0.5774"
    assert str(score(0, 0, 1.5)) == "1.5000"


def test_one_failed_seed_loses():
    assert score(0, 0, 1.0, None).mean is None
    assert score(0, 0, 1.0, float("nan")).mean is None
    assert result(1.0, failed="diverged").value("bits_per_byte") is None


def test_ranks_by_the_last_rung_first():
    first = [score(0, 0, 3.0), score(1, 0, 1.0), score(2, 0, None), score(3, 0, 2.0)]
    second = [score(1, 1, 0.9), score(3, 1, 0.8)]
    order = [(s.index, s.rung) for s in ranked([first, second])]
    assert order == [(3, 1), (1, 1), (0, 0), (2, 0)]


def test_results_are_read_back_and_a_damaged_line_is_passed_over(tmp_path):
    path = tmp_path / "sweep.jsonl"
    assert read_results(path) == {}
    append_result(path, result(1.5, trial="a"))
    with path.open("a") as file:
        file.write('{"trial": "torn\n[1]\n{}\n')
    append_result(path, result(None, trial="b", failed="diverged"))
    assert read_results(path) == {
        "a": result(1.5, trial="a"),
        "b": result(None, trial="b", failed="diverged"),
    }


def test_the_best_setting_as_toml():
    setting = {
        "pretrain.learning_rate": 0.03,
        "depth": 4,
        "model.width": 64,
        "pretrain.batch_size": 8,
    }
    found = Score.of(0, [Result("t", setting, 0, 0, "1 s", bits_per_byte=1.5)], "bits_per_byte")
    assert best_toml(found, "bits/byte").splitlines() == [
        "# 1.5000 bits/byte (1 seed)",
        "depth = 4",
        "[pretrain]",
        "learning_rate = 0.03",
        "batch_size = 8",
        "[model]",
        "width = 64",
    ]
