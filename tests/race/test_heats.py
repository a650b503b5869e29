"""A heat is run once, in an environment of its own, and told of in a table."""

import ctypes
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from race.chart import picture
from race.load import Watch, busy_seconds
from race.report import ratios, table
from race.run import Heat, readable, run_heat, variables


def test_a_result_is_kept_and_a_failure_is_one(tmp_path):
    heat = Heat("nobody", "tuned", "shakespeare", 1.0, 0)
    first = run_heat(heat, {}, (b"a", b"b"), threads=1, results=tmp_path, work=tmp_path / "work")
    assert "nobody" in first["error"]
    assert (
        run_heat(heat, {}, (b"a", b"b"), threads=1, results=tmp_path, work=tmp_path / "work")
        == first
    )


def test_a_result_of_other_settings_or_texts_is_not_taken_for_this_one(tmp_path):
    heat, texts = Heat("nobody", "tuned", "shakespeare", 1.0, 0), (b"a", b"b")
    settings = {"width": 8, "betas": (0.9, 0.95)}
    run_heat(heat, settings, texts, threads=1, results=tmp_path, work=tmp_path / "work")
    path = tmp_path / f"{heat.name}.json"
    result = json.loads(path.read_text())
    del result["error"]
    for others, again in (
        ((settings, texts), False),
        (({"width": 9, "betas": (0.9, 0.95)}, texts), True),
        ((settings, (b"a", b"bc")), True),
    ):
        path.write_text(json.dumps(result))
        found = run_heat(heat, *others, threads=1, results=tmp_path, work=tmp_path / "work")
        assert ("error" in found) == again


def heat_result(contender, bits, budget=180.0, seed=0):
    curve = [{"seconds": budget / 2, "step": 5, "bits_per_byte": bits + 1}]
    named = Heat(contender, "tuned", "stdlib", budget, seed)._asdict()
    measured = {"bits_per_byte": bits, "nats_per_character": bits, "curve": curve}
    measured["probe_bits_per_byte"] = bits
    return named | measured | {"steps": 9, "seconds": budget, "parameters": 1e6}


def test_report_compares_with_the_best_rival():
    results = [
        heat_result("groundup", 2.0),
        heat_result("nanogpt", 3.0),
        heat_result("nanogpt", 4.0, seed=1),
        heat_result("litgpt", 5.0),
        heat_result("nanogpt", 2.1, budget=600.0),
        heat_result("groundup", 1.9, budget=600.0),
        Heat("huggingface", "tuned", "stdlib", 180.0, 0)._asdict() | {"error": "cannot <be>"},
    ]
    found = ratios(results)
    assert (
        found["stdlib 3 minutes: nanoGPT-style tuned / groundup"] == 1.5
    )  # of the seed that both have
    assert (
        found["stdlib: 10 minutes of nanoGPT-style tuned / time of groundup for that score"] == 3.33
    )
    assert "cannot <be>" in table(results)
    ElementTree.fromstring(picture(results))


def test_a_rival_that_failed_once_is_compared_by_its_other_seeds():
    results = [heat_result("groundup", bits, seed=seed) for seed, bits in enumerate((2.0, 4.0))]
    results += [heat_result("nanogpt", 2.2), heat_result("litgpt", 3.0)]
    results.append(
        Heat("nanogpt", "tuned", "stdlib", 180.0, 1)._asdict() | {"error": "out of memory"}
    )
    results.append(heat_result("litgpt", 5.0, seed=1))
    assert ratios(results)["stdlib 3 minutes: nanoGPT-style tuned / groundup"] == 1.1


def test_shakespeare_is_drawn_in_nats_per_character_as_the_table_has_it():
    heat = heat_result("groundup", 2.0) | {"corpus": "shakespeare", "nats_per_character": 1.4}
    drawn = picture([heat])
    assert "nats per character" in drawn
    assert ">groundup 1.400<" in drawn
    assert "bits per byte" in picture([heat_result("groundup", 2.0)])


def test_the_picture_says_on_what_machines_its_heats_ran():
    xeon, epyc = ({"machine": {"cpu": cpu}} for cpu in ("Intel(R) Xeon(R) Processor", "AMD EPYC"))
    tuned, shipped = heat_result("groundup", 2.0), heat_result("nanogpt", 3.0)
    shipped["kind"] = "shipped"
    drawn = picture([tuned | epyc, shipped | epyc])
    assert drawn.count(">bits per byte; AMD EPYC<") == 1
    drawn = picture([tuned | epyc, shipped | xeon])
    assert drawn.count(">bits per byte; AMD EPYC<") == 1
    assert drawn.count(">bits per byte; Intel Xeon<") == 1


def test_a_shorter_run_of_ours_stands_among_its_longer_rivals():
    results = [heat_result("groundup", 1.9, 240.0), heat_result("nanogpt", 2.0, 600.0)]
    ours = heat_result("groundup", 1.8, 600.0)
    plots = [
        element
        for element in ElementTree.fromstring(picture([*results, ours])).iter()
        if element.get("transform", "").startswith("translate")
    ]
    assert len(plots) == 1
    lines = [element for element in plots[0].iter() if element.tag.endswith("polyline")]
    ends = {
        line.get("class"): float(line.get("points").split()[-1].split(",")[0]) for line in lines
    }
    start = min(float(line.get("points").split(",")[0]) for line in lines)
    assert set(ends) == {"line c0 ours", "line c0 ours short", "line c1"}
    assert ends["line c0 ours"] == ends["line c1"] > ends["line c0 ours short"] > start


