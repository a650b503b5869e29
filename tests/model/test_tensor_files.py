"""Damaged, wrong and hostile model folders end in one line, before memory is taken."""

import json

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from groundup.errors import UserError
from groundup.model import load_model, save_model


@pytest.fixture
def folder(tmp_path, tiny_model):
    save_model(tiny_model(), tmp_path / "model", tokenizer=None)
    return tmp_path / "model"


def edit_config(folder, **changes):
    raw = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(raw | changes))


def edit_weights(folder, change):
    stored = load_file(folder / "model.safetensors")
    change(stored)
    save_file(stored, folder / "model.safetensors")


def shard(folder, weight_map):
    (folder / "model.safetensors").rename(folder / "part.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def assert_refused(folder, message):
    with pytest.raises(UserError, match=message) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[]", "should hold a JSON object, not a list"),
        (b"{}", "model_type None"),
    ],
)
def test_a_config_that_is_none_is_refused(folder, content, message):
    (folder / "config.json").write_bytes(content)
    assert_refused(folder, message)


def test_a_folder_without_config_is_no_model_folder(folder, tmp_path):
    assert_refused(tmp_path, "is no model folder")
    assert_refused(tmp_path / "nowhere", "is no model folder")
    assert_refused(folder / "config.json", "is no model folder")


@pytest.mark.parametrize(
    "changes",
    [
        {"num_hidden_layers": 10**9, "layer_types": None},
        {"num_hidden_layers": 10**9},
        {"hidden_size": 10**12},
        {"vocab_size": 10**30},
        {"intermediate_size": 10**18},
        {"num_attention_heads": 10**15, "num_key_value_heads": 10**15},
        {"head_dim": 10**15},
        {"hidden_size": 10**4, "intermediate_size": 10**4},
        {"num_hidden_layers": 20},
        {"num_hidden_layers": 1},
        {"num_hidden_layers": -1},
        {"vocab_size": 54},
        {"num_key_value_heads": 2},
        {"tie_word_embeddings": False},
    ],
)
def test_a_config_that_the_weights_do_not_bear_out_is_refused(folder, changes):
    edit_config(folder, **changes)
    assert_refused(folder, "config.json|missing|unexpected|shape")


def test_missing_tensors_are_named(folder):
    edit_weights(folder, lambda stored: stored.pop("model.norm.weight"))
    assert_refused(folder, r"1 tensors are missing, first model.norm.weight")


def test_unexpected_tensors_are_named(folder):
    edit_weights(folder, lambda stored: stored.update(surprise=torch.ones(1)))
    assert_refused(folder, r"1 tensors are unexpected, first model.surprise")


def test_wrong_shapes_are_named(folder):
    edit_weights(folder, lambda stored: stored.update({"model.norm.weight": torch.ones(25)}))
    assert_refused(folder, r"model.norm.weight has the shape \[25\], config.json says \[24\]")


@pytest.mark.parametrize("dtype", [torch.int8, torch.float64, torch.float8_e4m3fn])
def test_other_numbers_than_floats_are_refused(folder, dtype):
    edit_weights(
        folder,
        lambda stored: stored.update({"model.norm.weight": stored["model.norm.weight"].to(dtype)}),
    )
    assert_refused(folder, "tensor model.norm.weight holds .* numbers; groundup reads F32")


def test_a_tensor_under_two_names_is_refused(folder):
    edit_weights(folder, lambda stored: stored.update({"norm.weight": torch.ones(24)}))
    assert_refused(folder, "model.norm.weight is there twice")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keep=st.floats(0, 0.999))
def test_truncated_weights_are_refused(folder, keep):
    whole = (folder / "model.safetensors").read_bytes()
    try:
        (folder / "model.safetensors").write_bytes(whole[: int(keep * len(whole))])
        assert_refused(folder, "damaged")
    finally:
        (folder / "model.safetensors").write_bytes(whole)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 3000), value=st.integers(0, 255))
def test_a_changed_byte_in_the_header_loads_or_is_refused(folder, position, value):
    whole = (folder / "model.safetensors").read_bytes()
    message = ""
    try:
        changed = bytearray(whole)
        changed[position] = value
        (folder / "model.safetensors").write_bytes(changed)
        load_model(folder)
    except UserError as error:
        message = str(error)
    finally:
        (folder / "model.safetensors").write_bytes(whole)
    assert "\n" not in message


def test_pickles_are_never_opened(folder):
    (folder / "model.safetensors").unlink()
    assert_refused(folder, "has no model.safetensors")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    assert_refused(folder, "pytorch_model.bin, a pickle")


@pytest.mark.parametrize(
    "name", ["../part.safetensors", "/etc/passwd", "a/../part.safetensors", ".", ""]
)
def test_an_index_cannot_point_out_of_its_folder(folder, name):
    shard(folder, {"model.norm.weight": name})
    assert_refused(folder, "which is no shard of this folder")


def test_a_missing_shard_is_named(folder):
    shard(folder, {"a": "part.safetensors", "b": "other.safetensors"})
    assert_refused(folder, "lacks other.safetensors")


@pytest.mark.parametrize("weight_map", [None, [], "x", {}])
def test_an_index_without_a_map_is_refused(folder, weight_map):
    shard(folder, weight_map)
    assert_refused(folder, "no weight_map|missing|has num_layers|more than")


def test_two_shards_cannot_hold_the_same_tensor(folder):
    shard(folder, {"a": "part.safetensors", "b": "copy.safetensors"})
    (folder / "copy.safetensors").write_bytes((folder / "part.safetensors").read_bytes())
    assert_refused(folder, "two files hold the tensor")
