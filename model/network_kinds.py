"""The networks to choose from: of each CNN in model/cnn/, what suits it in the network and in training.

Options and help are made of this table, so it imports no TensorFlow.
"""

from typing import NamedTuple


class TrainingDefaults(NamedTuple):
    """The settings of a run that is not told otherwise: see run.settings.Settings."""

    batch_size: int
    learning_rate: float
    num_units: int
    members: int
    evaluations: int


class NetworkKind(NamedTuple):
    """forget_bias: of the LSTM. adam_beta2: Adam's second decay. average_decay: of the weights' moving average."""

    forget_bias: float
    adam_beta2: float
    average_decay: float
    defaults: TrainingDefaults


# A key is the name of the CNN's module in model/cnn/.
NETWORKS = {
    "strided": NetworkKind(
        # A frame that was trained on shows where its joints are: cells start out forgetting the frames before it.
        forget_bias=-1.0,
        adam_beta2=0.95,
        average_decay=0.99,
        defaults=TrainingDefaults(batch_size=16, learning_rate=5e-3, num_units=64, members=1, evaluations=30),
    ),
    "pyramid": NetworkKind(
        forget_bias=1.0,
        adam_beta2=0.99,
        average_decay=0.995,
        defaults=TrainingDefaults(batch_size=8, learning_rate=4e-3, num_units=128, members=2, evaluations=12),
    ),
}
FOR_AUGMENTED, FOR_UNCHANGED = "pyramid", "strided"
