"""The chat template: how a conversation becomes one text, in the language of model folders."""

import json
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel, ValidationError

from groundup.errors import UserError

ChatTemplate: TypeAlias = str | dict[str, str]
"""One Jinja template, or several by name, of which ``default`` is one."""

# A line, because Jinja's settings decide what becomes of line ends between tags, and programs set
# them differently. Without the tag {% generation %}, by which transformers learns what the
# assistant spoke: it is no part of Jinja, and programs that parse the template with plain Jinja
# cannot open a model that has it (llama-cpp-python among them, though not llama.cpp itself).
# `groundup.tokenizer.chat` gives that mask.
CHATML_TEMPLATE = (
    "{% for message in messages %}"
    r"{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    r"{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""ChatML in Jinja: each message between markers, then the header of the answer if asked for."""

TEMPLATE_FILE, MORE_TEMPLATES = "chat_template.jinja", "additional_chat_templates"
"""Where transformers keeps templates; those come before what stands in tokenizer_config.json."""


class _NamedTemplate(BaseModel):
    name: str
    template: str


class _TokenizerConfig(BaseModel):
    chat_template: str | dict[str, str] | list[_NamedTemplate] | None = None


def read_chat_template(folder: Path) -> ChatTemplate | None:
    """Return the chat template of a model folder, found as transformers finds it; None without one.

    Raises:
        UserError: a file is damaged; the message names it.
        OSError: a file cannot be read.
    """
    files = {"default": folder / TEMPLATE_FILE} if (folder / TEMPLATE_FILE).is_file() else {}
    files |= {path.stem: path for path in sorted((folder / MORE_TEMPLATES).glob("*.jinja"))}
    if files:
        templates = {name: _read_text(path) for name, path in files.items()}
        return templates["default"] if templates.keys() == {"default"} else templates
    config = folder / "tokenizer_config.json"
    return _read_from_config(config) if config.is_file() else None


def template_in_json(template: ChatTemplate) -> str | list[dict[str, str]]:
    """Return ``template`` as tokenizer_config.json holds it."""
    if isinstance(template, str):
        return template
    return [{"name": name, "template": text} for name, text in template.items()]


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode()  # line ends as they are
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text") from None


def _read_from_config(path: Path) -> ChatTemplate | None:
    try:
        template = _TokenizerConfig.model_validate(json.loads(path.read_bytes())).chat_template
    except ValidationError:
        raise UserError(
            f"{path}: not a tokenizer_config.json: chat_template must be text or a list of texts"
        ) from None
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or nested too deep
        raise UserError(f"{path}: not JSON: {error}") from None
    if isinstance(template, list):
        return {entry.name: entry.template for entry in template}
    return template
