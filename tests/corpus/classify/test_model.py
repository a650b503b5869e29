import json
import pickle
from pathlib import Path
from random import Random

import numpy as np
import pytest
from safetensors.numpy import save

from groundup.corpus.classify import ClassifierConfig, FeaturesConfig
from groundup.corpus.classify.model import METADATA, Classifier, load_classifier
from groundup.corpus.classify.train import train
from groundup.errors import UserError

TEXTS = ["stupid ugly house", "lovely garden over the street", "", "日本"]


def test_a_classifier_saved_and_loaded_says_the_same(
    classifier: Classifier, tmp_path: Path
) -> None:
    path = tmp_path / "bad.safetensors"
    classifier.save(path)
    loaded = load_classifier(path)
    assert loaded.header == classifier.header
    assert (loaded.probabilities(TEXTS) == classifier.probabilities(TEXTS)).all()
    again = tmp_path / "again.safetensors"
    loaded.save(again)
    assert again.read_bytes() == path.read_bytes()


def test_a_classifier_pickles_for_other_processes(classifier: Classifier) -> None:
    other = pickle.loads(pickle.dumps(classifier))
    assert (other.probabilities(TEXTS) == classifier.probabilities(TEXTS)).all()


def refused(path: Path) -> str:
    with pytest.raises(UserError) as raised:
        load_classifier(path)
    message = str(raised.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_a_file_cut_anywhere_or_with_flipped_bytes_is_refused_or_the_same_shape(
    classifier: Classifier, tmp_path: Path
) -> None:
    path = tmp_path / "bad.safetensors"
    classifier.save(path)
    whole = path.read_bytes()
    for size in (0, 1, 7, 8, 9, 100, 2000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        refused(path)
    random = Random(0)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[random.randrange(3000)] ^= 1 << random.randrange(8)
        path.write_bytes(damaged)
        try:  # a flipped digit of a number cannot be told
            load_classifier(path).probabilities(TEXTS)
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_hostile_headers_are_refused(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    header = json.loads(classifier.header.model_dump_json())
    values = classifier.values

    def write(header: object, **tensors: np.ndarray) -> None:
        path.write_bytes(save(tensors, {METADATA: json.dumps(header)}))

    write(header, weights=values[:-1])
    assert "do not fit" in refused(path)
    write(header, weights=values.astype(np.float64))
    assert "do not fit" in refused(path)
    write(header, weights=values, more=values)
    assert "no classifier" in refused(path)
    write({**header, "version": 2}, weights=values)
    assert "another version (see version)" in refused(path)
    write({**header, "surprise": 1}, weights=values)
    assert "surprise" in refused(path)
    write({**header, "labels": []}, weights=values)
    assert "labels" in refused(path)
    write([1, 2], weights=values)
    refused(path)
    write(header, weights=np.full_like(values, np.nan))
    assert "no numbers" in refused(path)
    path.write_bytes(save({"weights": values}))
    assert "no classifier" in refused(path)
    path.write_bytes(pickle.dumps(classifier))
    refused(path)
    assert "train one first" in refused(tmp_path / "nowhere.safetensors")


def test_a_folder_that_is_not_there_is_named(classifier: Classifier, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot write .*nowhere"):
        classifier.save(tmp_path / "nowhere" / "bad.safetensors")


def test_a_classifier_of_whole_documents_can_be_loaded(examples, tmp_path: Path) -> None:
    config = ClassifierConfig(features=FeaturesConfig(bits=12), pooling="whole")
    path = tmp_path / "bad.safetensors"
    train(examples(), config).save(path)
    assert load_classifier(path).header.config == config
