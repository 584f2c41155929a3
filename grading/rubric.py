"""A course's rubric: the points for an error, and deductions for breaches and late work, from a TOML file."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import Annotated

import msgspec

from grading.course import Points
from grading.stored_grade import NOT_GRADED, Grade
from support.user_error import UserError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MOST_BYTES = 1_000_000
TABLES = (
    "[error] has steps (a list of px and points) or line (best_px, worst_px, points), "
    "[breach] has points and at_most, [late] has points or factor"
)

NotNegative = Annotated[float, msgspec.Meta(ge=0)]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The points for errors of at most `px` pixels."""

    px: NotNegative
    points: NotNegative


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`points` up to an error of best_px, none from worst_px on, and a straight line between them."""

    best_px: NotNegative
    worst_px: NotNegative
    points: NotNegative

    def __post_init__(self) -> None:
        if self.best_px >= self.worst_px:
            raise ValueError("best_px must be less than worst_px")


class ErrorRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The points for an error, by steps or a line."""

    steps: list[Step] | None = None
    line: Line | None = None

    def __post_init__(self) -> None:
        if bool(self.steps) == (self.line is not None):
            raise ValueError("give either steps or a line")
        steps = sorted(self.steps or [], key=lambda step: step.px)
        if any(one.px == other.px or one.points < other.points for one, other in zip(steps, steps[1:], strict=False)):
            raise ValueError("each step needs another px, and a larger px must not give more points")

    def points(self, error: float) -> float:
        """Returns the points for an error in pixels."""
        if self.line is not None:
            share = (self.line.worst_px - error) / (self.line.worst_px - self.line.best_px)
            return self.line.points * min(max(share, 0.0), 1.0)
        return max((step.points for step in self.steps or [] if error <= step.px), default=0.0)


class BreachRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The deduction per breach, and the largest for all breaches together."""

    points: NotNegative
    at_most: NotNegative | None = None


class LateRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The deduction for late work, or the factor that multiplies what is left after the other deductions."""

    points: NotNegative | None = None
    factor: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None

    def __post_init__(self) -> None:
        if (self.points is None) == (self.factor is None):
            raise ValueError("give either points or a factor")


class Rubric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rubric. Without a rule for breaches or late work, they cost nothing."""

    error: ErrorRule
    breach: BreachRule | None = None
    late: LateRule | None = None


def read_rubric(path: str) -> Rubric:
    """Reads a rubric from a TOML file such as this one, where [breach] and [late] are optional::

        [error]                          # points by mean pixel error
        steps = [
            { px = 5, points = 80 },     # at most 5 px
            { px = 8, points = 60 },     # at most 8 px; larger errors give no points
        ]

        [breach]
        points = 5                       # deducted for each breach
        at_most = 20                     # optional

        [late]
        points = 10                      # deducted if the platform marks the submission as late; or: factor = 0.8

    Instead of steps, [error] may have a line, such as ``line = { best_px = 4, worst_px = 14, points = 80 }``.

    Raises UserError if the file is not such a rubric, OSError if it cannot be read.
    """
    with open(path, "rb") as file:
        contents = file.read(MOST_BYTES + 1)
    if len(contents) > MOST_BYTES:
        raise UserError(f"{path} is larger than {MOST_BYTES / 1e6:g} MB; give a rubric in TOML")
    try:
        values = tomllib.loads(contents.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid TOML: {error}; correct it") from None
    try:
        if not all(map(math.isfinite, _numbers(values))):
            raise msgspec.ValidationError("numbers must be finite")
        return msgspec.convert(values, Rubric)
    except msgspec.ValidationError as error:
        raise UserError(f"{path} is not a rubric: {error}; {TABLES}") from None


def points_of(rubric: Rubric, grade: Grade | None, is_late: bool) -> Points | None:
    """Returns the points of one student, rounded to two decimals and never negative; None if not graded.

    A model that could not be scored, and nothing handed in (None), give 0 points. The error is rounded to two decimals
    first, as it is shown, so that an error shown as 5.00 px is at most 5 px.
    """
    if grade is None:
        return Points(0.0, ("nothing handed in",))
    if grade.verdict == NOT_GRADED:
        return None
    if grade.scores is None:
        return Points(0.0, (": ".join(["not scored", *grade.breaches[:1]]),))
    error = round(grade.scores.pixel_error, 2)
    total = rubric.error.points(error)
    reasons = [f"{_shown(total)} for {error:.2f} px"]
    if rubric.breach and grade.breaches:
        most = math.inf if rubric.breach.at_most is None else rubric.breach.at_most
        wanted = rubric.breach.points * len(grade.breaches)
        capped = f", at most {_shown(most)}" if wanted > most else ""
        breaches = "1 breach" if len(grade.breaches) == 1 else f"{len(grade.breaches)} breaches"
        reasons.append(f"-{_shown(min(wanted, most))} for {breaches}{capped}")
        total -= min(wanted, most)
    if rubric.late and is_late:
        if rubric.late.points is not None:
            reasons.append(f"-{_shown(rubric.late.points)} for late work")
            total -= rubric.late.points
        elif rubric.late.factor is not None:
            reasons.append(f"times {_shown(rubric.late.factor)} for late work")
            total *= rubric.late.factor
    if total < 0:
        reasons.append("0 instead of a negative total")
    return Points(round(max(total, 0.0), 2), tuple(reasons))


def _numbers(value: object) -> Iterator[float]:
    """Yields all floats in tables and lists."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _numbers(part)


def _shown(number: float) -> str:
    """80.0 → "80", 72.5 → "72.5"."""
    return f"{round(number, 2):g}"
