"""What features are taken, how a classifier is trained, and where it cuts."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from groundup.config import Config

Fraction = Annotated[float, Field(gt=0, lt=1)]


class FeaturesConfig(Config):
    """What is seen of a text: the number of each feature, over the root of the number of all."""

    words: bool = True
    """Take each word. Words are runs of letters, marks and digits, in lower case and with every
    digit as 0; punctuation, emoji and Chinese characters are words of one character."""

    pairs: bool = True
    """Take each two words that follow one another."""

    pieces: tuple[int, int] | None = (3, 5)
    """Shortest and longest run of characters taken from within words, whose edges count as
    characters; None: no pieces. They find words that are new or written so as not to be found, and
    cost about half of the speed."""

    bits: Annotated[int, Field(ge=8, le=24)] = 18
    """Features share 2 ** bits buckets; each bucket holds 4 bytes a label. 18 and 20 gave AUCs that
    differ by 0.002 or less on 25,000 tweets."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """Of the hash function."""

    @model_validator(mode="after")
    def _take_something(self) -> Self:
        if not self.words and self.pieces is None:
            raise ValueError("a classifier without words needs pieces, such as [3, 5]")
        if self.pieces is not None and not 1 <= self.pieces[0] <= self.pieces[1] <= 6:
            raise ValueError("pieces are a shortest and a longest length from 1 to 6: [3, 5]")
        if self.pieces is not None and self.pieces[1] - self.pieces[0] > 4:
            raise ValueError("pieces of more than five lengths are too many; try [3, 5]")
        return self


class Goal(Config):
    """What a threshold is chosen for."""

    measure: Literal["precision", "recall", "false_positive_rate"] = "precision"
    """"precision": of what is called positive, this part or more is. "recall": of the positives,
    this part or more is found. "false_positive_rate": of the negatives, this part or less is called
    positive; it means the same wherever the classifier is used, whatever part is positive there."""

    value: Fraction = 0.9
    """The part, above 0 and below 1."""


class ClassifierConfig(Config):
    """How a classifier is trained and where it cuts."""

    features: FeaturesConfig = FeaturesConfig()
    """What is seen of a text."""

    pooling: Literal["max", "mean", "whole"] = "max"
    """A document's score is the greatest of its windows' scores (one passage is enough, as for
    toxicity: in the whole of a long document it would drown), their mean (how it is on the
    average, as for quality and spam), or that of the "whole", taken as one window. The greatest of
    many windows is high by chance too: choose the threshold by false positives."""

    window_words: Annotated[int, Field(ge=2, le=1_000_000, multiple_of=2)] = 50
    """Words in a window; windows overlap by half, so that every passage of half a window is whole
    in one. Examples are cut alike, so that training sees what it will score."""

    epochs: Annotated[int, Field(ge=1, le=1000)] = 5
    """Passes over the examples."""

    learning_rate: Annotated[float, Field(gt=0)] = 1.0
    """alpha of FTRL-Proximal (McMahan et al. 2013, algorithm 1)."""

    smoothing: Annotated[float, Field(ge=0)] = 1.0
    """beta of FTRL-Proximal; the paper advises 1."""

    l2: Annotated[float, Field(ge=0)] = 1.0
    """Strength of the pull of each weight to 0: lambda 2 of FTRL-Proximal."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """Decides the order of examples."""

    test_fraction: Fraction = 0.2
    """Part of the examples that only the report sees."""

    calibration_fraction: Fraction = 0.15
    """Part of the examples that probabilities and the threshold are fitted on."""

    prior: Fraction | None = None
    """Part of the documents that are positive where the classifier will be used; None: as in the
    examples. Probabilities and precision are for this part: of collected examples, half or more are
    often positive, of a crawl one in a hundred."""

    goal: Goal = Goal()
    """What the threshold is chosen for, on the calibration part."""

    @model_validator(mode="after")
    def _leaves_something_to_learn_from(self) -> Self:
        if self.test_fraction + self.calibration_fraction > 0.9:
            raise ValueError("test and calibration fractions leave less than a tenth to learn from")
        if self.pooling == "whole":
            self.refuse_idle("window_words", why='with pooling "whole"')
        return self

    @property
    def block_words(self) -> int:
        """Words in half a window; for a whole document more than any has."""
        return 2**62 if self.pooling == "whole" else self.window_words // 2


class ExamplesConfig(Config):
    """A file of labelled examples."""

    path: str
    """The file: .jsonl, .csv or .tsv, as it is or in .gz or .xz."""

    text_field: str = "text"
    """The field that holds the text. In a file without a header fields are numbered: "1", "2"."""

    label_field: str = "label"
    """The field that holds the class."""

    positive: dict[str, tuple[str, ...]]
    """For each label to learn, the classes that are positive; all others are negative:
    {"toxic": ["hate", "offensive"], "hate": ["hate"]}. Numbers and true and false are written as
    JSON writes them."""

    header: bool = True
    """The first line of a .csv or .tsv file names its fields."""

    @model_validator(mode="after")
    def _name_labels(self) -> Self:
        if not self.positive or not all(self.positive.values()):
            raise ValueError('positive needs a label and its classes: {"spam": ["spam"]}')
        return self


class RuleConfig(Config):
    """How a trained classifier decides what stays in the corpus."""

    path: str
    """The classifier's file."""

    label: str | None = None
    """Which of its labels counts; None where it has one."""

    drop: Literal["positive", "negative"] = "positive"
    """What is dropped: "positive" for toxicity and spam, "negative" for quality."""

    threshold: Fraction | None = None
    """Probability from which a document is positive; None: the one chosen in training."""

    unit: Literal["document", "line"] = "document"
    """What is scored: a document by its windows, or each of its lines, of which the highest counts.
    Lines suit comments and chats, where each is someone else's."""

    keep_rest: bool = False
    """With unit = "line": drop those lines alone that would drop the document, and keep the rest of
    it. A document of which nothing is left is dropped."""

    @model_validator(mode="after")
    def _has_effect(self) -> Self:
        if self.unit != "line":
            self.refuse_idle("keep_rest", why='without unit = "line"')
        return self
