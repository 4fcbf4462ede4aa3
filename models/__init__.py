"""Models: tasks, networks, weights, training and accuracy. `network` and `train` need torch; nothing else does."""

from compact_proofs.models.config import ModelConfig, Training
from compact_proofs.models.evaluate import (
    Disagreement,
    Evaluation,
    TokenTables,
    count_disagreements,
    count_right,
    float_tables,
    token_tables,
)
from compact_proofs.models.tasks import n_inputs, true_answer
from compact_proofs.models.weights import Weights, load_model, model_names, save_model, zoo_names

__all__ = [
    "Disagreement",
    "Evaluation",
    "ModelConfig",
    "TokenTables",
    "Training",
    "Weights",
    "count_disagreements",
    "count_right",
    "float_tables",
    "load_model",
    "model_names",
    "n_inputs",
    "save_model",
    "token_tables",
    "true_answer",
    "zoo_names",
]
