import random

from groundup.corpus.distributions import Distributions
from groundup.corpus.samples import EXCERPT_CHARACTERS, Samples


def test_samples_do_not_depend_on_order_or_parts() -> None:
    documents = [(f"{n:032x}", f"{n}.txt", f"text {n} " * 200) for n in range(100)]
    whole = Samples(5)
    for id_, source, text in documents:
        whole.offer("kept", id_, source, None, text)
    merged = Samples(5)
    random.Random(0).shuffle(documents)
    for start in range(0, 100, 30):
        part = Samples(5)
        for id_, source, text in documents[start : start + 30]:
            part.offer("kept", id_, source, None, text)
        merged.merge(Samples.from_json(5, part.to_json()))
    assert merged.to_json() == whole.to_json()
    examples = merged.examples("kept")
    assert len(examples) == 5
    assert all(len(example.excerpt) == EXCERPT_CHARACTERS for example in examples)
    whole.offer("dropped", "0" * 32, "a.txt", None, "text", 0.25)
    (example,) = Samples.from_json(5, whole.to_json()).examples("dropped")
    assert example.measured == 0.25


def test_histograms_of_parts_add_up() -> None:
    parts = [Distributions(), Distributions()]
    for part, length in zip(parts, (0, 1), strict=True):
        part.add_length("length", length)
        part.add_score("score", 1.0)
        part.add_label("language", None)
        part.add_counts("masked", {"email": 2})
    whole = Distributions.from_json(parts[0].to_json())
    whole.merge(parts[1])
    assert whole.to_json() == {
        "language": {"unknown": 2},
        "length": {"0": 1, "1": 1},
        "masked": {"email": 4},
        "score": {"99": 2},
    }
