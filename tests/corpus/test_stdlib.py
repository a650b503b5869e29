import sysconfig
from pathlib import Path

import pytest

from groundup.corpus.stdlib import stdlib_modules, stdlib_topics
from groundup.errors import UserError


def test_modules_are_the_library_without_tests_and_installed_packages() -> None:
    names = [name for name, _ in stdlib_modules()]
    assert {"json/decoder.py", "collections/__init__.py", "this.py", "bisect.py"} <= set(names)
    assert names == sorted(names)
    assert len(set(names)) == len(names) > 400
    for name in names:
        parts = name.split("/")
        assert not {"test", "tests", "idle_test", "site-packages", "pip"} & set(parts), name
        assert not name.startswith(("/", "_sysconfigdata", "config-", "pydoc_data/topics"))


def test_topics_are_documents_of_their_own() -> None:
    topics = {document.source: document.text for document in stdlib_topics()}
    assert "raise" in topics["stdlib/pydoc_data/topics/try"]
    assert list(topics) == sorted(topics)


def test_python_without_library_files_is_a_user_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / "python311.zip"))
    with pytest.raises(UserError, match=r"no standard library sources.*name files or folders"):
        stdlib_modules()
