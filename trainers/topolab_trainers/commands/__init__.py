"""The commands of the trainers; they import nothing heavy before they run."""

from __future__ import annotations

from topolab.commands import Command
from topolab_trainers.commands import data, demo, listings, train

__all__ = ["DATA", "DEMO", "INITS", "METHODS", "RECIPES", "TRAIN"]

DEMO = Command("demo", demo.demo, "topolab_trainers.demo:demo", order=10)
# What a method or an initialisation declares besides is read in `train` itself, and shown by it.
TRAIN = Command(
    "train", train.train_callback(), "topolab_trainers.training:train", order=20,
    context={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)  # fmt: skip
METHODS = Command("methods", listings.methods, "topolab_trainers.listings:methods", order=140)
INITS = Command("inits", listings.inits, "topolab_trainers.listings:inits", order=150)
RECIPES = Command("recipes", listings.recipes, "topolab_trainers.listings:recipes", order=160)
DATA = Command("data", data.datasets, "topolab_trainers.listings:data", order=180)
