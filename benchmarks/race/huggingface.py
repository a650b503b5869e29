"""transformers' ``Trainer`` with a small model from scratch.

Its optimizer is its default, the fused AdamW, and the order of reading that of its course; its
learning rate follows the clock (a LambdaLR, as Trainer takes one), so that the run is annealed when
its time is over.
"""

import math
import os
from typing import Any

import torch
from torch import Tensor, nn

from race.job import Job
from race.reading import Sequences


class Labelled(torch.utils.data.Dataset[dict[str, Tensor]]):
    """Sequences as Trainer wants them, with the labels shifted here.

    Where the models shift them, of T tokens they learn to predict T - 1, none of them with a whole
    context before it, as the score asks of them; and one token more makes rows of an odd length.
    """

    def __init__(self, sequences: Sequences) -> None:
        self.sequences = sequences

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, place: int) -> dict[str, Tensor]:
        ids = self.sequences[place]
        return {"input_ids": ids[:-1], "labels": ids[1:], "shift_labels": ids[1:]}


def make_model(settings: dict[str, Any], vocab: int) -> nn.Module:
    """Return GPT-2 or a Llama of the settings' shape."""
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    layers, width, heads = (settings[key] for key in ("layers", "width", "heads"))
    special = {"bos_token_id": 0, "eos_token_id": 0, "use_cache": False}
    if settings["family"] == "gpt2":
        dropout = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), settings["dropout"])
        config = GPT2Config(
            vocab_size=vocab,
            n_positions=settings["context"],
            n_embd=width,
            n_layer=layers,
            n_head=heads,
            **dropout,
            **special,
        )
        return GPT2LMHeadModel(config)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocab,
            hidden_size=width,
            intermediate_size=settings["feed_forward"],
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            max_position_embeddings=settings["context"],
            attention_dropout=settings["dropout"],
            tie_word_embeddings=True,
            **special,
        )
    )


def run(job: Job) -> None:
    """Train until the time is over."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import Trainer, TrainerCallback, TrainingArguments

    settings, tokens = job.settings, job.tokens()
    V, T = len(tokens.table), settings["context"]
    make_model(settings, V)  # imports what it needs, before the clock starts
    torch.manual_seed(job.seed)
    data = Labelled(Sequences(tokens.train, T, job.seed))
    job.start()
    model = make_model(settings, V)

    def logits(ids_BT: Tensor) -> Tensor:
        training = model.training
        model.eval()
        with torch.autocast("cpu", torch.bfloat16, enabled=settings["bfloat16"]):
            found = model(input_ids=ids_BT).logits
        model.train(training)
        return found

    class InOrder(Trainer):  # type: ignore[misc]
        def _get_train_sampler(self, *_: Any) -> Any:
            return torch.utils.data.SequentialSampler(data)

    class ByTheClock(TrainerCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            if not settings["compile"]:
                job.ready()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:  # noqa: ARG002
            job.ready()
            with torch.no_grad():
                job.probe(state.global_step, logits, tokens, T)
            control.should_training_stop = job.over
            return control

    def multiplier(_: int) -> float:
        progress, warmup = job.progress, settings["warmup"]
        if progress < warmup:
            return (progress + 1e-3) / (warmup + 1e-3)
        share = (progress - warmup) / (1 - warmup)
        return (
            1 - share if settings["schedule"] == "linear" else (1 + math.cos(math.pi * share)) / 2
        )

    arguments = TrainingArguments(
        output_dir=str(job.folder / "trainer"),
        max_steps=10**6,
        per_device_train_batch_size=settings["batch"],
        gradient_accumulation_steps=settings["accumulate"],
        learning_rate=settings["learning_rate"],
        weight_decay=settings["weight_decay"],
        adam_beta2=settings["beta2"],
        bf16=settings["bfloat16"],
        torch_compile=settings["compile"],
        use_cpu=True,
        remove_unused_columns=False,  # such as shift_labels, which no signature names
        seed=job.seed,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    trainer = InOrder(model=model, args=arguments, train_dataset=data, callbacks=[ByTheClock()])
    trainer.create_optimizer()
    trainer.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(trainer.optimizer, multiplier)
    trainer.train()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    steps = trainer.state.global_step
    job.finish(
        logits, tokens.validation, tokens.table, context=T, step=steps, parameters=parameters
    )
