import argparse
import ast
import codeop
import inspect
import itertools
import json
import textwrap
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from groundup.evaluate import python_syntax
from groundup.evaluate.python_syntax import judge, judged_text, num_statements
from groundup.generate import Completion, SamplingConfig, generate
from groundup.model import build_model


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1\ny = 2\n", 2),
        ('"""Only a docstring."""\n', 1),
        ("", 0),
        ("\n \n", 0),
        ("# only a comment\n", 0),
        ("def f():\n", None),
        ("    indented\n", None),
        ("x = \x00\n", None),
        ("print 'two'\n", None),
        ("x = \N{REPLACEMENT CHARACTER}\n", None),
        ("(" * 5000, None),
        ("-" * 100_000 + "1", None),
        ("x = " + "9" * 10_000, None),
        ("s = '\\d'\n", 1),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_statements_are_counted_and_nothing_is_run(source, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert num_statements(source) == expected


@given(st.text(max_size=60))
def test_any_text_is_judged(text):
    count = num_statements(text)
    assert count is None or count >= 0


@pytest.mark.parametrize(
    ("source", "cut_off", "expected"),
    [
        ("x = 1\n", True, "whole"),
        ("x = 1\n", False, "whole"),
        ("x = 1\ny = (2,\n", True, "unfinished"),
        ("x = 1\ny = (2,\n", False, "wrong"),
        ("x = 1\ndef f():\n", True, "unfinished"),
        ("class A:\n    x = 1\n    def f(self):\n", True, "unfinished"),
        ('"""What it does."""\nx = """\nlong\n', True, "unfinished"),
        ("try:\n    x = 1\n", True, "nothing"),
        ('"""What it does\nand more\n', True, "nothing"),
        ('"""What it does\nand more\n', False, "wrong"),
        ("# only a comment\n", True, "nothing"),
        ("x = = 1\ny = (2,\n", True, "wrong"),
        ("x = 1\ny = 2)\n", True, "wrong"),
        ("x = 1\n    y = 2\n", True, "wrong"),
        ("def f():\nx = 1\n", True, "wrong"),
        ("a b\n", True, "wrong"),
        ("x = \x00\n", True, "wrong"),
        ("(" * 5000, True, "wrong"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_was_cut_off_is_judged_as_a_beginning(source, cut_off, expected):
    assert judge(source, cut_off) == expected


MODULES = [ast, argparse, codeop, textwrap]


@given(st.sampled_from(MODULES), st.data())
def test_every_beginning_of_a_real_module_is_one(module, data):
    lines = inspect.getsource(module).splitlines(keepends=True)
    end = data.draw(st.integers(1, len(lines)))
    assert judge("".join(lines[:end]), cut_off=True) != "wrong"


@given(st.sampled_from(MODULES), st.data())
def test_a_mistake_is_found_whatever_was_cut_off_behind_it(module, data):
    lines = inspect.getsource(module).splitlines(keepends=True)
    end = data.draw(st.integers(1, len(lines)))
    assert judge("x = = 1\n" + "".join(lines[:end]), cut_off=True) == "wrong"


@pytest.mark.parametrize(
    ("prompt", "text", "reason", "expected"),
    [
        ("", "x = 1\ny = ", "length", "x = 1\n"),
        ("", "x = 1\ny = 2", "stop", "x = 1\ny = 2"),
        ("", "x = 1\n", "length", "x = 1\n"),
        ("", "x = 1", "length", ""),
        ("a = [\n", "1]", "stop", "a = [\n1]"),
        ("a = 1\n", "b", "length", "a = 1\n"),
    ],
)
def test_what_was_cut_off_is_judged_up_to_its_last_complete_line(prompt, text, reason, expected):
    assert judged_text(prompt, Completion(text, (), reason, 1)) == expected


@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_judges_the_samples_that_generate_gives(make_model, tokenizer, batch_size):
    model = make_model(scale=0.1)
    result = python_syntax(
        model, tokenizer, num_samples=9, num_tokens=6, seed=3, batch_size=batch_size, num_shown=9
    )
    completions = generate(model, tokenizer, [""] * 9, SamplingConfig(max_tokens=6, seed=3))
    samples = [judged_text("", completion) for completion in completions]
    verdicts = [
        judge(sample, completion.finish_reason == "length")
        for sample, completion in zip(samples, completions, strict=True)
    ]
    good = [verdict in ("whole", "unfinished") for verdict in verdicts]
    accepted = list(itertools.compress(samples, good))
    assert result["accepted_samples"] == accepted
    assert result["rejected_samples"] == [s for s in samples if s not in accepted]
    assert result["unfinished"] == verdicts.count("unfinished")
    assert result["share"] == len(accepted) / 9
    assert json.loads(json.dumps(result)) == result


def test_a_model_of_python_scores_and_a_random_one_does_not(make_model, tokenizer):
    ids = torch.tensor([[tokenizer.end_of_text_id, *tokenizer.encode("x = 1\ny = 2\n" * 4)]])
    config = make_model(context_length=ids.shape[1]).config
    model = build_model(config, seed=0)
    options = {"num_samples": 20, "num_tokens": 24}
    before = python_syntax(model, tokenizer, **options)
    assert before["share"] <= 0.2
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(40):
        optimizer.zero_grad()
        F.cross_entropy(model(ids[:, :-1])[0], ids[0, 1:]).backward()
        optimizer.step()
    after = python_syntax(model, tokenizer, **options)
    assert after["share"] >= 0.8
    assert after["accepted"] == round(after["share"] * 20)
    assert all(sample.endswith("\n") for sample in after["accepted_samples"])
    with_prompt = python_syntax(model, tokenizer, **options, prompts=["x = 1\ny", "x"])
    assert with_prompt["accepted_samples"][0].startswith("x = 1\ny")


def test_nothing_said_counts_as_failure(make_model, tokenizer):
    model = make_model(scale=0.0)
    with torch.no_grad():  # the end-of-text token, always
        model.final_norm.weight.fill_(1.0)
        model.token_embedding.weight[tokenizer.end_of_text_id] = 5.0
    result = python_syntax(model, tokenizer, num_samples=4, num_tokens=10)
    assert result["share"] == 0
    assert result["without_statement"] == result["num_samples"] == 4
    assert result["rejected_samples"] == [""] * 4
