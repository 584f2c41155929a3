import numpy as np
import pytest

from grading.similar_models import mark_similar
from pipeline.sequence_shape import COURSE_SHAPE, SequenceShape
from tests.grading.made_grades import made_row, missing_row

SEQUENCES = 8


def predictions_of(seed, spread=8.0):
    """Positions of a model, float32 (8, 10, 7, 2), that differ between sequences by about `spread` pixels."""
    random = np.random.default_rng(seed)
    pose = random.uniform(10, 50, (7, 2)) + random.normal(0, spread, (SEQUENCES, 1, 7, 2))
    return (pose + random.normal(0, 0.3, (SEQUENCES, 10, 7, 2))).astype(np.float32)


def row_of(student, predictions, **changes):
    return made_row(student, predictions=None if predictions is None else predictions.tobytes(), **changes)


def similar(*rows, shape=COURSE_SHAPE):
    return {row.grade.student: set(row.similar_predictions) for row in mark_similar(rows, shape)}


COPIES = {
    "equal": lambda values: values,
    "half precision": lambda values: values.astype(np.float16).astype(np.float32),
    "noise": lambda values: values + np.random.default_rng(9).normal(0, 0.1, values.shape).astype(np.float32),
    "a shift": lambda values: values + np.float32(0.2),
    "one frame": lambda values: np.concatenate([values[:, :9], values[:, 9:] + 1], axis=1),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_copies_of_a_model_are_marked(copy):
    original = predictions_of(0)
    assert similar(row_of("a", original), row_of("b", predictions_of(1)), row_of("c", copy(original))) == {
        "a": {"c"},
        "b": set(),
        "c": {"a"},
    }


def test_models_that_differ_by_half_a_pixel_are_not_marked():
    values = predictions_of(0)
    signs = np.random.default_rng(1).choice([-0.5, 0.5], values.shape).astype(np.float32)
    assert similar(row_of("a", values), row_of("b", values + signs)) == {"a": set(), "b": set()}


def test_models_that_always_predict_about_the_same_pose_are_not_marked():
    pose = np.broadcast_to(np.linspace(10, 50, 14).reshape(7, 2), (SEQUENCES, 10, 7, 2)).astype(np.float32)
    nearly = pose + np.random.default_rng(0).normal(0, 0.2, (SEQUENCES, 1, 1, 2)).astype(np.float32)
    # Some networks need a few frames until their output no longer changes.
    settling = pose + np.linspace(-8, 8, 10, dtype=np.float32)[:, None, None]
    for one in (pose, nearly, settling):
        assert similar(row_of("a", one), row_of("b", one)) == {"a": set(), "b": set()}


def test_all_copies_name_each_other_but_not_those_of_other_models():
    first, second = predictions_of(0), predictions_of(1)
    rows = [row_of(name, values) for name, values in zip("abcde", [first, second, first, second, first], strict=True)]
    assert [row.similar_predictions for row in mark_similar(rows, COURSE_SHAPE)] == [
        ("c", "e"),
        ("d",),
        ("a", "e"),
        ("b",),
        ("a", "c"),
    ]


def test_equal_weights_are_marked_as_such_only():
    values = predictions_of(0)
    rows = [row_of("a", values, weights_sha256="1"), row_of("b", values, weights_sha256="1")]
    rows += [row_of("c", values, weights_sha256="2"), made_row("d", None, weights_sha256="1"), made_row("e", None)]
    marked = mark_similar([*rows, missing_row("f"), made_row("g", None)], COURSE_SHAPE)
    assert [row.same_weights for row in marked] == [("b", "d"), ("a", "d"), (), ("a", "b"), (), (), ()]
    assert [row.similar_predictions for row in marked] == [("c",), ("c",), ("a", "b"), (), (), (), ()]
    assert [row.person for row in marked[:5]] == [row.person for row in rows]


def test_rows_without_comparable_predictions_are_left_alone():
    values = predictions_of(0)
    rows = [row_of("a", values), row_of("b", None), row_of("c", values[:4]), made_row("d", predictions=b"12345")]
    assert similar(*rows) == {"a": set(), "b": set(), "c": set(), "d": set()}


def test_sequences_of_other_lengths_are_compared():
    values = predictions_of(0).reshape(16, 5, 7, 2)
    rows = [row_of("a", values), row_of("b", values)]
    assert similar(*rows, shape=SequenceShape(5, 96, 96)) == {"a": {"b"}, "b": {"a"}}


def test_two_very_good_models_are_not_marked_because_both_are_near_the_truth():
    values = predictions_of(0)
    near = values + np.random.default_rng(1).normal(0, 0.15, values.shape).astype(np.float32)
    one, other = (made_row(name, 0.3, predictions=v.tobytes()) for name, v in (("a", values), ("b", near)))
    copy = made_row("c", 0.3, predictions=(values + np.float32(0.01)).tobytes())
    assert similar(one, other, copy) == {"a": {"c"}, "b": set(), "c": {"a"}}
