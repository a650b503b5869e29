"""A trained classifier, and its file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from groundup.config import Config
from groundup.corpus.classify.calibrate import Calibration
from groundup.corpus.classify.config import ClassifierConfig, Fraction
from groundup.corpus.classify.measures import Bin, Decision
from groundup.corpus.classify.score import score
from groundup.corpus.classify.solver import Weights
from groundup.errors import UserError
from groundup.files import expand_user, write_atomic

METADATA = "groundup"
"""The key of the file's metadata that holds the header, as JSON."""

TENSOR = "weights"


class Report(Config):
    """How good one label is, on examples that nothing was fitted on."""

    num_train: int
    """Examples that the weights were learned from."""
    num_calibration: int
    """Examples that the probability and the threshold were fitted on."""
    num_test: int
    """Examples that all numbers here are from."""
    positive: float
    """Part of the test examples that is positive."""
    auc: float
    average_precision: float
    decision: Decision
    """Precision and others at the threshold; as if ``prior`` of the examples were positive."""
    bins: tuple[Bin, ...]
    """What was said, by tenths, and what is."""
    calibration_error: float
    """The mean distance between the two."""


class Label(Config):
    """What was learned for one label, beside its weights."""

    name: str
    bias: float
    calibration: Calibration
    threshold: Fraction
    """Probability from which a text is positive."""
    report: Report


class Header(Config):
    """All of a classifier but its weights."""

    format: Literal["groundup linear classifier"] = "groundup linear classifier"
    version: Literal[1] = 1
    """Changes when the same text no longer gives the same features."""
    config: ClassifierConfig
    labels: Annotated[tuple[Label, ...], Field(min_length=1)]
    examples: str
    """Fingerprint of what it was trained on."""


@dataclass(frozen=True)
class Classifier:
    """Tells how probable labels are for a text. It is not changed by use, and pickles."""

    header: Header
    values: NDArray[np.float32]
    """Weights, (buckets, L)."""

    @property
    def names(self) -> tuple[str, ...]:
        """The labels."""
        return tuple(label.name for label in self.header.labels)

    def logits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return each text's logits before calibration, (N, L); texts encode as UTF-8."""
        bias = np.array([label.bias for label in self.header.labels])
        return score(texts, Weights(self.values, bias), self.header.config)

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability of each label for each text, (N, L); 0 for blank texts."""
        columns = zip(self.header.labels, self.logits(texts).T, strict=True)
        said = np.stack([label.calibration.probabilities(column) for label, column in columns], 1)
        said[[not text or text.isspace() for text in texts]] = 0
        return said

    def save(self, path: str | Path) -> None:
        """Write the classifier to one safetensors file, whole or not at all.

        Raises:
            UserError: it cannot be written.
        """
        path = expand_user(path)
        metadata = {METADATA: self.header.model_dump_json()}
        try:
            write_atomic(path, save({TENSOR: self.values}, metadata))
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from None


def load_classifier(path: str | Path) -> Classifier:
    """Read a classifier; nothing in the file is run or trusted.

    Raises:
        UserError: it cannot be read, is damaged, or is no classifier.
    """
    path = expand_user(path)
    if not path.is_file():
        raise UserError(
            f"there is no classifier {path}; train one first (groundup corpus classifier {path} …),"
            " or leave it out"
        )
    try:
        with safe_open(path, framework="np") as file:
            metadata = (file.metadata() or {}).get(METADATA)
            if metadata is None or list(file.keys()) != [TENSOR]:
                raise UserError(f"{path} holds no classifier; train one with groundup")
            header = Header.model_validate_json(metadata)
            shape = (1 << header.config.features.bits, len(header.labels))
            tensor = file.get_slice(TENSOR)
            if tensor.get_dtype() != "F32" or tuple(tensor.get_shape()) != shape:
                raise UserError(f"{path} is damaged: its weights do not fit it; train it again")
            values = file.get_tensor(TENSOR)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "its header"
        raise UserError(
            f"{path} is damaged or from another version (see {where}); train it again"
        ) from None
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged or no classifier ({error}); train it again") from None
    if not np.isfinite(values).all():
        raise UserError(f"{path} is damaged: it has weights that are no numbers; train it again")
    return Classifier(header, values)
