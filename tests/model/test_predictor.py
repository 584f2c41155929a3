import numpy as np
import pytest

from model.export.saved_model import loaded_model
from model.predictor import Predictor
from pipeline.tensorflow_v1 import tf
from tests.model.counting_session import CountingSession
from tests.model.export.foreign_model import dense, foreign_network, positions_of, save_foreign_model


@pytest.fixture(scope="module")
def frames(people):
    """150 distinct frames, uint8."""
    different = np.unique(people.frames.reshape(-1, 64 * 64 * 3), axis=0)
    return np.random.default_rng(0).permutation(different).reshape(-1, 64, 64, 3)


@pytest.fixture
def predictor(inference_model):
    inference, session = inference_model
    return Predictor(session, inference.input_frames, inference.joint_pos, inference.shared)


@pytest.fixture
def one_by_one(inference_model):
    """A function that computes the positions of each sequence separately."""
    inference, session = inference_model
    return lambda sequences: np.concatenate(
        [session.run(inference.joint_pos, {inference.input_frames: sequence[np.newaxis]}) for sequence in sequences]
    )


def drawn_rows(number_of_frames, number, seed=0):
    return np.random.default_rng(seed).integers(0, number_of_frames, (number, 10))


@pytest.mark.parametrize("number", [1, 15, 16, 17, 33])
def test_any_number_of_sequences(number, predictor, one_by_one, frames):
    sequences = frames[drawn_rows(len(frames), number)]
    positions = predictor.predict(sequences)
    assert (positions.dtype, positions.shape) == (np.float32, (number, 10, 7, 2))
    np.testing.assert_allclose(positions, one_by_one(sequences), atol=1e-4)


@pytest.mark.parametrize("number_of_frames", [1, 2, 9, 10, 11, 150])
@pytest.mark.parametrize("number", [1, 15, 16, 17, 33])
def test_a_block_of_overlapping_sequences(number, number_of_frames, predictor, one_by_one, frames):
    rows = drawn_rows(number_of_frames, number)
    positions = predictor.predict_block(frames[:number_of_frames], rows)
    assert (positions.dtype, positions.shape) == (np.float32, (number, 10, 7, 2))
    np.testing.assert_allclose(positions, one_by_one(frames[rows]), atol=1e-4)


def test_consecutive_blocks(predictor, one_by_one, frames):
    for seed in range(3):
        rows = drawn_rows(40, 20, seed)
        block = frames[50 * seed : 50 * seed + 40]
        np.testing.assert_allclose(predictor.predict_block(block, rows), one_by_one(block[rows]), atol=1e-4)


def test_each_frame_passes_the_cnn_only_once(inference_model, frames):
    inference, session = inference_model
    counting = CountingSession(session)
    predictor = Predictor(counting, inference.input_frames, inference.joint_pos, inference.shared)
    predictor.predict_block(frames[:100], drawn_rows(100, 200))
    counting.frames = 0
    predictor.predict_block(frames[:100], drawn_rows(100, 200))
    assert counting.frames == 100


def test_sequences_without_common_frames_do_not_use_features(inference_model, frames):
    inference, session = inference_model
    fed = []

    class WatchedSession:
        def run(self, fetches, feeds):
            fed.append(set(feeds))
            return session.run(fetches, feeds)

    predictor = Predictor(WatchedSession(), inference.input_frames, inference.joint_pos, inference.shared)
    apart = np.arange(150).reshape(15, 10)
    positions = predictor.predict_block(frames, apart)
    assert all(feeds == {inference.input_frames} for feeds in fed)
    shared = Predictor(session, inference.input_frames, inference.joint_pos, inference.shared)
    np.testing.assert_allclose(shared.predict_block(frames, np.tile(apart, (2, 1)))[:15], positions, atol=1e-4)


# Models that use the names `frame_features` and `frame_rows` for something else


def in_sequences(features, values):
    """Features, (B*10, D), gathered by a tensor with the name `frame_rows`."""
    rows = tf.reshape(tf.range(10 * tf.shape(values)[0]), [-1, 10], name="frame_rows")
    return tf.gather(features, rows)


