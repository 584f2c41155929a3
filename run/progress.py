"""The progress of training: one line on how long the whole command takes, and a bar where there is a terminal."""

import contextlib
from collections.abc import Callable, Iterator

from tqdm import tqdm

from run.duration import RunDuration, in_words, training_seconds_left
from run.schedule import evaluations_left
from run.settings import Settings


@contextlib.contextmanager
def shown_progress(
    settings: Settings, duration: RunDuration, first_seconds: float, done: float
) -> Iterator[Callable[[int, float, float, float], None]]:
    """Prints once how long the whole command will take, and shows a bar where standard error is a terminal.

    first_seconds: of training before this command. done: the share of the training that is done. Yields a function to
    call after each step with the step's number, the seconds of training, the share done, and the loss in px².
    """
    bar_format = "training {percentage:3.0f} %|{bar}|{postfix}"
    with tqdm(total=1.0, initial=done, bar_format=bar_format, leave=False, disable=None) as bar:
        is_printed = False

        def show(step: int, seconds: float, done: float, loss: float) -> None:
            nonlocal is_printed
            training = training_seconds_left(seconds, step, done, settings.time_limit)
            # Workers of a cluster hear of a step's seconds with the next step.
            if training is None or seconds <= 0 or (is_printed and bar.disable):
                return
            evaluations = evaluations_left(done, settings.evaluations) * duration.evaluation
            left = training + evaluations + duration.end
            if not is_printed:
                is_printed, taken = True, seconds - first_seconds
                parts = f"{in_words(taken + training)} of training, {in_words(evaluations)} of evaluations"
                tqdm.write(f"takes about    {in_words(duration.start + taken + left)}: {parts}, the rest start and end")
            speed = step * settings.batch_size / seconds
            bar.set_postfix_str(f"{in_words(left)} left, loss {loss:.2f} px², {speed:.0f} sequences/s", refresh=False)
            bar.update(done - bar.n)

        yield show
