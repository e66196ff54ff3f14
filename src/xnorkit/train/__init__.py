"""Recipes, training in stages, distillation, checkpoints and evaluation."""

from xnorkit.data.accuracy import Evaluation, evaluate_model
from xnorkit.train.binarizers import BinaryChef
from xnorkit.train.checkpoint import Checkpoint, load_checkpoint, read_checkpoint
from xnorkit.train.distill import Distillation, attention_loss, soft_label_loss
from xnorkit.train.fit import BestEpoch, FitResult, fit
from xnorkit.train.load_recipe import list_recipes, load_recipe
from xnorkit.train.machine import Hardware, Machine, load_machine
from xnorkit.train.recipe import Recipe, StageSpec
from xnorkit.train.seeds import SeedsResult, fit_seeds
from xnorkit.train.sources import find_checkpoint
from xnorkit.train.specs import (
    BinarizerSpec,
    DataSpec,
    GroupSpec,
    InitialiseSpec,
    ModelSpec,
    OptimizerSpec,
    ScheduleSpec,
    SwaSpec,
    TeacherSpec,
)

__all__ = [
    "BestEpoch",
    "BinarizerSpec",
    "BinaryChef",
    "Checkpoint",
    "DataSpec",
    "Distillation",
    "Evaluation",
    "FitResult",
    "GroupSpec",
    "Hardware",
    "InitialiseSpec",
    "Machine",
    "ModelSpec",
    "OptimizerSpec",
    "Recipe",
    "ScheduleSpec",
    "SeedsResult",
    "StageSpec",
    "SwaSpec",
    "TeacherSpec",
    "attention_loss",
    "evaluate_model",
    "find_checkpoint",
    "fit",
    "fit_seeds",
    "list_recipes",
    "load_checkpoint",
    "load_machine",
    "load_recipe",
    "read_checkpoint",
    "soft_label_loss",
]
