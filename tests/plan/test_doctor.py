"""Doctor: sound arithmetic passes, unsound is found out."""

import json

import pytest
import torch

from groundup import machine
from groundup.cli import main
from groundup.plan import doctor


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(machine, "matmul_rate", lambda *_, **__: 1e11)
    monkeypatch.setattr(machine, "memory_bandwidth", lambda _: 2e10)


def test_this_machine_is_healthy_and_says_what_auto_chooses(tmp_path):
    found = doctor.examine(tmp_path, compile_too=False)
    assert found.healthy, found.checks
    assert found.choices["device"] == str(machine.pick_device())
    assert found.choices["precision"] in ("float32", "bfloat16")
    assert found.advice


def test_json_is_whole_and_the_exit_code_is_0(capsys):
    assert main(["doctor", "--json", "--no-compile"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["healthy"]
    assert {"torch", "python", "cores", "memory_bytes"} <= found["machine"].keys()
    assert found["product_flops"]["float32"] == 1e11


def test_tables_are_printed(capsys):
    assert main(["doctor", "--no-compile"]) == 0
    out = capsys.readouterr().out
    for words in ("TFLOP/s", "GB/s", "bfloat16 = float32", "precision", "advice"):
        assert words in out


def test_wrong_gradients_in_bfloat16_are_found_out(monkeypatch, capsys):
    honest = doctor._loss_and_gradient

    def broken(model, ids_BT):
        loss, gradient = honest(model, ids_BT)
        wrong = next(model.parameters()).dtype == torch.bfloat16
        return loss, gradient.roll(1) if wrong else gradient

    monkeypatch.setattr(doctor, "_loss_and_gradient", broken)
    assert main(["doctor", "--no-compile"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "bfloat16 = float32 FAILED" in out
    assert "pretrain.precision = 'float32'" in out


@pytest.mark.slow
@pytest.mark.skipif(not machine.has_compiler(), reason="no C++ compiler here")
def test_compiled_and_eager_agree():
    checks = doctor.check(torch.device("cpu"), compiles=True)
    assert [check.name for check in checks][-1] == "compiled = eager"
    assert all(check.ok for check in checks), checks
