"""The available networks: for each CNN in model/cnn/, the constants of its training and the defaults of its settings.

Options and help texts are made from this table, so it does not import TensorFlow.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkKind:
    """Constants of a network, and the defaults of those settings in run.settings.Settings that depend on it."""

    forget_bias: float  # of the LSTM
    adam_beta2: float  # Adam's decay rate of the second moments
    average_decay: float  # of the moving average of the weights
    batch_size: int
    learning_rate: float
    num_units: int
    evaluations: int


# A key is the name of the CNN's module in model/cnn/.
NETWORKS = {
    "strided": NetworkKind(
        # A frame that was trained on is sufficient to locate its joints, so cells initially forget the previous frames.
        forget_bias=-1.0,
        adam_beta2=0.95,
        average_decay=0.99,
        batch_size=16,
        learning_rate=5e-3,
        num_units=64,
        evaluations=30,
    ),
    "pyramid": NetworkKind(
        forget_bias=1.0,
        adam_beta2=0.99,
        average_decay=0.995,
        batch_size=24,
        learning_rate=6e-3,
        num_units=128,
        evaluations=12,
    ),
}
FOR_AUGMENTED, FOR_UNCHANGED = "pyramid", "strided"
