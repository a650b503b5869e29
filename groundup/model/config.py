"""The shape of a model: three architectures that the ecosystem opens unchanged, two of our own."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from groundup.config import Config, IdleKeyError

Architecture = Literal["qwen3", "llama", "gpt2", "speedrun", "rnn"]

ARCHITECTURES: dict[str, dict[str, Any]] = {
    # Qwen3 (arXiv 2505.09388, section 2): Llama's block, with queries and keys normalized per head.
    "qwen3": {
        "norm": "rmsnorm",
        "norm_eps": 1e-6,
        "activation": "swiglu",
        "position": "rope",
        "rope_theta": 10_000.0,
        "qk_norm": True,
        "bias": False,
        "tie_embeddings": True,
    },
    # Llama (arXiv 2302.13971, section 2.2; grouped queries from arXiv 2307.09288).
    "llama": {
        "norm": "rmsnorm",
        "norm_eps": 1e-5,
        "activation": "swiglu",
        "position": "rope",
        "rope_theta": 10_000.0,
        "qk_norm": False,
        "bias": False,
        "tie_embeddings": False,
    },
    # GPT-2 (Radford et al. 2019, section 2.3).
    "gpt2": {
        "norm": "layernorm",
        "norm_eps": 1e-5,
        "activation": "gelu",
        "position": "learned",
        "rope_theta": 10_000.0,
        "qk_norm": False,
        "bias": True,
        "tie_embeddings": True,
    },
    # From speedruns of small models, https://github.com/KellerJordan/modded-nanogpt and
    # https://github.com/karpathy/nanochat; not each part from both. It opens in groundup only.
    "speedrun": {
        "norm": "rmsnorm",
        "norm_eps": 1e-6,
        "norm_weight": False,
        "activation": "relu2",
        "position": "rope",
        "rope_theta": 10_000.0,
        "qk_norm": True,
        "bias": False,
        "tie_embeddings": False,
        "embedding_norm": True,
        "bigram_table_size": 16_384,
        "x0_shortcut": True,
        "value_residual": True,
        "logit_soft_cap": 15.0,
        "zero_init_projections": True,
    },
    # The plain recurrent network (Elman 1990; Mikolov et al. 2010): the baseline.
    "rnn": {
        "norm": "rmsnorm",
        "norm_eps": 1e-6,
        "activation": "swiglu",
        "position": "learned",
        "rope_theta": 10_000.0,
        "qk_norm": False,
        "bias": True,
        "tie_embeddings": True,
    },
}
"""What each architecture says about the switches; a recipe may set any of them by name."""


ATTENTION_FIELDS = {
    "norm", "norm_eps", "norm_weight", "activation", "position", "rope_theta", "qk_norm",
    "sliding_window", "logit_soft_cap", "value_residual", "value_embeddings", "x0_shortcut",
    "embedding_norm", "bigram_table_size", "smear", "zero_init_projections",
    "look_back_heads", "look_back_blocks", "induction_heads", "num_heads", "num_kv_heads",
    "head_width", "feed_forward_width",
}  # fmt: skip
"""Fields of a transformer, which a recurrent network has not."""


class ModelConfig(Config):
    """Everything that decides a model's parameters and its arithmetic.

    Fields left out take the architecture's value (``ARCHITECTURES``) or follow from the others
    (``num_kv_heads``, ``head_width``, ``feed_forward_width``; 0 in an rnn, which has none).
    """

    architecture: Architecture = "qwen3"
    """Family: qwen3, llama or gpt2 (what they save opens in transformers), speedrun or rnn."""

    vocab_size: int = Field(default=0, ge=0)
    """Vocabulary V; 0 takes the tokenizer's."""

    context_length: int = Field(default=256, ge=1)
    """Longest text the model reads at once, in tokens (T)."""

    num_layers: int = Field(default=6, ge=1)
    """Blocks (L)."""

    width: int = Field(default=384, ge=1)
    """Width of the residual stream (C)."""

    num_heads: int = Field(default=6, ge=1)
    """Query heads (H)."""

    num_kv_heads: int = Field(default=0, ge=0)
    """Key/value heads (K), a divisor of num_heads; 0 means one per query head."""

    head_width: int = Field(default=0, ge=0)
    """Width of a head (D); 0 means width / num_heads."""

    feed_forward_width: int = Field(default=0, ge=0)
    """Hidden width of the feed-forward (F); 0: 4 C, or 8/3 C (to a multiple of 64) if gated."""

    norm: Literal["rmsnorm", "layernorm"] = "rmsnorm"
    """Normalization before each layer."""

    norm_eps: float = Field(default=1e-6, gt=0)
    """Added to the variance before the root."""

    norm_weight: bool = True
    """A learned scale per channel in every norm; nanochat's norms have none."""

    activation: Literal["swiglu", "gelu", "relu2"] = "swiglu"
    """Feed-forward non-linearity: swiglu (gated), gelu (tanh form), relu2 (ReLU squared)."""

    position: Literal["rope", "learned"] = "rope"
    """Positions: rotary in attention, or a learned vector added to the embedding."""

    rope_theta: float = Field(default=10_000.0, gt=0)
    """Base of the wavelengths of the rotary positions."""

    qk_norm: bool = True
    """RMSNorm of queries and keys per head, before the rotation."""

    bias: bool = False
    """Biases in every matrix product (one per layer of an rnn) and in LayerNorm."""

    tie_embeddings: bool = True
    """Use the token embedding as the output head."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of activations zeroed in training: embeddings, attention weights, residual branches."""

    sliding_window: int | None = Field(default=None, ge=1)
    """Each token sees only this many tokens, itself included; none: the whole past."""

    logit_soft_cap: float | None = Field(default=None, gt=0)
    """Squash logits to ±cap by cap·tanh(logits/cap) (Gemma 2, arXiv 2408.00118, section 2)."""

    value_residual: bool = False
    """Mix each layer's values with the first layer's (arXiv 2410.17897)."""

    value_embeddings: bool = False
    """Add a value looked up by the token, behind a gate, in every other layer (nanochat's ve)."""

    x0_shortcut: bool = False
    """Blocks read a·x + b·x0 (nanochat), x0 the normalized embedding; a = 1, b = 0 at first."""

    embedding_norm: bool = False
    """RMSNorm without a weight of what enters the first block (nanochat)."""

    bigram_table_size: int = Field(default=0, ge=0)
    """Rows of a table that adds a vector per pair of tokens, hashed; 0: none (modded-nanogpt)."""

    smear: bool = False
    """Add a gated share of the previous token's embedding (modded-nanogpt)."""

    zero_init_projections: bool = False
    """Start each block as the identity: the matrices that write to the residual are zero."""

    init_std: float = Field(default=0.02, gt=0)
    """Standard deviation of the initial matrices and embeddings."""

    look_back_heads: int = Field(default=0, ge=0)
    """Heads of the first block that begin by looking 1, 2, … tokens back: sharply with heads of 64
    or more, hardly with very narrow ones. To learn that from nothing takes minutes on a CPU, and
    all copying from the context waits for it. Only the first weights differ: the architecture
    stays what it is."""

    look_back_blocks: int = Field(default=1, ge=1)
    """First blocks that have ``look_back_heads``, each looking on from where those of the block
    before end: 2 heads in 2 blocks look 1 and 2, 3 and 4 tokens back. Pays where tokens are
    letters."""

    induction_heads: int = Field(default=0, ge=0)
    """Heads of the second block that begin by copying from the context what followed the latest
    1, 2, … tokens when they stood there before; each needs a look-back head. What they copy is an
    embedding: an output head of its own begins as half the embedding, so that it reads that. Only
    the first weights differ here too."""

    @model_validator(mode="before")
    @classmethod
    def _fill_from_architecture(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if data.get("logit_soft_cap") == "off":  # a recipe has no other word for None
            data = data | {"logit_soft_cap": None}
        name = data.get("architecture", "qwen3")
        return {**(ARCHITECTURES.get(name, {}) if isinstance(name, str) else {}), **data}

    @model_validator(mode="after")
    def _derive_and_check(self) -> Self:
        if self.architecture == "rnn":
            return self
        derived = {
            "num_kv_heads": self.num_kv_heads or self.num_heads,
            "head_width": self.head_width or self.width // self.num_heads,
            "feed_forward_width": self.feed_forward_width or self._default_feed_forward_width(),
        }
        if self.head_width == 0 and self.width % self.num_heads:
            raise ValueError(
                f"width {self.width} is not a multiple of num_heads {self.num_heads}; "
                "change one of them or set head_width"
            )
        if self.num_heads % derived["num_kv_heads"]:
            raise ValueError(
                f"num_kv_heads {self.num_kv_heads} does not divide num_heads {self.num_heads}"
            )
        if self.position == "rope" and derived["head_width"] % 2:
            raise ValueError(
                f"rotary positions need an even head_width, not {derived['head_width']}"
            )
        if self.norm == "layernorm" and not self.norm_weight:
            raise ValueError("norm_weight = false needs norm = rmsnorm")
        if self.bigram_table_size == 1:
            raise ValueError("bigram_table_size 1 leaves no row for a pair; 0 means no table")
        for name, value in derived.items():
            object.__setattr__(self, name, value)  # frozen to everyone else
        self._check_first_heads()
        return self

    def _check_first_heads(self) -> None:
        if self.look_back_heads > self.num_heads:
            raise ValueError(
                f"look_back_heads {self.look_back_heads} is more than num_heads {self.num_heads}"
            )
        if self.induction_heads > min(self.look_back_heads, self.num_kv_heads):
            raise ValueError(
                f"induction_heads {self.induction_heads} is more than look_back_heads "
                f"{self.look_back_heads} or num_kv_heads {self.num_kv_heads}"
            )
        if self.look_back_blocks > self.num_layers:
            raise ValueError(
                f"look_back_blocks {self.look_back_blocks} is more than num_layers "
                f"{self.num_layers}"
            )
        if self.look_back_blocks > 1 and not self.look_back_heads:
            raise IdleKeyError("look_back_blocks", "without look_back_heads")
        if self.look_back_blocks > 1 and self.induction_heads:
            raise ValueError(
                "induction_heads stand in the second block: look_back_blocks must be 1, "
                f"not {self.look_back_blocks}"
            )
        if self.induction_heads and self.num_layers < 2:
            raise ValueError("induction_heads stand in the second block; num_layers is 1")
        if self.induction_heads and self.width <= 2 * (self.induction_heads + 2):
            raise ValueError(f"width {self.width} has no room for what induction_heads write")
        furthest = min(self.context_length, self.sliding_window or self.context_length) - 1
        if self.look_back_heads * self.look_back_blocks > furthest:
            raise ValueError(
                f"look_back_heads {self.look_back_heads} in {self.look_back_blocks} blocks: "
                f"attention reaches {furthest} tokens back; raise context_length or "
                "sliding_window, or lower it"
            )

    @model_validator(mode="after")
    def _refuse_what_has_no_effect(self) -> Self:
        idle = (
            {"rope_theta", "look_back_heads", "look_back_blocks", "induction_heads"}
            if self.position == "learned"
            else set()
        )
        if self.architecture == "rnn":
            idle = ATTENTION_FIELDS
        defaults = ARCHITECTURES[self.architecture]
        for name in sorted(idle):
            default = defaults.get(name, ModelConfig.model_fields[name].default)
            if getattr(self, name) != default:
                other = self.architecture if self.architecture == "rnn" else "learned positions"
                raise IdleKeyError(name, f"with {other}")
        return self

    def _default_feed_forward_width(self) -> int:
        """Keep the parameter count of an ungated layer of 4 C (arXiv 2002.05202, section 2)."""
        if self.activation != "swiglu":
            return 4 * self.width
        return -(-8 * self.width // (3 * 64)) * 64

    def with_vocabulary(self, vocab_size: int) -> "ModelConfig":
        """Return this config for a tokenizer of ``vocab_size`` ids.

        Raises:
            ValueError: the config names another vocabulary size.
        """
        if self.vocab_size not in (0, vocab_size):
            raise ValueError(
                f"model.vocab_size is {self.vocab_size} but the tokenizer has {vocab_size} ids; "
                "leave model.vocab_size out"
            )
        return self.model_copy(update={"vocab_size": vocab_size})
