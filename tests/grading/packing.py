"""Packs archives for tests of submissions."""

import io
import tarfile
import zipfile

from grading.course import Person
from grading.submissions import Source, Submission


def zipped(path, members):
    """A submission that is a zip of these contents by name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in members.items():
            archive.writestr(name, contents)
    return submission_of(path)


def zip_bytes(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in members.items():
            archive.writestr(name, contents)
    return file.getvalue()


def tarred(path, members, mode="w:gz"):
    """A submission that is a tar of these members: contents by name, or tarfile.TarInfo by name."""
    with tarfile.open(path, mode) as archive:
        for name, contents in members.items():
            if isinstance(contents, tarfile.TarInfo):
                archive.addfile(contents)
            else:
                member = tarfile.TarInfo(name)
                member.size = len(contents)
                archive.addfile(member, io.BytesIO(contents))
    return submission_of(path)


def submission_of(path):
    return Submission(path.stem, Person(path.stem), (Source(str(path), ""),))
