"""Token ids → logits: config, embedding, positions, attention, feed-forward, block, transformer."""

from groundup.model.cache import KVCache
from groundup.model.config import ModelConfig
from groundup.model.folder import load_model, resolve_model_folder, save_model
from groundup.model.init import build_model, build_on_meta
from groundup.model.rnn import RNN
from groundup.model.transformer import Transformer

__all__ = [
    "RNN",
    "KVCache",
    "ModelConfig",
    "Transformer",
    "build_model",
    "build_on_meta",
    "load_model",
    "resolve_model_folder",
    "save_model",
]
