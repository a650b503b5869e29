import torch

from groundup.train.precision import Masters


def test_float32_makes_no_copies(tiny_model):
    model = tiny_model()
    masters = Masters(model, torch.float32)
    for name, parameter in model.named_parameters():
        assert masters.parameters()[name] is parameter
        assert masters.state_dict()[name].data_ptr() == parameter.data_ptr()


def test_linear_layers_compute_in_bfloat16_and_the_rest_stays_float32(tiny_model):
    model = tiny_model(architecture="gpt2", tie_embeddings=False)
    masters = Masters(model, torch.bfloat16)
    assert model.dtype == torch.bfloat16
    block = model.blocks[0]
    assert block.attention.q_proj.weight.dtype == block.attention.q_proj.bias.dtype
    assert model.lm_head.weight.dtype == torch.bfloat16
    for part in (model.token_embedding, model.position_embedding, block.attention_norm):
        assert part.weight.dtype == torch.float32
    for tensor in (*masters.parameters().values(), *masters.state_dict().values()):
        assert tensor.dtype == torch.float32


def test_updates_too_small_for_bfloat16_add_up(tiny_model):
    model = tiny_model()
    weight = model.blocks[0].attention.q_proj.weight
    masters = Masters(model, torch.bfloat16)
    master = masters.parameters()["blocks.0.attention.q_proj.weight"]
    with torch.no_grad():
        master.fill_(1.0)
        for _ in range(100):
            master.add_(1e-3)  # bfloat16's next number after 1 is 1.0078
            masters.publish()
    assert weight.eq(torch.tensor(1.1, dtype=torch.bfloat16)).all()


def test_micro_batches_add_up_in_float32(tiny_model):
    model = tiny_model()
    weight = model.blocks[0].attention.q_proj.weight
    masters = Masters(model, torch.bfloat16)
    for value in (256.0, 1.0):  # 257 is no bfloat16
        weight.grad = torch.full_like(weight, value)
        masters.collect()
        assert weight.grad is None
    assert masters.gradients()[0].dtype == torch.float32
    assert masters.gradients()[0].eq(257.0).all()
    masters.clear_gradients()
    assert masters.gradients() == []


def test_release_gives_the_float32_weights_back(tiny_model):
    model = tiny_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    masters = Masters(model, torch.bfloat16)
    masters.release()
    assert model.dtype == torch.float32
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_frozen_parameters_are_not_for_the_optimizer(tiny_model):
    model = tiny_model()
    model.blocks[0].requires_grad_(requires_grad=False)
    masters = Masters(model, torch.bfloat16)
    assert not any(name.startswith("blocks.0.") for name in masters.parameters())
    assert masters.state_dict().keys() == model.state_dict().keys()
