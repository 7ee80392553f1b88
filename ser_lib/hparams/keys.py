"""What the keys of a system's YAML are, and which a kind of system needs."""

from dataclasses import fields
from pathlib import Path

from ser_lib.training.settings import TrainingSettings

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS = tuple(field.name for field in fields(TrainingSettings))
# Made with !new: or !apply:, and made with !name: so that they can be called later.
MODULES = ("front_end", "scaler", "classifier", "augmentation")
FACTORIES = ("optimizer", "lr_scheduler", "estimator", "meta")
BLOCKS = (*MODULES, *FACTORIES)
# What tells the kinds of system apart: the keys without which it is none.
KINDS = {
    "ensemble": ("members",),
    "estimator": ("estimator", "front_end"),
    "gradient": ("front_end", "classifier", "optimizer"),
}
# A short system of each kind; what has members is an ensemble and lacks nothing.
LIKE = {"estimator": "acoustic_mlp.yaml", "gradient": "mfcc_mlp.yaml"}
# Settings of training by gradient, without a meaning to what is fitted in one go.
BY_GRADIENT = (
    *("number_of_epochs", "drop_last", "patience", "gradient_accumulation_steps"),
    *("max_grad_norm", "encoder_lr", "warmup_epochs", "torch_compile"),
)
LISTS = {"members": list, "grid": dict}
TEXTS = ("system_title", "system_source")
FOLDERS = ("data_folder", "output_folder")
# Folders, or ids of the Hub, of weights that a system may start from.
STARTS = ("encoder", "pretrained")
WEIGHTS = (*STARTS, "revision", "allow_pickle")
# In the file that a run leaves, whose references have become values: its keys need not be used.
RESOLVED = "__resolved"
TOO_DEEP = "lists or blocks are nested too deeply; close the brackets that are open"
SETTING_TYPES = {field.name: field.type for field in fields(TrainingSettings)}
