import gzip
import io
import tarfile
import zipfile

import numpy as np
import pytest

from pipeline.sources.pickle_reader import locate_arrays, open_source
from support.user_error import UserError
from tests.pipeline.sources.pickles import made_arrays, pickled


def tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("youtube_train_data.pkl"))
    return file.getvalue()


def npy():
    file = io.BytesIO()
    np.save(file, made_arrays(1)[0])
    return file.getvalue()


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 860160000\n"
PAGE = b'<!DOCTYPE html><html lang="en"><head><title>Google Drive - Virus scan warning</title></head></html>'


@pytest.mark.parametrize(
    "contents, what, advice",
    [
        (PAGE, "this is a web page", "open the link in a browser"),
        (b"\xef\xbb\xbf\n <HTML>\n<body>\xe9", "this is a web page", "open the link in a browser"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "this is a web page", "open the link"),
        ("\ufeff<!DOCTYPE html><html>".encode("utf-16-le"), "this is a web page", "open the link in a browser"),
        (b"<script>location = '/login'</script>\xc3\xa9", "this is a web page", "open the link in a browser"),
        (POINTER, "this is a Git LFS pointer", "git lfs pull"),
        (b"\xef\xbb\xbf" + POINTER.replace(b"\n", b"\r\n"), "this is a Git LFS pointer", "git lfs pull"),
        (b'{"error": "quota exceeded"}', 'a text file that begins with \'{"error": "quota exceeded"}\'', "give the"),
        ("Zugriff verweigert: Über Kontingent".encode(), "a text file that begins with 'Zugriff", "give the"),
        (bytes(5000), "this file begins with zeros", "download it again"),
        (gzip.compress(b"a", mtime=0), "this is a compressed file", "unpack it"),
        (b"Rar!\x1a\x07\x01\x00", "this is a compressed file", "unpack it"),
        (tar(), "this is a tar file", "unpack it"),
        (npy(), "this is a single NumPy array", "numpy.savez"),
        (b"\x00\x01\x02", "this is not a pickle", "give the course's youtube_train_data.pkl"),
    ],
)
def test_a_file_that_is_no_pickle_is_named(contents, what, advice, tmp_path):
    path = tmp_path / "youtube_train_data.pkl"
    path.write_bytes(contents)
    with pytest.raises(UserError) as refused, open_source(path) as source:
        locate_arrays(source)
    message = str(refused.value)
    assert message.startswith(f"{path}: ") and what in message and advice in message.split(what)[1]
    assert "\n" not in message


@pytest.mark.parametrize("name", ["data.zip.002", "data.z01", "data.pkl.001", "data.pkl.part2", "data.pkl.ab"])
@pytest.mark.parametrize("contents", [b"PK\x07\x08PK\x03\x04", pickled(made_arrays(1))[:5000], b"\x00\x01\x02"])
def test_one_part_of_a_split_file_is_named(name, contents, tmp_path):
    (tmp_path / name).write_bytes(contents)
    with (
        pytest.raises(UserError, match="is one part of a split file: (join|unpack) all parts"),
        open_source(tmp_path / name) as source,
    ):
        locate_arrays(source)


def with_disk_number(zip_file, number):
    """As the last part that `zip --split-size` writes: the number of the disk is in its end, APPNOTE.TXT 4.3.16."""
    end = zip_file.rindex(b"PK\5\6")
    return zip_file[: end + 4] + number.to_bytes(2, "little") + zip_file[end + 6 :]


@pytest.mark.parametrize("number, advice", [(0, "join all parts, in order"), (2, "unpack all parts together")])
@pytest.mark.parametrize("comment", [b"", b"made by somebody"])
def test_the_last_part_of_a_split_zip_file_is_named(number, advice, comment, tmp_path):
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("youtube_train_data.pkl", pickled(made_arrays(1)))
        archive.comment = comment
    (tmp_path / "data.zip").write_bytes(with_disk_number(zipped.getvalue(), number)[3000:])
    with pytest.raises(UserError) as refused, open_source(tmp_path / "data.zip") as source:
        locate_arrays(source)
    assert f"data.zip: this is the last part of a split zip file; {advice}" in str(refused.value)


def test_numbered_parts_of_a_zip_file_are_not_joined(tmp_path):
    (tmp_path / "data.z01").write_bytes(b"\x00\x01\x02")
    with pytest.raises(UserError, match="unpack all parts together"), open_source(tmp_path / "data.z01") as source:
        locate_arrays(source)


def test_a_damaged_file_of_any_other_name_is_not_called_a_part(tmp_path):
    for name in ("data.pkl", "data.zip"):
        (tmp_path / name).write_bytes(pickled(made_arrays(1))[:5000])
        with pytest.raises(UserError) as refused, open_source(tmp_path / name) as source:
            locate_arrays(source)
        assert "split file" not in str(refused.value)
