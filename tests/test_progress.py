import io

from rich.console import Console

from groundup import progress


def test_in_a_log_a_bar_prints_nothing(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=out, force_terminal=False))
    with progress.progress_bar() as bar:
        bar.advance(bar.add_task("corpus", total=10, unit="bytes"), 10)
    assert out.getvalue() == ""


def test_in_a_terminal_it_shows_amount_and_rate(monkeypatch):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    monkeypatch.setattr(progress, "console", console)
    with progress.progress_bar() as bar:
        bar.advance(bar.add_task("corpus", total=12e6, unit="bytes"), 3.1e6)
        bar.advance(bar.add_task("pages", total=800, unit="documents"), 120)
    assert "3.1/12.0 MB" in out.getvalue()
    assert "120/800 documents" in out.getvalue()
