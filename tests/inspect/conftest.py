"""Small tokenizers, a run that has one, and a browser that shows what a page becomes."""

import html
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from groundup.corpus import CorpusConfig, build_corpus
from groundup.data import tokenize_documents
from groundup.files import write_json
from groundup.tokenizer import BPETokenizer, TokenizerConfig, train_tokenizer

CORPUS = [
    "The quick brown fox jumps over the lazy dog. It's 12345 o'clock, isn't it? WE'LL SEE.\n\n",
    "def attend(query, key):\n\treturn softmax(query @ key.T)  # naïve\n" * 5,
    "Größe, cœur, Привет мир, 你好世界, こんにちは, 👩‍👩‍👧 and مرحبا.\r\n" * 3,
]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --virtual-time-budget=20000"
)


@pytest.fixture(scope="session")
def train() -> Callable[..., BPETokenizer]:
    """Train on CORPUS: ``train(pattern="gpt2")``."""

    def train(**options) -> BPETokenizer:
        return train_tokenizer(TokenizerConfig(**({"vocab_size": 420} | options)), CORPUS)[0]

    return train


@pytest.fixture(scope="session")
def bpe(train) -> BPETokenizer:
    return train()


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Path:
    """A run whose corpus, tokenizer and token shards are there."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    texts = folder.parent / "texts"
    texts.mkdir()
    for number in range(40):
        text = f"Document {number}.\n" + "".join(CORPUS) + "The end.\n" * number
        (texts / f"{number:02}.txt").write_text(text)
    for stage in ("corpus", "tokenizer", "tokens"):
        (folder / stage).mkdir(parents=True)
    (folder / "recipe.toml").write_text('name = "tiny"\n')
    build_corpus(CorpusConfig(sources=(str(texts),)), folder / "corpus")
    tokenizer, report = train_tokenizer(TokenizerConfig(vocab_size=400), CORPUS)
    tokenizer.save(folder / "tokenizer")
    write_json(folder / "tokenizer" / "report.json", report.to_json())
    tokenize_documents(folder / "corpus", tokenizer, folder / "tokens")
    return folder


@pytest.fixture(scope="session")
def show(tmp_path_factory) -> Callable[[str], str]:
    """Open a page in a browser without a window; return its document once scripts have run."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser here: install one of {', '.join(BROWSERS)}")
    folder = tmp_path_factory.mktemp("browser")

    def show(page: str) -> str:
        path = folder / "page.html"
        path.write_text(page, encoding="utf-8", newline="")
        command = [browser, *FLAGS.split(), f"--user-data-dir={folder / 'profile'}", "--dump-dom"]
        done = subprocess.run(
            [*command, path.as_uri()], capture_output=True, timeout=120, check=True
        )
        return done.stdout.decode()

    return show


@pytest.fixture(scope="session")
def evaluate(show) -> Callable[..., object]:
    """Run a script after a page's own; return what its function ``result`` returns, as JSON.

    The page's policy against foreign scripts is taken out for it.
    """

    def evaluate(page: str, script: str) -> object:
        policy = '<meta http-equiv="Content-Security-Policy"'
        page = page.replace(policy, "<meta name=policy", 1).replace("</html>", "")
        page += (
            f"<script>{script}\nPromise.resolve(result()).then((found) => {{"
            "const out = document.createElement('pre'); out.id = 'result';"
            "out.textContent = JSON.stringify(found); document.body.append(out); });</script>"
        )
        found = show(page).rpartition('<pre id="result">')[2].partition("</pre>")[0]
        return json.loads(html.unescape(found))

    return evaluate
