"""Submissions packed into one file: valid, damaged, and malicious ones."""

from __future__ import annotations

import re
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.student_models.folders import FINDER_INFORMATION
from bench.student_models.networks import dense_only
from bench.student_models.saving import NAME, Builder, save_network

BOMB_BYTES = (2 << 30) + (300 << 20)
BYTES_PER_WRITE = 16 << 20
MANY_ENTRIES = 20_000
ESCAPED_FILE = "escaped_from_a_submission.txt"
ENCRYPTED = 1


def zipped(build: Builder) -> Builder:
    """The builder of a zip of what another builder makes, without a folder around it."""

    def build_zip(path: Path, seed: int) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "submission"
            build(folder, seed)
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in sorted(folder.rglob("*")):
                    archive.write(file, file.relative_to(folder))

    return build_zip


def zipped_on_a_mac(path: Path, seed: int) -> None:
    """The four files in a folder, and for each the one that a Mac adds in __MACOSX."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in _model_files(seed):
            archive.writestr(f"PA4/{name}", contents)
            archive.writestr(f"__MACOSX/PA4/._{name}", FINDER_INFORMATION)
        archive.writestr("PA4/.DS_Store", FINDER_INFORMATION)


def zipped_with_macosx_beside(path: Path, seed: int) -> None:
    """The four files, and __MACOSX beside them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in _model_files(seed):
            archive.writestr(name, contents)
            archive.writestr(f"__MACOSX/._{name}", FINDER_INFORMATION)


def zip_in_a_folder(path: Path, seed: int) -> None:
    """The zip that a student uploaded, in the folder that the course's site made."""
    path.mkdir()
    zipped(_dense)(path / "my_model.zip", seed)


def zip_with_backslashes(path: Path, seed: int) -> None:
    """A zip by an old Windows program: backslashes between folders."""
    contents = _model_files(seed)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents_of_file in contents:
            archive.writestr(f"PA4\\{name}", contents_of_file)


def zip_cut_short(path: Path, seed: int) -> None:
    """The first half of a zip."""
    zipped(_dense)(path, seed)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zip_with_a_wrong_checksum(path: Path, seed: int) -> None:
    """A zip one of whose files was damaged."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, contents in _model_files(seed):
            archive.writestr(name, contents)
    path.write_bytes(path.read_bytes().replace(b"input_frames", b"input_planes", 1))


def empty_zip(path: Path, seed: int) -> None:
    """A zip that holds nothing."""
    zipfile.ZipFile(path, "w").close()


def text_for_a_zip(path: Path, seed: int) -> None:
    """A text file that is called a zip."""
    path.write_text("See my e-mail.\n")


def encrypted_zip(path: Path, seed: int) -> None:
    """A zip that says it needs a password."""
    zipped(_dense)(path, seed)
    contents = bytearray(path.read_bytes())
    for signature, offset in ((rb"PK\x03\x04", 6), (rb"PK\x01\x02", 8)):
        for found in re.finditer(signature, bytes(contents)):
            contents[found.start() + offset] |= ENCRYPTED
    path.write_bytes(contents)


def rar(path: Path, seed: int) -> None:
    """An archive of another kind, of which only the beginning is there."""
    path.write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(100))


def zip_that_climbs(path: Path, seed: int) -> None:
    """The four files, and ESCAPED_FILE for the folders above."""
    _zip_with(path, seed, _entries(f"{'../' * levels}{ESCAPED_FILE}" for levels in (1, 2, 3)))


def zip_with_absolute_path(path: Path, seed: int) -> None:
    """The four files, and ESCAPED_FILE for the machine's folder of temporary files."""
    _zip_with(path, seed, _entries([f"/tmp/{ESCAPED_FILE}"]))


def zip_with_a_link(path: Path, seed: int) -> None:
    """The weights are a link to a file of the machine."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, contents in _model_files(seed):
            if ".data-" in name:
                link = zipfile.ZipInfo(name)
                link.create_system = 3
                link.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(link, "/etc/hostname")
            else:
                archive.writestr(name, contents)


def zip_bomb(path: Path, seed: int) -> None:
    """A few megabytes that unpack to more than 2 GiB of zeros."""

    def add_zeros(archive: zipfile.ZipFile) -> None:
        with archive.open(f"{NAME}.data-00000-of-00002", "w", force_zip64=True) as entry:
            for _ in range(BOMB_BYTES // BYTES_PER_WRITE):
                entry.write(bytes(BYTES_PER_WRITE))

    _zip_with(path, seed, add_zeros)


def zip_of_many_files(path: Path, seed: int) -> None:
    """The four files, and many thousands of empty ones."""
    _zip_with(path, seed, _entries(f"cache/{number}" for number in range(MANY_ENTRIES)))


def zip_of_a_zip_of_a_zip(path: Path, seed: int) -> None:
    """A zip in a zip in a zip; the innermost holds the four files."""
    with tempfile.TemporaryDirectory() as temporary:
        inner = Path(temporary) / "model.zip"
        zipped(_dense)(inner, seed)
        for number in range(2):
            outer = path if number else Path(temporary) / "outer.zip"
            with zipfile.ZipFile(outer, "w") as archive:
                archive.write(inner, inner.name)
            inner = outer


def _entries(entry_names: Iterable[str]) -> Callable[[zipfile.ZipFile], None]:
    """What adds empty files of these names to a zip."""

    def add(archive: zipfile.ZipFile) -> None:
        for name in entry_names:
            archive.writestr(name, b"")

    return add


def _zip_with(path: Path, seed: int, add: Callable[[zipfile.ZipFile], None]) -> None:
    """A zip of the four files and what `add` adds."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, contents in _model_files(seed):
            archive.writestr(name, contents)
        add(archive)


def _dense(path: Path, seed: int) -> None:
    save_network(path, dense_only, seed)


def _model_files(seed: int) -> Iterable[tuple[str, bytes]]:
    """The name and the contents of each of the four files of dense_only."""
    with tempfile.TemporaryDirectory() as temporary:
        save_network(Path(temporary), dense_only, seed)
        return [(file.name, file.read_bytes()) for file in sorted(Path(temporary).iterdir())]
