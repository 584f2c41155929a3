"""Views, held by a marked pixel: where a view shows it, and where the view's positions say that it was."""

import numpy as np
import pytest

from model.views import make_views
from pipeline.tensorflow_v1 import tf


@pytest.fixture(scope="module")
def views():
    return make_views(mirrored=True, enlarged=True)


@pytest.mark.parametrize(("mirrored", "enlarged", "number"), [(0, 0, 1), (1, 0, 2), (0, 1, 2), (1, 1, 4)])
def test_there_are_as_many_as_asked_for(mirrored, enlarged, number):
    assert len(make_views(mirrored, enlarged)) == number


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize(("column", "row"), [(10, 20), (50, 30), (31, 55)])
def test_a_marked_pixel_is_where_the_positions_say(number, column, row, views):
    frames = np.zeros((1, 64, 64, 3), np.float32)
    frames[0, row, column] = 1
    seen_at = np.zeros((1, 1, 7, 2), np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        seen = session.run(views[number].frames(tf.constant(frames)))[0, :, :, 0]
        y, x = np.divmod(np.arange(64 * 64).reshape(64, 64), 64) + np.full((2, 1, 1), 0.5)
        seen_at[:] = (x * seen).sum() / seen.sum(), (y * seen).sum() / seen.sum()
        positions = session.run(views[number].positions(tf.constant(seen_at)))
    np.testing.assert_allclose(positions[0, 0], [[column + 0.5, row + 0.5]] * 7, atol=0.1)


def test_the_four_views_differ(views):
    frames = np.random.default_rng(0).normal(size=(1, 64, 64, 3)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        seen = session.run([view.frames(tf.constant(frames)) for view in views])
    assert all(np.abs(seen[a] - seen[b]).max() > 0.5 for a in range(4) for b in range(a))


def test_a_mirrored_view_exchanges_right_and_left(views):
    positions = np.arange(14, dtype=np.float32).reshape(1, 1, 7, 2)
    with tf.Graph().as_default(), tf.Session() as session:
        mirrored = session.run(views[2].positions(tf.constant(positions)))
    np.testing.assert_allclose(mirrored[0, 0, :, 0], 64 - positions[0, 0, [0, 2, 1, 4, 3, 6, 5], 0])
