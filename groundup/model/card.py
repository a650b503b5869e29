"""The model card: what a model folder is, in words, for people and for the Hub."""

import html
from collections.abc import Mapping
from typing import Any

from groundup.model.config import ModelConfig
from groundup.model.hf_config import hub_type, why_not_expressible

_TRANSFORMERS = """\
```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("THIS_FOLDER")
tokenizer = AutoTokenizer.from_pretrained("THIS_FOLDER")
inputs = tokenizer("Once upon a time", return_tensors="pt")
print(tokenizer.decode(model.generate(**inputs, max_new_tokens=100)[0]))
```
"""


def model_card(config: ModelConfig, num_parameters: int, provenance: Mapping[str, Any]) -> str:
    """Return the content of ``README.md``.

    Args:
        config: the shape.
        num_parameters: of the whole model, a tied head counted once.
        provenance: what the model was made from and what came out; one table row a key. Nested
            facts are left to ``groundup.json``.
    """
    kind = hub_type(config)
    rows = {
        "architecture": kind or config.architecture,
        "parameters": f"{num_parameters:,}",
        "layers × width": f"{config.num_layers} × {config.width}",
        "context": f"{config.context_length:,} tokens",
        "vocabulary": f"{config.vocab_size:,}",
        **{key: fact for key, fact in provenance.items() if not isinstance(fact, Mapping)},
    }
    lines = [
        "---",
        f"library_name: {'transformers' if kind else 'groundup'}",
        "pipeline_tag: text-generation",
        "license: unknown",
        "tags:",
        "- groundup",
        "---",
        "",
        "# A language model made with groundup",
        "",
        "| | |",
        "|---|---|",
        *(f"| {_cell(key)} | {_cell(value)} |" for key, value in rows.items()),
        "",
        "The licence depends on the text that the model learned from: set it above before you",
        "publish.",
        "",
        "## Use",
        "",
        "    groundup generate THIS_FOLDER",
        "",
    ]
    if kind:
        lines.append(_TRANSFORMERS)
    else:
        lines += [
            "It opens in groundup only. transformers cannot express:",
            "",
            *(f"- {reason}" for reason in why_not_expressible(config)),
            "",
        ]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    """Return a value as one line of a Markdown table that cannot break out of its cell."""
    if isinstance(value, float):
        value = f"{value:.4g}"
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    return html.escape(" ".join(str(value).split()), quote=False).replace("|", "\\|")
