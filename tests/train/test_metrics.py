import json
import sys
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.train.metrics import JsonLines, TensorBoard


def test_lines_after_the_checkpoint_are_cut_off(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with JsonLines(path, keep_bytes=0) as lines:
        lines.write({"step": 1, "text": "ü"})
        kept = lines.sync()
        lines.write({"step": 2})
    path.write_bytes(path.read_bytes() + b'{"step": 3, "lo')  # killed while writing
    with JsonLines(path, keep_bytes=kept) as lines:
        lines.write({"step": 2})
        assert lines.sync() == path.stat().st_size
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"step": 1, "text": "ü"},
        {"step": 2},
    ]


def test_a_line_is_in_the_file_as_soon_as_it_is_written(tmp_path):
    with JsonLines(tmp_path / "a", keep_bytes=0) as lines:
        lines.write({"step": 1})
        assert (tmp_path / "a").read_text() == '{"step": 1}\n'


def test_a_file_shorter_than_expected_is_continued(tmp_path):
    with JsonLines(tmp_path / "a", keep_bytes=100) as lines:
        lines.write({"step": 9})
    assert (tmp_path / "a").read_text() == '{"step": 9}\n'


@given(st.lists(st.dictionaries(st.text(), st.text() | st.floats(allow_nan=False))))
def test_any_record_is_one_line_that_reads_back(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("lines") / "a"
    with JsonLines(path, keep_bytes=0) as lines:
        for record in records:
            lines.write(record)
    assert [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] == records


def test_tensorboard_gets_every_number(monkeypatch, tmp_path):
    written = []

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            written.append((folder, purge_step))

        def add_scalar(self, name, value, step):
            written.append((name, value, step))

        def close(self):
            written.append("closed")

    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: module)
    with TensorBoard(tmp_path, "on", first_step=4) as board:
        board.write({"step": 4, "loss": 2.5})
        board.write({"step": 4, "validation": {"nats_per_token": 2.0, "bits_per_byte": None}})
    assert written == [
        (str(tmp_path / "tensorboard"), 4),
        ("train/loss", 2.5, 4),
        ("validation/nats_per_token", 2.0, 4),
        "closed",
    ]


def test_without_the_package_auto_writes_nothing_and_on_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with TensorBoard(tmp_path, "auto", first_step=1) as board:
        board.write({"step": 1, "loss": 1.0})
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="pip install tensorboard"):
        TensorBoard(tmp_path, "on", first_step=1)
