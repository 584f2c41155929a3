import hashlib
import os
import pickle
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import convert_pkl_to_h5
from pipeline.sources import pickle_conversion
from pipeline.store.writer import StoreWriter
from tests.commands.in_process import run_refused_command
from tests.pipeline.sources.pickles import made_arrays, pickled

ROOT = Path(convert_pkl_to_h5.__file__).parent
PYTHON_2_DATA = ROOT / "tests" / "pipeline" / "sources" / "data"


@pytest.fixture
def convert(monkeypatch):
    """Runs the command with the given arguments."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["convert_pkl_to_h5.py", *map(str, arguments)])
        convert_pkl_to_h5.main()

    return run


@pytest.fixture
def source(tmp_path):
    """A valid pickle of two sequences, alone in its folder."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "data.pkl").write_bytes(pickled(made_arrays(2)))
    return folder / "data.pkl"


@pytest.fixture
def refused(monkeypatch, capfd):
    """Runs the command, which must refuse with one error line and leave the folders as they were; returns the line."""

    def run(*arguments, folder):
        output = run_refused_command(convert_pkl_to_h5, arguments, monkeypatch, capfd, folder)
        assert output.out == ""
        assert output.err.startswith("error: ") and output.err.count("\n") == 1 and output.err.endswith("\n")
        return output.err

    return run


def check_holds(path, frames, labels):
    with h5py.File(path) as file:
        stored = file["frames"][:][file["sequences"][:]]
        assert stored.dtype == np.uint8 and stored.tobytes() == frames.tobytes()
        assert file["labels"].dtype == np.float32
        assert file["labels"][:].tobytes() == labels.astype(np.float32).tobytes()


# What it converts


@pytest.mark.parametrize("name", ["python2_pickle", "python2_cpickle"])
def test_converts_what_python_2_wrote(name, convert, tmp_path):
    with zipfile.ZipFile(PYTHON_2_DATA / f"{name}.zip") as archive:
        path = Path(archive.extract("youtube_train_data.pkl", tmp_path))
    convert(PYTHON_2_DATA / f"{name}.zip", tmp_path / "zipped.h5")
    convert(path)
    for converted in ("zipped.h5", "youtube_train_data.h5"):
        check_holds(tmp_path / converted, *pickle.loads(path.read_bytes(), encoding="latin1"))


def test_prints_a_summary(source, convert, capfd):
    convert(source)
    output = capfd.readouterr()
    lines = output.out.splitlines()
    labels = made_arrays(2)[1]
    assert lines[0].split() == ["sequences", "2"]
    assert lines[1].split() == ["distinct", "frames", "11", "of", "20"]
    assert lines[2].split() == ["videos", "1"]
    assert lines[3] == f"labels           {labels.min():.2f} to {labels.max():.2f} px"
    before, after = source.stat().st_size, source.with_suffix(".h5").stat().st_size
    assert lines[4].split(maxsplit=1)[1] == (
        f"{before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after (ratio {before / after:.1f})"
    )
    data, page = (source.with_suffix(suffix) for suffix in (".h5", ".html"))
    assert lines[5].split(maxsplit=3)[3] == f"python inspect_h5.py {data} --out {page}"
    assert lines[6:] == [f"wrote {data}"]
    assert output.err == ""


def test_prints_how_int8_and_float64_are_stored(tmp_path, convert, capfd):
    frames, labels = made_arrays(1, np.int8, np.float64)
    (tmp_path / "data.pkl").write_bytes(pickled((frames, labels)))
    convert(tmp_path / "data.pkl")
    rounding = np.abs(labels - labels.astype(np.float32)).max()
    output = capfd.readouterr().out
    assert "The frames are int8. Their bytes are stored unchanged, as uint8." in output
    assert f"Rounding to float32 changes them by at most {rounding:.2g} px." in output


def test_warns_of_labels_far_outside_the_frame(tmp_path, convert, capfd):
    frames, labels = made_arrays(1)
    labels[0, 0, 0] = [-65, 129]
    (tmp_path / "data.pkl").write_bytes(pickled((frames, labels)))
    convert(tmp_path / "data.pkl")
    assert capfd.readouterr().err == "warning: 2 label coordinates lie more than 64 px outside the frame\n"


def test_describes_the_source_in_attributes(source, convert):
    convert(source)
    with h5py.File(source.with_suffix(".h5")) as file:
        assert file.attrs["source_name"] == b"data.pkl"
        assert file.attrs["source_size"] == source.stat().st_size
        assert file.attrs["source_sha256"].decode() == hashlib.sha256(source.read_bytes()).hexdigest()


def test_replaces_a_file_only_with_overwrite(source, convert, refused):
    destination = source.with_suffix(".h5")
    destination.write_text("their file")
    message = refused(source, folder=source.parent)
    assert "data.h5 exists" in message and "--overwrite" in message
    convert(source, "--overwrite")
    check_holds(destination, *made_arrays(2))
    assert sorted(path.name for path in source.parent.iterdir()) == ["data.h5", "data.pkl"]


def test_runs_as_a_program_without_tensorflow(source):
    code = "import sys, convert_pkl_to_h5; convert_pkl_to_h5.main(); assert 'tensorflow' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code, source], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "wrote" in done.stdout


def test_help_fits_a_screen_and_has_an_example(convert, capfd):
    with pytest.raises(SystemExit) as stopped:
        convert("--help")
    lines = capfd.readouterr().out.splitlines()
    assert stopped.value.code == 0
    assert len(lines) <= 24 and max(map(len, lines)) <= 80
    assert "example: python convert_pkl_to_h5.py youtube_train_data.pkl" in lines


# What it refuses


