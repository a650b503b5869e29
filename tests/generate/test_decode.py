import pytest
import torch

from groundup.errors import UserError
from groundup.generate import SamplingConfig, evaluating, generate_ids
from groundup.generate.sampling import draw, likeliest, process_logits, random_streams

GREEDY = SamplingConfig(temperature=0, max_tokens=12)
SAMPLED = SamplingConfig(temperature=0.9, top_k=40, top_p=0.95, seed=5, max_tokens=12)
PENALIZED = SamplingConfig(temperature=0, repetition_penalty=1.5, max_tokens=12)
ARCHITECTURES = ["qwen3", "llama", "gpt2", "speedrun", "rnn"]
PROMPTS = [[7], [1, 2, 3, 4, 5, 6, 7, 8, 9], [11, 12, 13], [200, 5]]


@torch.inference_mode()
def slow_loop(model, prompt, sampling, end_id=None):
    """The documented rule with no cache, batch or padding: read the window anew each step."""
    (stream,) = random_streams(sampling.seed, [prompt])
    context, V = model.config.context_length, model.config.vocab_size
    tokens, start = list(prompt), max(0, len(prompt) - context)
    while len(tokens) - len(prompt) < sampling.max_tokens:
        if len(tokens) - start > context:
            start = len(tokens) - max(1, context // 2)
        logits_BV = model(torch.tensor([tokens[start:]]))[:, -1]
        seen_BV = torch.zeros(1, V, dtype=torch.bool)
        seen_BV[0, tokens] = True
        logits_BV = process_logits(logits_BV, sampling, seen_BV)
        greedy = sampling.temperature == 0
        tokens += likeliest(logits_BV) if greedy else draw(logits_BV, [stream])
        if tokens[-1] == end_id:
            break
    return tokens[len(prompt) :]


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED, PENALIZED], ids=["greedy", "sampled", "pen"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_cached_batch_equals_the_slow_loop(make_model, architecture, sampling):
    model = make_model(architecture).eval()
    rows = generate_ids(model, PROMPTS, sampling)
    for row, prompt in zip(rows, PROMPTS, strict=True):
        assert row.generated == slow_loop(model, prompt, sampling)
        assert row.finish_reason == "length"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("context_length", [1, 2, 7, 8])
def test_overflow_follows_the_documented_rule_row_by_row(make_model, architecture, context_length):
    model = make_model(architecture, context_length=context_length).eval()
    sampling = SamplingConfig(temperature=1.0, seed=3, max_tokens=30)
    prompts = [*PROMPTS, list(range(50, 75))]  # the last is longer than the context
    rows = generate_ids(model, prompts, sampling)
    for row, prompt in zip(rows, prompts, strict=True):
        assert row.generated == slow_loop(model, prompt, sampling)


@pytest.mark.parametrize("options", [{"sliding_window": 3}, {"num_kv_heads": 2}])
def test_options_of_attention_decode_alike(make_model, options):
    model = make_model(**options).eval()
    for row, prompt in zip(generate_ids(model, PROMPTS, SAMPLED), PROMPTS, strict=True):
        assert row.generated == slow_loop(model, prompt, SAMPLED)


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("context_length", [6, 24])
def test_a_row_does_not_depend_on_the_other_rows(make_model, sampling, context_length):
    model = make_model(context_length=context_length)
    alone = [generate_ids(model, [prompt], sampling)[0].generated for prompt in PROMPTS]
    together = [row.generated for row in generate_ids(model, PROMPTS, sampling)]
    backwards = [row.generated for row in generate_ids(model, PROMPTS[::-1], sampling)]
    assert together == alone
    assert backwards[::-1] == alone


def test_equal_prompts_get_different_samples(make_model):
    rows = generate_ids(make_model(), [[1, 2]] * 4, SAMPLED)
    assert len({tuple(row.generated) for row in rows}) == 4


def test_each_row_ends_at_end_of_text_and_the_others_go_on(make_model):
    model = make_model(context_length=8).eval()
    sampling = SamplingConfig(temperature=1.0, seed=1, max_tokens=30)
    free = [slow_loop(model, prompt, sampling) for prompt in PROMPTS]
    end_id = free[1][3]
    rows = generate_ids(model, PROMPTS, sampling, end_id=end_id)
    for row, tokens in zip(rows, free, strict=True):
        stops = end_id in tokens
        assert row.generated == (tokens[: tokens.index(end_id) + 1] if stops else tokens)
        assert row.finish_reason == ("stop" if stops else "length")
    assert {row.finish_reason for row in rows} == {"stop", "length"}


def test_a_seed_repeats_and_no_seed_does_not(make_model):
    model = make_model()
    unseeded = SAMPLED.model_copy(update={"seed": None, "max_tokens": 20})
    first, second = (generate_ids(model, [[1]], SAMPLED)[0].generated for _ in range(2))
    assert first == second
    first, second = (generate_ids(model, [[1]], unseeded)[0].generated for _ in range(2))
    assert first != second


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_works_in_the_dtype_of_the_model(make_model, dtype):
    rows = generate_ids(make_model().to(dtype), PROMPTS, SAMPLED)
    assert [len(row.generated) for row in rows] == [12] * 4


def test_dropout_is_off_inside_and_modes_are_restored(make_model):
    model = make_model(dropout=0.5)
    model.train()
    model.blocks[0].eval()
    before = [module.training for module in model.modules()]
    (row,) = generate_ids(model, [[1, 2, 3]], GREEDY)
    assert [module.training for module in model.modules()] == before
    assert row.generated == slow_loop(model.eval(), [1, 2, 3], GREEDY)


def test_modes_are_restored_after_an_error(make_model):
    model = make_model().train()
    with torch.no_grad():
        model.token_embedding.weight.fill_(torch.nan)
    with pytest.raises(UserError, match="NaN"):
        generate_ids(model, [[1]], GREEDY)
    assert model.training


def test_gradients_work_after_generating(make_model):
    model = make_model()
    generate_ids(model, [[1]], GREEDY)
    assert not torch.is_inference_mode_enabled()
    model(torch.tensor([[1, 2]])).sum().backward()
    assert model.token_embedding.weight.grad is not None


def test_evaluating_restores_every_module(make_model):
    model = make_model().train()
    with evaluating(model):
        assert not any(module.training for module in model.modules())
    assert all(module.training for module in model.modules())


def test_stop_strings_on_ids_are_refused(make_model):
    with pytest.raises(ValueError, match="tokenizer"):
        generate_ids(make_model(), [[1]], SamplingConfig(stop=("x",)))
