"""Who updates which parameters, how fast, and by what rule."""

from groundup.train.optimizers.combined import Optimizers
from groundup.train.optimizers.groups import ParameterGroup, group_parameters

__all__ = ["Optimizers", "ParameterGroup", "group_parameters"]
