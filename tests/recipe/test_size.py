"""``size`` and ``depth`` in recipes: who wins, what is written, and what a run keeps."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.cli import main
from groundup.errors import UsageError
from groundup.plan.size import DEEPEST, DEPTHS
from groundup.recipe import find_recipe, read_recipe, write_toml
from groundup.recipe.read import change_recipe
from groundup.recipe.schema import Recipe
from groundup.recipe.stages import STAGES


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("groundup.recipe.dial.device_memory", lambda _: 32 * 10**9)

    def write(text: str) -> Path:
        Path("mine.toml").write_text(text)
        return Path("mine.toml")

    return write


@pytest.fixture
def rate(monkeypatch):
    """Set how fast the machine is measured to be, FLOP/s; counts how often."""
    asked = []

    def measured(value: float) -> list[float]:
        def measure(_) -> float:
            asked.append(value)
            return value

        monkeypatch.setattr("groundup.recipe.read.training_rate", measure)
        return asked

    return measured


def test_a_size_sets_shape_vocabulary_and_training(write):
    recipe = read_recipe(write('size = "10m"'))
    assert (recipe.model.num_layers, recipe.model.width, recipe.model.num_heads) == (5, 384, 6)
    assert recipe.model.context_length == 512
    assert recipe.tokenizer.vocab_size == 4096
    assert recipe.pretrain.budget == "210M tokens"
    assert recipe.pretrain.batch_size == 64
    assert recipe.pretrain.embedding_learning_rate == 0.0245
    by_depth = read_recipe(write("depth = 5"))
    assert recipe.model_copy(update={"size": None, "depth": 5}) == by_depth


EXPLICIT = """
size = "3m"
[tokenizer]
vocab_size = 700
[model]
width = 96
num_layers = 4
context_length = 128
[pretrain]
max_steps = 77
batch_size = 5
learning_rate = 0.007
"""


def test_what_stands_beside_the_dial_wins(write):
    recipe = read_recipe(write(EXPLICIT))
    shape, pretrain = recipe.model, recipe.pretrain
    assert (shape.width, shape.num_layers, shape.context_length) == (96, 4, 128)
    assert shape.num_heads == 1  # of the width as it is
    assert recipe.tokenizer.vocab_size == 700
    assert (pretrain.max_steps, pretrain.batch_size, pretrain.budget) == (77, 5, "")
    assert pretrain.learning_rate == 0.007
    assert pretrain.embedding_learning_rate is None  # as learning_rate
    options = {"model": {"width": 64}, "pretrain": {"muon_learning_rate": 0.5}}
    recipe = read_recipe(write(EXPLICIT), options)
    assert (recipe.model.width, recipe.pretrain.muon_learning_rate) == (64, 0.5)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("model", "num_layers", 7),
        ("model", "width", 128),
        ("model", "num_heads", 2),
        ("model", "head_width", 48),
        ("model", "feed_forward_width", 99),
        ("model", "context_length", 100),
        ("tokenizer", "vocab_size", 999),
        ("pretrain", "batch_size", 3),
        ("pretrain", "micro_batch_size", 1),
        ("pretrain", "learning_rate", 0.5),
        ("pretrain", "muon_learning_rate", 0.5),
        ("pretrain", "embedding_learning_rate", 0.5),
        ("pretrain", "max_steps", 5),
        ("pretrain", "budget", "5M tokens"),
    ],
)
@pytest.mark.parametrize("size", ["1m", "124m"])
def test_each_key_wins_over_the_dial(write, size, section, key, value):
    text = f'size = "{size}"\n[{section}]\n{key} = {json.dumps(value)}\n'
    assert getattr(getattr(read_recipe(write(text)), section), key) == value
    recipe = read_recipe(write(""), {"size": size, section: {key: value}})
    assert getattr(getattr(recipe, section), key) == value


def test_a_dial_on_the_command_line_takes_over_the_recipes_keys_and_says_so(write, capsys):
    recipe = read_recipe(write(EXPLICIT), {"depth": 5, "model": {"width": 128}})
    assert (recipe.size, recipe.depth) == (None, 5)
    assert (recipe.model.num_layers, recipe.model.width, recipe.model.num_heads) == (5, 128, 2)
    assert (recipe.tokenizer.vocab_size, recipe.pretrain.learning_rate) == (4096, 0.03)
    error = capsys.readouterr().err
    assert "size, tokenizer.vocab_size, model.num_layers, model.context_length" in error
    assert "pretrain.max_steps" in error.splitlines()[0]
    budget = '[pretrain]\nbudget = "3M tokens"'  # what the dial starts from stays
    assert read_recipe(write(budget), {"size": "1m"}).pretrain.budget == "3M tokens"
    characters = '[tokenizer]\nkind = "characters"\nvocab_size = 80'
    assert read_recipe(write(characters), {"size": "1m"}).tokenizer.vocab_size == 80


def test_the_choices_are_said(write, capsys, rate):
    rate(1e12)
    read_recipe(write('size = "10m"\n[pretrain]\nbudget = "10 min"'))
    error = capsys.readouterr().err
    assert "size 10m: 10.4 M parameters with a vocabulary of 4,096" in error
    assert "5 layers × 384, 6 heads of 64, feed-forward 1024, context 512" in error
    assert "about 8.07 M tokens (in 10 min at 1 TFLOP/s measured here)" in error
    assert "8 × 512 = 4,096 tokens per step" in error
    assert "Muon 0.02, AdamW 0.03, embeddings 0.0245" in error
    assert "as you set them: pretrain.budget" in error
    read_recipe(write('size = "10m"'), preview=True)
    assert not capsys.readouterr().err


@pytest.mark.parametrize("architecture", ["qwen3", "llama", "gpt2", "rnn"])
@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("dial", ['size = "1m"', "depth = 9"])
def test_the_written_recipe_is_whole_and_the_same_on_any_machine(
    write, architecture, optimizer, dial, rate
):
    asked = rate(1e12)
    sections = f'[model]\narchitecture = "{architecture}"\n[pretrain]\noptimizer = "{optimizer}"\n'
    recipe = read_recipe(write(f'{dial}\n{sections}budget = "5 min"'))
    rate(1e9)
    assert read_recipe(write(write_toml(recipe))) == recipe
    without = write_toml(recipe).replace(f"{dial}\n", "")
    again = read_recipe(write(without))
    assert again == recipe.model_copy(update={"size": None, "depth": None})
    assert fingerprinted(again) == fingerprinted(recipe)
    assert len(asked) == 1


def fingerprinted(recipe: Recipe) -> list[dict]:
    """Return what enters the fingerprints of a run, but for its sources."""
    return [stage.inputs(recipe) for stage in STAGES if stage.name != "corpus"]


@given(depth=st.integers(1, DEEPEST))
@settings(max_examples=10, deadline=None)
def test_every_depth_is_written_out_in_full(depth):
    recipe, _ = change_recipe({"depth": depth}, {}, "mine.toml")
    again, _ = change_recipe(tomllib.loads(write_toml(recipe)), {}, "mine.toml")
    assert again == recipe
    assert recipe.model.num_layers == depth


def test_without_the_dial_nothing_changes(write):
    for name in ("quickstart", "shakespeare-char", "web"):
        path = find_recipe(name)
        plain = Recipe.model_validate({"name": name} | tomllib.loads(path.read_text()))
        recipe = read_recipe(path)
        assert recipe == plain
        assert not {"size", "depth"} & tomllib.loads(write_toml(recipe)).keys()
        inputs = json.dumps([stage.inputs(recipe) for stage in STAGES[1:]])
        assert '"size"' not in inputs
        assert '"depth"' not in inputs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('size = "7b"', "mine.toml: size: '7b': should be '1m', '3m', '10m', '30m', '124m', '3"),
        ("size = 10", "size: 10: should be"),
        ("depth = 0", "depth: 0: should be greater"),
        ("depth = 49", "depth: 49: should be less than or equal to 48"),
        ("depth = 2.0", "depth: 2.0: should be a valid integer"),
        ('size = "1m"\ndepth = 2', "size and depth are two names of one dial; leave one out"),
        ('size = "1m"\n[model]\nwidth = "x"', "model.width: 'x': should be a valid integer"),
        ('size = "1m"\nmodel = 5', "model: 5: should be a table"),
        ('size = "1m"\n[pretrain]\nbudget = "soon"', "'soon' is no duration"),
        (
            'size = "1m"\n[model]\ncontext_length = 2048\n[pretrain]\nbudget = "1000 tokens"',
            "model.context_length 2048: one sequence is longer than pretrain.budget",
        ),
        ('size = "1m"\n[model]\ncontext_length = 99999999', "this machine has 32; make it shorter"),
    ],
)
def test_a_mistake_is_one_line(write, text, message):
    with pytest.raises(UsageError) as caught:
        read_recipe(write(text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_too_large_for_this_machine_can_be_planned(write, monkeypatch):
    monkeypatch.setattr("groundup.recipe.dial.device_memory", lambda _: 10**9)
    assert read_recipe(write('size = "1b"')).pretrain.micro_batch_size == 1


def test_a_mistake_on_the_command_line_names_the_option(write):
    with pytest.raises(UsageError, match="--size: '7b': should be"):
        read_recipe(write(""), {"size": "7b"})


def test_a_run_keeps_the_batch_it_began_with_however_fast_the_machine_is_today(write, rate):
    asked = rate(1e13)
    path = write('name = "r"\nsize = "10m"\n[pretrain]\nbudget = "10 min"')
    first = read_recipe(path)
    assert first.pretrain.batch_size == 32
    first.folder.mkdir(parents=True)
    (first.folder / "recipe.toml").write_text(write_toml(first))
    rate(1e10)
    assert read_recipe(path) == first
    longer = read_recipe(path, {"pretrain": {"budget": "20 min"}}).pretrain
    assert (longer.batch_size, longer.budget) == (32, "20 min")
    assert asked == [1e13]
    # A shorter budget, another size, or another wish is another training.
    assert read_recipe(path, {"pretrain": {"budget": "1 min"}}).pretrain.batch_size == 1
    assert read_recipe(path, {"size": "3m"}).pretrain.batch_size == 4
    tried = {"pretrain": {"learning_rate": 0.5}}
    assert read_recipe(path, tried).pretrain.batch_size == 1
    (first.folder / "recipe.toml").write_text("damaged")
    assert read_recipe(path).pretrain.batch_size == 1


def test_a_run_that_is_given_more_tokens_keeps_its_batch_too(write):
    path = write('name = "r"\nsize = "3m"\n[pretrain]\nbudget = "20M tokens"')
    first = read_recipe(path)
    more = {"pretrain": {"budget": "40M tokens"}}
    assert read_recipe(path, more).pretrain.batch_size == 2 * first.pretrain.batch_size
    first.folder.mkdir(parents=True)
    (first.folder / "recipe.toml").write_text(write_toml(first))
    assert read_recipe(path, more).pretrain.batch_size == first.pretrain.batch_size


def test_the_command_of_the_readme_plans_a_model_of_that_size(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("groundup.machine.peak_flops", lambda *_: 1e12)
    words = ["run", "quickstart", "--size", "10m", "--pretrain.budget", "10 min", "--dry-run"]
    assert main(words) == 0
    captured = capsys.readouterr()
    assert "10,425,088" in captured.out
    assert "size 10m: 10.4 M parameters" in captured.err
    assert main(["run", "quickstart", "--size", "7b"]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert all(f"'{size}'" in error for size in DEPTHS)


def test_a_sized_run_trains_and_a_second_time_there_is_nothing_to_do(place, capsys):
    # `place` is a tiny recipe: the dial is turned by its context and vocabulary to fit the corpus.
    options = ["--depth", "1", "--pretrain.budget", "2k tokens", "--model.context-length", "32"]
    words = ["run", "tiny.toml", *options, "--tokenizer.vocab-size", "300"]
    assert main(words) == 0
    written = tomllib.loads(Path("runs/tiny/recipe.toml").read_text())
    assert written["model"]["width"] == 96
    assert written["pretrain"]["batch_size"] == 1
    capsys.readouterr()
    for again in (words, ["run", "runs/tiny/recipe.toml"]):
        assert main(again) == 0
        assert capsys.readouterr().out.count("up to date") == len(STAGES)
