import numpy as np
import pytest

from pipeline.sequence_shape import COURSE_SHAPE
from pipeline.store.frame_sharing import count_sharing_frames
from pipeline.store.joined_store import JoinedStore, open_stores
from pipeline.store.reader import SequenceStore
from support.user_error import UserError
from tests.conftest import digests_of


@pytest.fixture
def other_path(made_data, write_data_set, tmp_path):
    """A file of version 1 with 40 sequences in 4 videos, all of whose frames are in the made data too."""
    numbers = np.random.default_rng(5).integers(0, 30, (40, 10), dtype=np.int32)
    videos = np.arange(40, dtype=np.int32) // 10
    return write_data_set(tmp_path / "other.h5", made_data.frames[:30], numbers, made_data.labels[100:140], videos)


@pytest.fixture
def joined(people, made_data, other_path):
    with open_stores([made_data.path, other_path, people.path]) as store:
        yield store


def test_all_that_it_reads_is_that_of_its_parts_one_after_another(joined, people, made_data, other_path):
    with SequenceStore(other_path) as other, SequenceStore(people.path) as third:
        parts = (other, third)
        indices = [np.arange(len(part)) for part in parts]
        labels = [made_data.labels, *(part.read_labels(one) for part, one in zip(parts, indices, strict=True))]
        frames = [made_data.frames, *(part.read_frames(np.arange(part.number_of_frames)) for part in parts)]
        videos = np.concatenate([made_data.videos, other.videos + 12, third.videos + 16])
        numbers = [other.read_frame_numbers(indices[0]) + 100, third.read_frame_numbers(indices[1]) + 130]
        sequences = np.concatenate([made_data.sequences, *numbers])
    labels, frames = np.concatenate(labels), np.concatenate(frames)
    random = np.random.default_rng(0)
    assert len(joined) == 600 + 40 + 132 and joined.number_of_frames == 100 + 30 + 150
    assert joined.shape == COURSE_SHAPE and not joined.has_label_sums
    np.testing.assert_array_equal(joined.videos, videos)
    np.testing.assert_array_equal(joined.first_frames, sequences[:, 0])
    for chosen in (np.arange(772), random.integers(0, 772, 50), np.array([700, 3, 610]), np.array([639]), []):
        chosen = np.asarray(chosen, int)
        np.testing.assert_array_equal(joined.read_frame_numbers(chosen), sequences[chosen])
        np.testing.assert_array_equal(joined.read_labels(chosen), labels[chosen])
        read_frames, read_labels = joined.read_sequences(chosen)
        np.testing.assert_array_equal(read_frames, frames[sequences[chosen]])
        np.testing.assert_array_equal(read_labels, labels[chosen])
    numbers = random.integers(0, 280, 60)
    np.testing.assert_array_equal(joined.read_frames(numbers.reshape(6, 10)), frames[numbers].reshape(6, 10, 64, 64, 3))
    np.testing.assert_array_equal(joined.read_digests(numbers), digests_of(frames[numbers]))


def test_sums_of_labels_are_those_of_its_parts(people, made_data):
    with open_stores([people.path, made_data.path]) as store, SequenceStore(people.path) as alone:
        assert store.has_label_sums
        expected = np.concatenate([alone.read_label_sums([5]), made_data.label_sums[[11]], alone.read_label_sums([0])])
        np.testing.assert_array_equal(store.read_label_sums([5, 17, 0]), expected)


def test_it_names_all_files(joined, people, made_data):
    assert joined.name == "made.h5, other.h5, people.h5"
    assert str(made_data.path) in joined.path and str(people.path) in joined.path
    assert joined.source_sha256.split(", ")[:2] == ["ab" * 32] * 2 and len(joined.source_sha256.split(", ")) == 3
    assert joined.source_name.endswith("people.pkl")


def test_frames_that_two_files_share_are_found(joined, made_data):
    """The 40 sequences of the second file consist of the first one's frames, and the third shares nothing."""
    training, second, third = np.split(np.arange(772), [600, 640])
    assert count_sharing_frames(joined, training, joined, second) == 40
    assert count_sharing_frames(joined, training, joined, third) == 0
    assert count_sharing_frames(joined, third, joined, np.arange(772)) == 132


def test_closing_it_closes_its_parts(joined):
    joined.close()
    for number in (0, 139, 200):
        with pytest.raises(UserError, match="frames cannot be read"):
            joined.read_frames([number])


def test_a_damaged_part_is_named(people, made_data, tmp_path):
    contents = bytearray(made_data.path.read_bytes())
    contents[contents.index(made_data.frames[55].tobytes()) + 9] ^= 1
    (tmp_path / "damaged.h5").write_bytes(contents)
    with open_stores([people.path, tmp_path / "damaged.h5"]) as store:
        store.read_frames([0, 150])
        with pytest.raises(UserError, match=r"damaged\.h5: damaged") as refused:
            store.read_frames([0, 150 + 55])
    assert str(people.path) not in str(refused.value)


def test_files_of_different_shapes_are_refused(people, made_data, write_data_set, tmp_path):
    arrays = made_data.frames[:, :24, :40], made_data.sequences, made_data.labels, made_data.videos
    other = write_data_set(tmp_path / "small.h5", *arrays)
    with pytest.raises(
        UserError, match=r"small\.h5 has 10 frames of 40×24 px, but .*people\.h5 has 10 frames of 64×64"
    ):
        open_stores([people.path, other])


def test_one_path_gives_the_store_itself(people):
    for paths in (people.path, [people.path]):
        with open_stores(paths) as store:
            assert not isinstance(store, JoinedStore) and store.parts == (store,)
