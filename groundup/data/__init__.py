"""Documents + tokenizer → token shards → batches in an order that survives any restart."""

from groundup.data.batch import Batch
from groundup.data.loader import Loader
from groundup.data.shards import ShardHeader, TokenShards
from groundup.data.tokenize import tokenize_documents
from groundup.data.validation import validation_batches
from groundup.data.write_shards import ShardWriter

__all__ = [
    "Batch",
    "Loader",
    "ShardHeader",
    "ShardWriter",
    "TokenShards",
    "tokenize_documents",
    "validation_batches",
]
