"""What a batch should teach a model."""

from groundup.objectives.pretrain import NextToken

__all__ = ["NextToken"]
