"""What contenders run with, and how the command line changes it."""

import importlib.util
from pathlib import Path

import pytest
from race.run import Heat
from race.settings import SETTINGS, changed, settings_for

spec = importlib.util.spec_from_file_location(
    "race_command", Path(__file__).parents[2] / "benchmarks" / "race.py"
)
race_command = importlib.util.module_from_spec(spec)
spec.loader.exec_module(race_command)


def test_settings_know_every_contender_everywhere():
    for contender, kind in SETTINGS:
        for corpus in ("shakespeare", "stdlib", "stories"):
            assert settings_for(contender, kind, corpus, 180.0)
    assert changed({"model": {"width": 1, "layers": 2}}, {"model.width": 3}) == {
        "model": {"width": 3, "layers": 2}
    }
    with pytest.raises(ValueError, match="no setting 'widht'"):
        changed({"width": 1}, {"widht": 2})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("compile=False", ("compile", False)),
        ("compile=true", ("compile", True)),
        ("clip=None", ("clip", None)),
        ("rate=4e-3", ("rate", 0.004)),
        ("family=llama", ("family", "llama")),
        ('shape={"n_layer": 2}', ("shape", {"n_layer": 2})),
    ],
)
def test_a_change_is_a_value_of_json_or_python(change, expected):
    assert race_command.change(change) == expected


@pytest.mark.parametrize("name", ["compile", "width", "model.width"])
def test_a_switch_or_a_number_does_not_become_text(name):
    settings = {"compile": True, "width": 128, "model": {"width": 1}, "family": "gpt2"}
    with pytest.raises(ValueError, match=f"{name} is"):
        changed(settings, {name: "none"})
    assert changed(settings, {"family": "llama", "model.kind": "a"})["model"]["kind"] == "a"


def test_a_long_list_of_changes_has_a_short_name_of_its_own():
    heats = [Heat("nanogpt", "tuned" + f"+width={n}" * 30, "stdlib", 60.0, 1) for n in (1, 2)]
    names = {heat.name for heat in heats}
    assert len(names) == 2
    assert all(len(name) < 60 and name.startswith("nanogpt-tuned+") for name in names)
    assert Heat("a", "tuned+b=1", "c", 60.0, 0).name == "a-tuned+b=1.c.60s.seed0"
    assert Heat("a", "tuned+b={'c': 1}", "c", 60.0, 0).name == "a-tuned+b=__c___1_.c.60s.seed0"


def test_shipped_rivals_run_what_their_projects_ship():
    litgpt = settings_for("litgpt", "shipped", "stdlib", 180.0)
    assert litgpt["batch"] * litgpt["accumulate"] == 125
    assert (litgpt["precision"], litgpt["optimizer"]["lr"]) == ("bf16-mixed", 6e-4)
    chat = settings_for("nanochat", "shipped", "shakespeare", 180.0)
    assert [chat[key] for key in ("layers", "heads", "width")] == [6, 6, 384]
    assert chat["batch"] * chat["context"] * chat["accumulate"] == 16_384
