"""Recipes, training, checkpoints and evaluation."""

from xnorkit.train.checkpoint import load_checkpoint
from xnorkit.train.evaluate import Evaluation, evaluate_model
from xnorkit.train.fit import FitResult, fit
from xnorkit.train.load_recipe import list_recipes, load_recipe
from xnorkit.train.recipe import DataSpec, ModelSpec, OptimizerSpec, Recipe, ScheduleSpec

__all__ = [
    "DataSpec",
    "Evaluation",
    "FitResult",
    "ModelSpec",
    "OptimizerSpec",
    "Recipe",
    "ScheduleSpec",
    "evaluate_model",
    "fit",
    "list_recipes",
    "load_checkpoint",
    "load_recipe",
]
