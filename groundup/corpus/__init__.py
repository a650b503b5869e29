"""Raw sources → documents in Parquet: read, without duplicates, split in two.

``sources`` finds files and ``readers`` read them; ``filters`` and ``duplicates`` drop documents;
``split`` takes validation text aside; ``storage`` writes and reads Parquet; ``build`` strings
these together.
"""

from groundup.corpus.build import build_corpus
from groundup.corpus.config import CorpusConfig
from groundup.corpus.document import SCHEMA, Document, Split
from groundup.corpus.sources import source_fingerprint
from groundup.corpus.storage import RowGroup, read_documents, row_groups

__all__ = [
    "SCHEMA",
    "CorpusConfig",
    "Document",
    "RowGroup",
    "Split",
    "build_corpus",
    "read_documents",
    "row_groups",
    "source_fingerprint",
]