class Touches:
    """Pickles as a call that creates a file."""

    def __init__(self, function, argument):
        self.reduced = function, (argument,)

    def __reduce__(self):
        return self.reduced


@pytest.mark.promise("Reading a pickle never executes code")
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("function", [os.system, eval])
def test_does_not_call_a_function_that_the_pickle_names(function, protocol, source, refused, tmp_path):
    mark = tmp_path / "called"
    call = f'echo > "{mark}"' if function is os.system else f"open({str(mark)!r}, 'w')"
    source.write_bytes(pickled(Touches(function, call), protocol))
    assert "refused" in refused(source, folder=tmp_path)
    assert not mark.exists()
    pickle.loads(source.read_bytes())
    assert mark.exists()


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
@pytest.mark.parametrize("cut", [0, 1, 2, 40, 150, 5000, -800, -1])
def test_refuses_a_pickle_that_is_cut_short(cut, source, refused):
    source.write_bytes(source.read_bytes()[:cut])
    message = refused(source, folder=source.parent)
    assert f"{source}: the " in message and "again" in message


def test_refuses_labels_that_are_not_finite(source, refused):
    frames, labels = made_arrays(3)
    labels[2, 9, 6, 1] = np.nan
    source.write_bytes(pickled((frames, labels)))
    message = refused(source, folder=source.parent)
    assert "1 of the labels are not finite numbers, the first at sequence 2, frame 9, left shoulder, y" in message


@pytest.mark.promise("Truncated or damaged input is reported in an error line, never as a traceback")
def test_refuses_damage_that_appears_only_while_frames_are_copied(source, refused):
    zipped = source.with_suffix(".zip")
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.write(source, "data.pkl")
    contents = bytearray(zipped.read_bytes())
    contents[1000] ^= 1
    zipped.write_bytes(contents)
    assert "the zip file is damaged" in refused(zipped, folder=source.parent)


def test_refuses_missing_sources(source, refused):
    folder = source.parent
    assert "nothing.pkl: No such file" in refused(folder / "nothing.pkl", folder=folder)
    assert "No such file" in refused(folder / "nowhere" / "nothing.pkl", folder=folder)
    assert "give a file, not a folder" in refused(folder, folder=folder)


def test_refuses_destinations_that_cannot_be_written(source, refused):
    folder = source.parent
    assert "nowhere is not a folder" in refused(source, folder / "nowhere" / "data.h5", folder=folder)
    assert "data.pkl is not a folder" in refused(source, source / "data.h5", folder=folder)
    assert "is a folder" in refused(source, folder, folder=folder)
    assert "is the source itself" in refused(source, source, "--overwrite", folder=folder)
    (folder / "link.h5").symlink_to(source)
    assert "is the source itself" in refused(source, folder / "link.h5", "--overwrite", folder=folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_does_not_replace_a_pipe(source, refused):
    pipe = source.parent / "pipe"
    os.mkfifo(pipe)
    assert "pipe is a device, a pipe or a socket" in refused(source, pipe, "--overwrite", folder=source.parent)
    assert pipe.is_fifo()


def test_refuses_unknown_arguments(source, refused):
    assert "--help lists the options" in refused(source, "--speed", folder=source.parent)
    assert "SOURCE" in refused(folder=source.parent)


def replace(source):
    contents = source.read_bytes()
    source.unlink()
    source.write_bytes(contents)


@pytest.mark.promise(
    "A conversion that is killed, fails or runs out of disk space leaves the complete old file or the complete new one"
)
@pytest.mark.parametrize(
    "change, message",
    [
        (Path.unlink, "No such file or directory; check the path"),
        (replace, "the file changed while it was read; wait until it is complete, then convert it again"),
        (lambda source: os.utime(source, (0, 0)), "the file changed while it was read"),
        (lambda source: os.truncate(source, 0), "the pickle ends before its arrays are complete"),
    ],
)
def test_refuses_a_source_that_vanishes_or_changes_as_it_is_read(change, message, source, convert, monkeypatch, capfd):
    destination, copy_labels = source.with_suffix(".h5"), pickle_conversion._copy_labels
    destination.write_bytes(b"old")

    def change_and_copy_labels(*arguments):
        change(source)
        return copy_labels(*arguments)

    monkeypatch.setattr(pickle_conversion, "_copy_labels", change_and_copy_labels)
    with pytest.raises(SystemExit) as stopped:
        convert(source, "--overwrite")
    error = capfd.readouterr().err
    assert stopped.value.code == 2 and error.startswith(f"error: {source}: {message}") and error.count("\n") == 1
    assert destination.read_bytes() == b"old" and {source, destination} >= set(source.parent.iterdir())


@pytest.mark.promise("A full disk ends a command with one error line, and files that were complete stay complete")
@pytest.mark.promise(
    "A conversion that is killed, fails or runs out of disk space leaves the complete old file or the complete new one"
)
@pytest.mark.parametrize("bytes_left", [0, 100, 3000, 200_000])
def test_a_full_disk_ends_in_an_error_line(bytes_left, source):
    resource = pytest.importorskip("resource")

    def limit_file_size():
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, bytes_left))

    done = subprocess.run(
        [sys.executable, "-B", ROOT / "convert_pkl_to_h5.py", source],
        capture_output=True,
        text=True,
        preexec_fn=limit_file_size,
    )
    assert done.returncode == 2
    assert done.stderr == "error: File too large; free some disk space or choose another place\n"
    assert [path.name for path in source.parent.iterdir()] == ["data.pkl"]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM ends a process at once")
def test_sigterm_leaves_nothing(source, convert, monkeypatch):
    monkeypatch.setattr(StoreWriter, "finish", lambda *arguments: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit) as ended:
        convert(source)
    assert ended.value.code == 143 and os.listdir(source.parent) == ["data.pkl"]
