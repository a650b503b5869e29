import pytest

from groundup.train import flops_per_token


def test_six_per_weight_and_twelve_per_attended_number(tiny_model):
    # 2 layers, width 32, feed-forward 128 (GPT-2: four times), vocabulary 32, tied head.
    model = tiny_model(architecture="gpt2")
    block = 4 * 32 * 32 + 2 * 32 * 128
    assert flops_per_token(model, 16) == 6 * (2 * block + 32 * 32) + 12 * 2 * 32 * 16


def test_the_head_counts_once_tied_or_not(tiny_model):
    tied, untied = (tiny_model(tie_embeddings=tied) for tied in (True, False))
    assert flops_per_token(tied, 16) == flops_per_token(untied, 16)


def test_grouped_queries_save_weights_and_no_attention(tiny_model):
    full, grouped = tiny_model(num_kv_heads=2), tiny_model(num_kv_heads=1)
    saved = flops_per_token(full, 16) - flops_per_token(grouped, 16)
    assert saved == 6 * 2 * 2 * 32 * 16


@pytest.mark.parametrize("T", [4, 16])
def test_a_sliding_window_bounds_attention(tiny_model, T):
    windowed, whole = tiny_model(sliding_window=4), tiny_model()
    assert flops_per_token(windowed, T) == flops_per_token(whole, 4)


def test_a_recurrent_network_has_no_attention(tiny_model):
    model = tiny_model(architecture="rnn")
    assert flops_per_token(model, 16) == flops_per_token(model, 1) == 6 * (2 * 2 + 1) * 32 * 32
