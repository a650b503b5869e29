"""What counts as a duplicate, and which one stays."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from groundup.config import Config

Keep = Literal["first", "longest", "best", "newest"]


class MinHashConfig(Config):
    """How a document becomes a signature; signatures made with other settings do not compare."""

    unit: Literal["word", "character"] = "word"
    """What n-grams are made of. Words are runs of letters, marks and digits in lower case; each
    letter of a script that is written without spaces (Chinese, Japanese, Thai, …) is a word.
    Characters are those of the words, with one space between words."""

    ngram: Annotated[int, Field(ge=1, le=64)] = 5
    """Units in an n-gram (FineWeb, arXiv 2406.17557, appendix: 5 words)."""

    bands: Annotated[int, Field(ge=1, le=1024)] = 14
    """Bands of a signature: documents that agree in the whole of one band are near-duplicates."""

    rows: Annotated[int, Field(ge=1, le=1024)] = 8
    """Hashes in a band. Two documents of Jaccard similarity s meet with probability
    1 - (1 - s ** rows) ** bands: 0.56 at s = 0.7, 0.92 at 0.8 for FineWeb's 14 bands of 8."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """Where the hash functions begin."""

    @property
    def num_hashes(self) -> int:
        """Hashes in a signature."""
        return self.bands * self.rows


class NearDuplicatesConfig(Config):
    """Which documents are near-duplicates, and which one of a cluster stays."""

    minhash: MinHashConfig = MinHashConfig()
    """How similarity is looked for."""

    min_similarity: Annotated[float, Field(gt=0, le=1)] | None = None
    """Jaccard similarity, estimated from the whole signatures, that documents which agree in a band
    must reach as well. Without it agreeing is enough, as in FineWeb; with it signatures are kept
    (896 bytes a document at 112 hashes, beside 128), and fewer are joined by chance. The
    estimate's standard error is sqrt(s (1 - s) / num_hashes): 0.04 at 0.8."""

    keep: Keep = "first"
    """Which document of a cluster stays: the "first" by id, the "longest" by bytes, the "best" by
    quality score or the "newest" by date. Ties go to the smaller id."""


class LinesConfig(Config):
    """Which lines are dropped for being in other documents too."""

    unit: Literal["line", "paragraph"] = "line"
    """What is compared: lines, or paragraphs (between empty lines)."""

    keep: Literal["first", "rare"] = "first"
    """"first" keeps one occurrence of each, in the document with the smallest id (CCNet, arXiv
    1911.00359 §3.1, keeps the first it meets); "rare" keeps every occurrence of those that occur
    ``max_count`` times or fewer (Llama 3, arXiv 2407.21783 §3.1.1)."""

    max_count: Annotated[int, Field(ge=1)] = 6
    """With "rare": occurrences in the whole corpus above which a line is dropped everywhere."""

    min_words: Annotated[int, Field(ge=1)] = 1
    """Lines of fewer words always stay. Lines without a word (rules, brackets) stay in any case."""

    @model_validator(mode="after")
    def _has_effect(self) -> Self:
        if self.keep == "first":
            self.refuse_idle("max_count", why='without keep = "rare"')
        return self