def features_of_whole_sequences(values):
    in_sequences(tf.reshape(values, [-1, 12]), values)
    return tf.identity(values, name="frame_features")


def features_that_are_not_sufficient(values):
    features = tf.identity(0.3 * tf.reshape(values, [-1, 12]), name="frame_features")
    return values + in_sequences(features, values)


def features_that_depend_on_earlier_frames(values):
    rows = tf.reshape(tf.cumsum(values, axis=1), [-1, 12])
    return in_sequences(tf.identity(rows, name="frame_features"), values)


def features_that_are_a_scalar(values):
    in_sequences(tf.reshape(values, [-1, 12]), values)
    return values + tf.identity(0 * tf.reduce_mean(values), name="frame_features")


def features_that_are_strings(values):
    in_sequences(tf.reshape(values, [-1, 12]), values)
    tf.constant("text", name="frame_features")
    return values


def features_that_positions_do_not_use(values):
    in_sequences(tf.reshape(values, [-1, 12], name="frame_features"), values)
    return values


def rows_that_positions_do_not_use(values):
    features = tf.reshape(values, [-1, 12], name="frame_features")
    in_sequences(features, values)
    return tf.reshape(features, [-1, 10, 12])


def rows_that_are_strings(values):
    tf.constant("text", name="frame_rows")
    return tf.reshape(tf.reshape(values, [-1, 12], name="frame_features"), [-1, 10, 12])


def features_without_rows(values):
    return tf.reshape(tf.reshape(values, [-1, 12], name="frame_features"), [-1, 10, 12])


@pytest.mark.parametrize(
    "name_features",
    [
        features_of_whole_sequences,
        features_that_are_not_sufficient,
        features_that_depend_on_earlier_frames,
        features_that_are_a_scalar,
        features_that_are_strings,
        features_that_positions_do_not_use,
        rows_that_positions_do_not_use,
        rows_that_are_strings,
        features_without_rows,
    ],
)
@pytest.mark.parametrize("number", [1, 17])
def test_other_tensors_with_these_names(number, name_features, frames, tmp_path):
    check_positions(tmp_path, name_features, frames, drawn_rows(30, number))


def test_features_that_depend_on_earlier_frames_in_sequences_that_follow_each_other(frames, tmp_path):
    rows = np.arange(10) + np.array([0, 10, 5, 15, 20])[:, np.newaxis]
    check_positions(tmp_path, features_that_depend_on_earlier_frames, frames, rows)


def check_positions(folder, name_features, frames, rows):
    def build():
        input_frames = tf.placeholder(tf.uint8, [None, 10, 64, 64, 3], name="input_frames")
        values = tf.reshape(tf.cast(input_frames, tf.float32) / 64, [-1, 10, 64 * 64 * 3])
        hidden = tf.tanh(dense(values[:, :, ::97], "hidden", 12))
        joint_pos = tf.identity(positions_of(name_features(hidden)), name="joint_pos")
        tf.add_to_collection("validation_nodes", input_frames)
        tf.add_to_collection("validation_nodes", joint_pos)

    with loaded_model(str(save_foreign_model(folder / "model", build))) as predictor:
        plain = np.concatenate([predictor.predict(frames[one][np.newaxis]) for one in rows])
        assert len(rows) == 1 or np.ptp(plain, axis=0).max() > 0.1
        for _ in range(2):
            np.testing.assert_allclose(predictor.predict_block(frames[:30], rows), plain, atol=1e-4)


def test_a_model_without_these_tensors(frames, tmp_path):
    with loaded_model(str(save_foreign_model(tmp_path / "model", foreign_network))) as predictor:
        rows = drawn_rows(30, 35)
        plain = np.concatenate([predictor.predict(frames[one][np.newaxis]) for one in rows])
        np.testing.assert_allclose(predictor.predict_block(frames[:30], rows), plain, atol=1e-4)