def test_a_result_reads_as_it_was_written():
    result = heat_result("groundup", 1.9) | {"settings": {"betas": [0.9, 0.95]}}
    assert json.loads(readable(result)) == result
    assert json.loads(readable({"error": "none"})) == {"error": "none"}
    assert len(readable(result).splitlines()) == len(result) + len(result["curve"]) + 3


def test_the_table_says_on_what_was_raced_and_that_two_machines_do_not_compare():
    one, two = ({"machine": {"cpu": cpu}} for cpu in ("One", "Two"))
    results = [heat_result("groundup", 2.0) | one, heat_result("nanogpt", 3.0) | one]
    assert table(results).startswith("stdlib, 3 minutes, on One\n")
    found = ratios(results)
    assert list(found) == [
        "stdlib 3 minutes: nanoGPT-style tuned / groundup",
        "stdlib: 3 minutes of nanoGPT-style tuned / time of groundup for that score",
    ]
    results[1] |= two
    assert "stdlib, 3 minutes, on Two\n" in table(results)
    assert ratios(results) == {}
    twice = [*results, heat_result("nanogpt", 4.0) | one, heat_result("groundup", 3.5) | two]
    assert set(ratios(twice).values()) == {2.0, 1.0, round(3.0 / 3.5, 4)}
    assert "stdlib 3 minutes, One: nanoGPT-style tuned / groundup" in ratios(twice)


def test_every_heat_compiles_into_its_own_folder_and_tuned_rivals_keep_memory(tmp_path):
    def of(contender, kind):
        return variables(Heat(contender, kind, "stdlib", 60.0, 0), 2, tmp_path)

    kinds = [("groundup", "tuned"), ("nanogpt", "tuned"), ("nanogpt", "shipped")]
    for kind in kinds:
        assert Path(of(*kind)["TORCHINDUCTOR_CACHE_DIR"]).is_relative_to(tmp_path)
    assert ["MALLOC_TOP_PAD_" in of(*kind) for kind in kinds] == [False, True, False]


LARGE_BLOCKS = """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd".split()]
    _fields_ += [(f"rest{n}", ctypes.c_size_t) for n in range(5)]
libc.mallinfo2.restype = Info
before = libc.mallinfo2().hblkhd
libc.malloc(100 << 20)
print(libc.mallinfo2().hblkhd - before >= 100 << 20)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc"
)
@pytest.mark.parametrize(("kind", "given_back"), [("shipped", "True"), ("tuned", "False")])
def test_a_large_tensor_stays_with_a_tuned_rivals_process(tmp_path, kind, given_back):
    environ = variables(Heat("nanogpt", kind, "stdlib", 60.0, 0), 1, tmp_path)
    said = subprocess.run(
        [sys.executable, "-c", LARGE_BLOCKS], env=environ, capture_output=True, text=True
    )
    assert said.stdout.strip() == given_back


def test_busy_seconds_are_those_of_the_cores_that_are_raced_on():
    stat = "cpu 1 2 3 4 5 6 7 8 9 9\ncpu0 100 20 3 999 999 4 5 6 50 0\ncpu1 900 0 0 0 0 0 0 0 0 0\n"
    ticks = {1: 900, 100: 138}
    assert busy_seconds(stat, {0}) * 100 == pytest.approx(ticks[100])
    assert busy_seconds(stat, {0, 1}) * 100 == pytest.approx(ticks[100] + ticks[1])


def test_a_watch_sees_what_a_child_has_computed():
    busy = "import time\nwhile time.process_time() < 0.5: pass"
    watch = Watch()
    subprocess.run([sys.executable, "-c", busy], check=True)
    facts = watch.facts()
    assert 0.5 <= facts["cpu_seconds"] < 1.5
    assert facts["cores_used"] == pytest.approx(
        facts["cpu_seconds"] / facts["wall_seconds"], rel=0.05
    )


def test_a_heat_says_what_it_used_and_a_disturbed_one_is_run_again(tmp_path):
    heat = Heat("nobody", "tuned", "shakespeare", 1.0, 0)
    first = run_heat(heat, {}, (b"a", b"b"), threads=1, results=tmp_path, work=tmp_path / "work")
    assert len(first["load"]) == 2
    path = tmp_path / f"{heat.name}.json"
    del first["error"]
    for disturbed, again in ((0.04, False), (0.06, True), (None, False)):
        path.write_text(json.dumps(first | {"disturbed": disturbed}))
        found = run_heat(
            heat, {}, (b"a", b"b"), threads=1, results=tmp_path, work=tmp_path / "work", retry=True
        )
        assert ("error" in found) == again


def test_the_table_marks_a_disturbed_heat():
    quiet, loud = heat_result("groundup", 2.0), heat_result("nanogpt", 3.0)
    assert "†" not in table([quiet | {"disturbed": 0.05}, loud | {"disturbed": None}])
    marked = table([quiet, loud | {"disturbed": 0.0501}])
    assert "| nanoGPT-style tuned † |" in marked
    assert ">nanoGPT-style 3.000†<" in picture([quiet, loud | {"disturbed": 0.0501}])
    assert "† other programs took over 5%" in marked
