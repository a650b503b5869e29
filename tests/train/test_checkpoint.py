import errno
import os

import pytest
import torch

from groundup.errors import UserError
from groundup.train import checkpoint
from groundup.train.checkpoint import Checkpoints


def tensors(value):
    return {
        "model": {"w": torch.full((64, 64), float(value)), "b": torch.full((3,), float(value))},
        "optimizer": {
            "w.exp_avg": torch.full((64, 64), float(value)),
            "w.step": torch.tensor(value),
        },
    }


def accept(state):
    pass


@pytest.fixture
def checkpoints(tmp_path):
    made = Checkpoints(
        tmp_path / "checkpoints", keep=2, warn=lambda line: made.warnings.append(line)
    )
    made.warnings = []
    return made


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def tensor_file(folder):
    (path,) = folder.glob("*.distcp")
    return path


def test_there_is_nothing_to_resume_at_first(checkpoints):
    assert checkpoints.resume(tensors(0), accept) is None
    assert checkpoints.newest() is None
    assert checkpoints.best() is None


def test_what_was_saved_is_read_back_bit_for_bit(checkpoints):
    random = torch.Generator().manual_seed(0)
    saved = {"model": {"w": torch.randn(9, 5, generator=random)}, "optimizer": {}}
    checkpoints.save(3, saved, {"note": [1, {"a": 0.1}]})
    read = {"model": {"w": torch.zeros(9, 5)}, "optimizer": {}}
    state = checkpoints.resume(read, accept)
    assert torch.equal(read["model"]["w"], saved["model"]["w"])
    assert (state["step"], state["note"]) == (3, [1, {"a": 0.1}])


def test_a_checkpoint_caught_between_two_renames_is_put_back(checkpoints):
    path = checkpoints.save(3, tensors(3), {})
    aside = path.parent / f".{path.name}.old.abc"
    aside.mkdir()
    path.rename(aside / path.name)
    (path.parent / f".{path.name}.half").mkdir()
    read = tensors(0)
    assert checkpoints.resume(read, accept)["step"] == 3
    assert read["model"]["w"][0, 0] == 3
    assert not list(path.parent.glob(".*"))


def test_the_newest_and_the_best_are_kept(checkpoints):
    for step, best in ((1, 1), (2, 2), (3, 2), (4, 2), (5, 2)):
        checkpoints.save(step, tensors(step), {"best_step": best})
    assert checkpoints.steps() == [2, 4, 5]
    assert checkpoints.best() == checkpoints.path(2)
    assert checkpoints.newest() == checkpoints.path(5)
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == [
        "best.json",
        "step-00000002",
        "step-00000004",
        "step-00000005",
    ]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: truncate(tensor_file(folder)),
        lambda folder: tensor_file(folder).unlink(),
        lambda folder: truncate(folder / ".metadata"),
        lambda folder: truncate(folder / "state.json"),
        lambda folder: (folder / "state.json").unlink(),
        lambda folder: (folder / "state.json").write_text("[]"),
        lambda folder: (folder / ".metadata").write_bytes(
            bytes((folder / ".metadata").stat().st_size)
        ),
    ],
    ids=["tensors", "no tensors", "metadata", "state", "no state", "other state", "zeroed"],
)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(checkpoints, damage):
    for step in (1, 2):
        checkpoints.save(step, tensors(step), {})
    damage(checkpoints.path(2))
    read = tensors(0)
    assert checkpoints.resume(read, accept)["step"] == 1
    assert read["model"]["w"].eq(1).all()
    assert read["optimizer"]["w.step"] == 1
    assert len(checkpoints.warnings) == 1
    assert "step-00000002 is damaged" in checkpoints.warnings[0]
    assert checkpoints.steps() == [1]
    checkpoints.save(2, tensors(2), {})
    assert checkpoints.steps() == [1, 2]


def test_where_no_checkpoint_is_whole_the_user_is_told(checkpoints):
    checkpoints.save(1, tensors(1), {})
    truncate(tensor_file(checkpoints.path(1)))
    with pytest.raises(UserError, match=r"no checkpoint in .* is whole; remove that folder"):
        checkpoints.resume(tensors(0), accept)
    # Nor does the next attempt start anew in silence.
    with pytest.raises(UserError, match=r"no checkpoint in .* is whole"):
        checkpoints.resume(tensors(0), accept)


def test_leftovers_of_a_killed_save_are_removed(checkpoints):
    checkpoints.save(1, tensors(1), {})
    leftover = checkpoints.folder / ".step-00000002.abc"
    leftover.mkdir()
    (leftover / "__0_0.distcp").write_bytes(b"half")
    assert checkpoints.resume(tensors(0), accept)["step"] == 1
    assert not leftover.exists()


def test_a_checkpoint_of_another_model_is_refused_with_the_tensor_that_differs(checkpoints):
    checkpoints.save(1, tensors(1), {})
    other = tensors(0)
    other["model"]["w"] = torch.zeros(64, 65)
    with pytest.raises(UserError, match=r"model.w is \[64, 64\] there, \[64, 65\] now"):
        checkpoints.resume(other, accept)
    del other["model"]["w"]
    with pytest.raises(UserError, match=r"model.w is \[64, 64\] there, absent now"):
        checkpoints.resume(other, accept)
    assert checkpoints.steps() == [1]


def test_a_refused_state_leaves_the_tensors_alone(checkpoints):
    def refuse(state):
        raise UserError("other data")

    checkpoints.save(1, tensors(1), {})
    read = tensors(0)
    with pytest.raises(UserError, match="other data"):
        checkpoints.resume(read, refuse)
    assert read["model"]["w"].eq(0).all()


def test_a_full_disk_surfaces_and_leaves_the_checkpoint_before(checkpoints, monkeypatch):
    checkpoints.save(1, tensors(1), {})

    class FullDisk(checkpoint.FileSystemWriter):
        def write_data(self, plan, planner):
            (self.path / "half.distcp").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "FileSystemWriter", FullDisk)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.save(2, tensors(2), {})
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["step-00000001"]
    assert checkpoints.resume(tensors(0), accept)["step"] == 1
