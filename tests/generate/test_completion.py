import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.generate import SamplingConfig, decode, generate, generate_ids, make_rows, stream
from groundup.model import save_model
from groundup.tokenizer import BPETokenizer

GREEDY = SamplingConfig(temperature=0, max_tokens=20)
PROMPTS = ["def add(", "", "return 你", "naïve one + two\n"]


@pytest.mark.parametrize("architecture", ["qwen3", "llama", "gpt2"])
@pytest.mark.parametrize("penalty", [1.0, 1.4])
def test_greedy_text_equals_transformers(make_model, tokenizer, tmp_path, architecture, penalty):
    transformers = pytest.importorskip("transformers")
    model = make_model(architecture, context_length=64)
    save_model(model, tmp_path / "base", tokenizer=tokenizer)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    their_tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "base")
    sampling = SamplingConfig(temperature=0, max_tokens=30, repetition_penalty=penalty)
    prompts = [prompt for prompt in PROMPTS if prompt]
    for prompt, completion in zip(
        prompts, generate(model, tokenizer, prompts, sampling), strict=True
    ):
        inputs = their_tokenizer(prompt, return_tensors="pt")
        (expected,) = theirs.generate(
            **inputs, do_sample=False, max_new_tokens=30, repetition_penalty=penalty
        )
        expected = expected[inputs["input_ids"].shape[1] :]
        assert completion.tokens == tuple(expected.tolist())
        assert completion.text == their_tokenizer.decode(expected, skip_special_tokens=True)


def test_a_prompt_is_read_as_it_is_and_an_empty_one_opens_a_document(make_model, tokenizer):
    model, end = make_model(), tokenizer.end_of_text_id
    ids = tokenizer.encode("one")
    rows = generate_ids(model, [ids, [end], [end, *ids]], GREEDY, end_id=end)
    plain, empty = generate(model, tokenizer, ["one", ""], GREEDY)
    (started,) = generate(model, tokenizer, ["one"], GREEDY, document_start=True)
    (also_empty,) = generate(model, tokenizer, [""], GREEDY, document_start=True)
    texts = [list(completion.tokens) for completion in (plain, empty, started)]
    assert texts == [row.generated for row in rows]
    assert also_empty == empty
    assert [c.prompt_tokens for c in (plain, empty, started)] == [len(ids), 1, len(ids) + 1]


def test_special_tokens_in_a_prompt_are_ordinary_text(make_model, tokenizer):
    (completion,) = generate(make_model(), tokenizer, ["<|endoftext|>"], GREEDY)
    assert completion.prompt_tokens > 1


@pytest.mark.parametrize("sampling", [GREEDY, SamplingConfig(seed=1, max_tokens=20)])
def test_batches_of_any_size_give_the_same_text(make_model, tokenizer, sampling):
    model = make_model(context_length=12)
    prompts = [*PROMPTS, PROMPTS[0], ""]
    whole = generate(model, tokenizer, prompts, sampling)
    assert whole == generate(model, tokenizer, prompts, sampling, batch_size=1)
    assert whole == generate(model, tokenizer, prompts, sampling, batch_size=4)
    alone = [generate(model, tokenizer, [prompt], sampling)[0] for prompt in PROMPTS]
    assert whole[: len(PROMPTS)] == alone
    if sampling.temperature:
        assert whole[0] != whole[4]
        assert whole[1] != whole[5]


def test_end_of_text_ends_the_text_and_is_not_part_of_it(make_model, tokenizer):
    model = make_model()
    with torch.no_grad():  # make end of text likely, but not at once
        model.token_embedding.weight[tokenizer.end_of_text_id] *= 3
    sampling = SamplingConfig(seed=0, temperature=1.0, max_tokens=60)
    completions = generate(model, tokenizer, ["def "] * 16, sampling)
    ended = [c for c in completions if c.finish_reason == "stop"]
    assert ended
    for completion in completions:
        assert completion.text == tokenizer.decode(completion.tokens, skip_special_tokens=True)
        assert "<|endoftext|>" not in completion.text
        ends = completion.tokens[-1] == tokenizer.end_of_text_id
        assert ends == (completion.finish_reason == "stop")
        assert ends or len(completion.tokens) == 60


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_streamed_pieces_add_up_to_the_text_cut_before_a_stop_string(
    make_model, tokenizer, seed, data
):
    model = make_model(context_length=16)
    free = SamplingConfig(seed=seed, temperature=1.5, max_tokens=24)
    (whole,) = generate(model, tokenizer, ["def "], free)
    stops = []
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(0, max(0, len(whole.text) - 1)))
        stops.append(whole.text[start : start + data.draw(st.integers(1, 4))] or "x")
    sampling = free.model_copy(update={"stop": tuple(stops)})
    (completion,) = generate(model, tokenizer, ["def "], sampling)
    pieces = list(stream(model, tokenizer, "def ", sampling))
    assert "".join(pieces) == completion.text
    assert all(pieces)
    assert whole.text.startswith(completion.text)
    assert not any(stop in completion.text for stop in stops)
    if stops:
        assert completion.finish_reason == "stop"
        assert len(completion.tokens) <= len(whole.tokens)


