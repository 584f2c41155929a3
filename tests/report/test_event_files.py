import os

import pytest

from pipeline.tensorflow_v1 import tf
from report.event_files import EventFile, begun_event_file
from support.user_error import UserError


@pytest.mark.promise("A full disk ends a command with one error line, and files that were complete stay complete")
@pytest.mark.parametrize("bytes_left", [0, 1000, 20_000])
def test_a_full_disk_is_not_reported_as_out_of_memory(bytes_left, limited_file_size, tmp_path):
    path = str(tmp_path / "events")
    with limited_file_size(bytes_left), pytest.raises(UserError) as error, EventFile(path) as file:
        for step in range(10):
            file.add(summary=tf.Summary(value=[tf.Summary.Value(tag="x" * 5000, simple_value=1.0)]), step=step)
    assert str(error.value) == f"{tmp_path}: File too large; free some disk space, then continue with --resume"


@pytest.mark.promise("A full disk ends a command with one error line, and files that were complete stay complete")
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_no_space_left_is_not_reported_as_out_of_memory(tmp_path):
    (tmp_path / "full").symlink_to("/dev/full")
    message = "No space left on device; free some disk space"
    with pytest.raises(UserError, match=message), EventFile(str(tmp_path / "full")):
        pass


@pytest.mark.promise("Setting the system clock forward or back affects neither runs nor conversions")
def test_files_stay_in_order_if_the_clock_goes_back(tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1000 - 100 * len(os.listdir(tmp_path)))
    graph = tf.Graph()
    for first_step in (0, 10, 20):
        begun_event_file(str(tmp_path), graph, first_step).__exit__(None, None, None)
    steps = []
    for path in sorted(tmp_path.iterdir()):
        events = list(tf.train.summary_iterator(str(path)))
        assert events[0].file_version == "brain.Event:2" and events[1].HasField("graph_def")
        assert events[2].session_log.status == tf.SessionLog.START
        steps.append(events[2].step)
    assert steps == [0, 10, 20]
