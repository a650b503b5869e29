import errno
import os
from pathlib import Path

import pytest

from groundup.errors import UserError
from groundup.files import atomic_folder, expand_user, fingerprint, write_atomic, write_json


def files(folder: Path) -> dict[str, str]:
    """Path below ``folder`` → content, hidden files too."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def no_space(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def old(tmp_path) -> Path:
    """A folder that is to be replaced."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model/weights").write_text("old")
    return tmp_path / "model"


@pytest.fixture
def break_rename(monkeypatch):
    """Raise at the n-th rename of a folder, before or after it is done."""

    def arm(number: int, error: BaseException, *, done: bool):
        rename, calls = Path.rename, 0

        def broken(path, target):
            nonlocal calls
            calls += 1
            if calls != number:
                return rename(path, target)
            if done:
                rename(path, target)
            raise error

        monkeypatch.setattr(Path, "rename", broken)

    return arm


def test_a_folder_replaces_an_older_one_and_leaves_nothing_beside(old):
    with atomic_folder(old) as new:
        (new / "other").write_text("new")
    assert files(old.parent) == {"model/other": "new"}
    assert [path.name for path in old.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("no permission")])
@pytest.mark.parametrize(("rename", "done"), [(1, False), (1, True), (2, False), (2, True)])
def test_broken_off_at_any_rename_one_whole_folder_stands(old, break_rename, rename, done, error):
    break_rename(rename, error, done=done)
    with pytest.raises(type(error)), atomic_folder(old) as new:
        (new / "weights").write_text("new")
    stands = "new" if (rename, done) == (2, True) else "old"
    assert files(old.parent) == {"model/weights": stands}
    assert [path.name for path in old.parent.iterdir()] == ["model"]


def test_broken_off_while_filling_the_old_folder_stands(old):
    with pytest.raises(OSError, match="No space"), atomic_folder(old) as new:
        no_space((new / "weights").write_text("half"))
    assert files(old.parent) == {"model/weights": "old"}


def test_where_the_old_folder_cannot_be_put_back_it_is_kept_beside(old, monkeypatch):
    rename, calls = Path.rename, 0

    def only_once(path, target):
        nonlocal calls
        calls += 1
        return rename(path, target) if calls == 1 else no_space()

    monkeypatch.setattr(Path, "rename", only_once)
    with pytest.raises(OSError, match="No space"), atomic_folder(old) as new:
        (new / "weights").write_text("new")
    assert list(files(old.parent).values()) == ["old"]


def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    write_atomic(tmp_path / "a", "old")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        write_atomic(tmp_path / "a", "new")
    assert files(tmp_path) == {"a": "old"}


def test_files_and_folders_have_the_rights_that_the_umask_gives(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic_folder(tmp_path / "folder") as new:
            write_atomic(new / "a", b"\xff")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert (tmp_path / "folder/a").read_bytes() == b"\xff"
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "folder/a").stat().st_mode & 0o777 == 0o640


def test_json_is_indented_and_ends_its_line(tmp_path):
    write_json(tmp_path / "a.json", {"b": Path("c")})
    assert (tmp_path / "a.json").read_text() == '{\n  "b": "c"\n}\n'


def test_fingerprint_knows_values_not_the_order_of_keys():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    assert len(fingerprint(None)) == 16


def test_a_tilde_is_the_home_folder_and_of_nobody_an_error(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert expand_user("~/notes") == Path("/home/ada/notes")
    assert expand_user("a~b") == Path("a~b")
    with pytest.raises(UserError, match="no such user; write the folder out"):
        expand_user("~no-such-user/notes")