def test_a_stop_string_ends_one_row_and_the_others_go_on(make_model, tokenizer):
    model = make_model()
    free = SamplingConfig(seed=2, temperature=1.0, max_tokens=20)
    whole = generate(model, tokenizer, PROMPTS, free)
    stop = whole[0].text[3:6]
    stopped = generate(
        model, tokenizer, PROMPTS, free.model_copy(update={"stop": (stop,)}), batch_size=4
    )
    assert stopped[0].text == whole[0].text[: whole[0].text.index(stop)]
    assert len(stopped[0].tokens) < 20
    others = [(a, b) for a, b in zip(stopped, whole, strict=True) if stop not in b.text]
    assert others
    assert all(a == b for a, b in others)


def test_prompts_longer_than_the_context_keep_their_last_part(make_model, tokenizer, capsys):
    model = make_model(context_length=8)
    prompt = "one + two " * 10
    ids = tokenizer.encode(prompt)
    (completion,) = generate(model, tokenizer, [prompt], GREEDY)
    assert completion.prompt_tokens == len(ids)
    assert completion.prompt_tokens_dropped == len(ids) - 8
    (row,) = generate_ids(model, [ids[-8:]], GREEDY, end_id=tokenizer.end_of_text_id)
    assert list(completion.tokens) == row.generated
    assert not capsys.readouterr().err
    assert "".join(stream(model, tokenizer, prompt, GREEDY)) == completion.text
    note = " ".join(capsys.readouterr().err.split())
    assert f"has {len(ids)} tokens" in note
    assert f"the first {len(ids) - 8} were left out" in note


def test_ids_beyond_the_tokenizer_are_never_drawn(make_model, tokenizer):
    model = make_model(vocab_size=400)
    sampling = SamplingConfig(temperature=50.0, seed=0, max_tokens=50, repetition_penalty=1.1)
    completions = generate(model, tokenizer, ["a"] * 8, sampling)
    assert max(max(completion.tokens) for completion in completions) < 290


def test_a_tokenizer_too_large_for_the_model_is_refused(make_model, tokenizer):
    with pytest.raises(UserError, match="290 ids but the model only 280"):
        generate(make_model(vocab_size=280), tokenizer, ["a"])
    with pytest.raises(UserError, match="290 ids but the model only 280"):
        next(stream(make_model(vocab_size=280), tokenizer, "a"))


def test_no_prompts_give_no_completions(make_model, tokenizer):
    assert generate(make_model(), tokenizer, []) == []


def test_an_abandoned_stream_restores_the_mode(make_model, tokenizer):
    model = make_model().train()
    pieces = stream(model, tokenizer, "def ", SamplingConfig(seed=0, max_tokens=500))
    next(pieces)
    assert not model.training
    pieces.close()
    assert model.training
    assert not torch.is_inference_mode_enabled()


def test_advance_counts_every_token(make_model, tokenizer):
    counts = []
    completions = generate(make_model(), tokenizer, PROMPTS, GREEDY, advance=counts.append)
    assert sum(counts) == sum(len(completion.tokens) for completion in completions)


def test_a_caller_may_end_a_row(make_model):
    rows = make_rows([[1], [2]], 0, 24)
    steps = decode(make_model().eval(), rows, SamplingConfig(max_tokens=10))
    for number, grown in enumerate(steps, start=1):
        assert len(grown) == (2 if number <= 3 else 1)
        if number == 3:
            rows[0].finish_reason = "stop"
    assert [len(row.generated) for row in rows] == [3, 10]


def test_a_tokenizer_from_elsewhere_without_end_of_text_works(make_model):
    base = BPETokenizer.train(["def add(one, two)"], 257)
    foreign = BPETokenizer(
        {token: number - 1 for token, number in base.tokens.items()}, [], {}, pattern=base.pattern
    )
    (completion,) = generate(make_model(), foreign, ["def"], GREEDY)
    assert completion.finish_reason == "length"
    with pytest.raises(UserError, match="endoftext"):
        generate(make_model(), foreign, [""], GREEDY)
