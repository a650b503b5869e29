"""Recipes: one line for every mistake, and TOML that reads back as it was."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UsageError
from groundup.generate import SamplingConfig
from groundup.recipe.read import find_recipe, own_recipes, read_recipe, write_toml
from groundup.recipe.schema import Recipe


@pytest.fixture
def write(tmp_path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "mine.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_samples_are_drawn_as_the_recipe_says(write):
    keys = {"temperature": 0.7, "top_k": 9, "top_p": 0.9, "min_p": 0.1, "repetition_penalty": 1.2}
    lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
    recipe = read_recipe(write(f"[evaluate]\ntasks = ['python_syntax']\n{lines}"))
    assert recipe.evaluate.sampling == SamplingConfig(**keys)


def test_a_recipe_takes_its_files_name_unless_it_has_one(write):
    assert read_recipe(write("")).name == "mine"
    assert read_recipe(write('name = "other"')).name == "other"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[pretrain]\nmax_stepz = 5", "pretrain.max_stepz: unknown key; did you mean max_steps?"),
        ("max_steps = 5", "max_steps: unknown key; did you mean pretrain.max_steps?"),
        ("[pretrian]\nmax_steps = 5", "pretrian: unknown key; did you mean pretrain?"),
        ("[tokenizer]\nzzz = 5", "tokenizer.zzz: unknown key; known keys: kind, vocab_size, pat"),
        ("[pretrain]\nmax_steps = 'x'", "pretrain.max_steps: 'x': should be a valid integer"),
        ("[pretrain]\nmax_steps = 0", "max_steps: 0: should be greater than or equal to 1"),
        ("[pretrain]\noptimizer = 'sgd'", "optimizer: 'sgd': should be 'adamw' or 'muon'"),
        ("[corpus]\nsources = 'stdlib'", "corpus.sources: 'stdlib': should be a list"),
        ("corpus = 5", "corpus: 5: should be a table, [corpus]"),
        ("name = '../up'", "name: '../up': string should match"),
        ("[model]\nnum_heads = 7", "width 384 is not a multiple of num_heads 7"),
        ("[pretrain]\na = 1\nb = 2\nc = 3", "pretrain.a: unknown key"),
        ("[pretrain]\na = 1\nb = 2\nc = 3", "(and 2 more)"),
        ("seed = \n", "not TOML: Invalid value (at line 1"),
        (b"name = '\xff'", "not UTF-8"),
        (bytes(range(256)), "mine.toml: not "),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file_and_the_key(write, text, message):
    with pytest.raises(UsageError) as caught:
        read_recipe(write(text))
    assert message in str(caught.value)
    assert "mine.toml: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mistake_on_the_command_line_names_the_option(write):
    with pytest.raises(UsageError, match=r"--pretrain\.max-steps: -1: should be greater"):
        read_recipe(write(""), {"pretrain": {"max_steps": -1}})


def test_overrides_are_merged_before_anything_is_derived(write):
    path = write("[model]\nwidth = 64\nnum_heads = 6\nhead_width = 8")
    recipe = read_recipe(path, {"model": {"architecture": "gpt2", "num_heads": 4}})
    assert recipe.model.bias
    assert recipe.model.position == "learned"
    assert recipe.model.num_kv_heads == 4


def test_a_recipe_that_groundup_brings_is_found_by_name_and_a_wrong_one_lists_them():
    assert {"quickstart", "shakespeare-char"} <= {path.stem for path in own_recipes()}
    assert find_recipe("quickstart").name == "quickstart.toml"
    with pytest.raises(UsageError, match=r"no such recipe file.*quickstart"):
        find_recipe("nothing.toml")


def test_every_recipe_that_groundup_brings_is_valid():
    for path in own_recipes():
        assert read_recipe(path).name == path.stem


@given(
    prompt=st.text(st.characters(codec="utf-8")),
    rate=st.floats(1e-12, 1e6),
    sources=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters=":"), min_size=1).filter(str.strip),
        min_size=1,
    ),
    architecture=st.sampled_from(["qwen3", "llama", "gpt2", "speedrun", "rnn"]),
)
def test_a_written_recipe_reads_back_as_it_was(prompt, rate, sources, architecture):
    recipe = Recipe.model_validate(
        {
            "corpus": {"sources": sources},
            "model": {"architecture": architecture},
            "pretrain": {"sample_prompt": prompt, "learning_rate": rate},
        }
    )
    assert Recipe.model_validate(tomllib.loads(write_toml(recipe))) == recipe


def test_a_check_that_datatrove_has_and_is_switched_off_stays_off():
    options = {"implementation": "datatrove", "max_newlines_per_word": "off"}
    filters = {"rules": ["fineweb"], "fineweb": options}
    recipe = Recipe.model_validate({"corpus": {"filters": filters}})
    assert recipe.corpus.filters.fineweb.max_newlines_per_word is None
    assert Recipe.model_validate(tomllib.loads(write_toml(recipe))) == recipe


def test_a_speedruns_soft_cap_that_is_switched_off_stays_off():
    recipe = Recipe.model_validate({"model": {"architecture": "speedrun", "logit_soft_cap": "off"}})
    assert recipe.model.logit_soft_cap is None
    assert Recipe.model_validate(tomllib.loads(write_toml(recipe))) == recipe


def test_what_follows_from_other_keys_still_follows_in_a_written_recipe(tmp_path):
    path = tmp_path / "run.toml"
    model = {"num_heads": 4, "width": 64, "head_width": 8, "norm_eps": 1e-3}
    path.write_text(write_toml(Recipe.model_validate({"model": model})))
    wider = read_recipe(path, {"model": {"num_heads": 8}}).model
    assert (wider.num_heads, wider.num_kv_heads, wider.head_width) == (8, 8, 8)
    assert wider.norm_eps == 1e-3
    gpt2 = read_recipe(path, {"model": {"architecture": "gpt2"}}).model
    assert gpt2.bias
    assert gpt2.feed_forward_width == 4 * 64
    assert gpt2.norm_eps == 1e-3


def test_runs_may_lie_in_the_home_folder(write, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_recipe(write('runs = "~/models"')).runs == tmp_path / "models"
    with pytest.raises(UsageError, match="no such user"):
        read_recipe(write('runs = "~nobody-at-all/models"'))


def test_every_key_is_documented():
    def undocumented(config, prefix=""):
        for name, field in config.model_fields.items():
            if not field.description:
                yield prefix + name
            if hasattr(field.annotation, "model_fields"):
                yield from undocumented(field.annotation, f"{prefix}{name}.")

    assert not list(undocumented(Recipe))
