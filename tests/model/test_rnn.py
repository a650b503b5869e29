import torch


def test_layers_compute_torchs_rnn(tiny_model, tokens):
    model, ids_BT = tiny_model("rnn"), tokens(2, 11)
    theirs = torch.nn.RNN(24, 24, num_layers=2, batch_first=True)
    with torch.no_grad():
        for number, layer in enumerate(model.layers):
            getattr(theirs, f"weight_ih_l{number}").copy_(layer.input_proj.weight)
            getattr(theirs, f"bias_ih_l{number}").copy_(layer.input_proj.bias)
            getattr(theirs, f"weight_hh_l{number}").copy_(layer.hidden_proj.weight)
            getattr(theirs, f"bias_hh_l{number}").zero_()
    expected, _ = theirs(model.token_embedding(ids_BT))
    torch.testing.assert_close(model.hidden(ids_BT), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model(ids_BT), expected @ model.token_embedding.weight.T)


def test_a_new_document_starts_from_an_empty_past(tiny_model, tokens):
    model, ids_BT = tiny_model("rnn"), tokens(1, 12)
    documents_BT = torch.tensor([[0] * 3 + [1] * 4 + [2] * 5])
    apart = [model(ids_BT[:, rows]) for rows in (slice(0, 3), slice(3, 7), slice(7, 12))]
    found = model(ids_BT, document_ids_BT=documents_BT)
    torch.testing.assert_close(found, torch.cat(apart, dim=1))


def test_dropout_acts_in_training_only(tiny_model, tokens):
    model, ids_BT = tiny_model("rnn", dropout=0.5), tokens(1, 12)
    assert torch.equal(model(ids_BT), model(ids_BT))
    model.train()
    assert not torch.equal(model(ids_BT), model(ids_BT))


def test_an_untied_head_is_used(tiny_model, tokens):
    model, ids_BT = tiny_model("rnn", tie_embeddings=False), tokens(1, 5)
    expected = model.hidden(ids_BT) @ model.lm_head.weight.T
    torch.testing.assert_close(model(ids_BT), expected)


def test_without_bias_silence_stays_silence(tiny_model, tokens):
    model = tiny_model("rnn", bias=False)
    assert not any(name.endswith("bias") for name, _ in model.named_parameters())
    with torch.no_grad():
        model.token_embedding.weight.zero_()
    assert not model.hidden(tokens(1, 5)).any()
