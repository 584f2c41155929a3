"""Where things lie in the folder of a run."""

import os
from typing import NamedTuple


class RunPaths(NamedTuple):
    """The files and folders of the run in the folder `out`."""

    out: str

    @property
    def config(self) -> str:
        """The settings."""
        return os.path.join(self.out, "config.json")

    @property
    def history(self) -> str:
        """A row for each evaluation."""
        return os.path.join(self.out, "history.csv")

    @property
    def checkpoints(self) -> str:
        """The folder of the best models, and of the last states."""
        return os.path.join(self.out, "checkpoints")

    @property
    def last_states(self) -> str:
        """The folder of the states to resume from."""
        return os.path.join(self.checkpoints, "last")

    @property
    def model(self) -> str:
        """The folder of the exported model."""
        return os.path.join(self.out, "model")

    @property
    def plots(self) -> str:
        """The folder of the plots."""
        return os.path.join(self.out, "plots")

    @property
    def loss_plot(self) -> str:
        """The loss curves."""
        return os.path.join(self.plots, "loss.png")

    @property
    def report(self) -> str:
        """The report."""
        return os.path.join(self.out, "report.html")

    @property
    def event_files(self) -> str:
        """The folder of TensorBoard's event files."""
        return os.path.join(self.out, "tensorboard")

    @property
    def demo_pickle(self) -> str:
        """The drawn people, as the course's pickle."""
        return os.path.join(self.out, "demo.pkl")

    @property
    def demo_data(self) -> str:
        """The same, converted."""
        return os.path.join(self.out, "demo.h5")
