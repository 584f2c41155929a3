"""The one file in a zip file, unpacked while it is read, in bounded memory and time whatever the zip file claims.

Nothing is written, so the names in it are of no importance. No more is unpacked than the zip file says that the file is
long, and a length that its packed bytes cannot give is refused before anything is unpacked.
"""

import contextlib
import zipfile
import zlib

from command_line.user_error import UserError

# zipfile reads the list of files whole; a megabyte lists some twenty thousand. Its own 16 MB when it seeks take 50 MB.
LARGEST_READ = 1 << 20
# What deflate gives at most, https://zlib.net/zlib_tech.html.
LARGEST_RATIO = 1032


@contextlib.contextmanager
def unzipped(file):
    """Yields (the only file in a zip file, seekable; its length in bytes; a function that checks its checksum).

    file: the zip file, binary. Folders and what macOS adds are not counted. Raises UserError for a zip file that is
    damaged, encrypted or does not hold exactly one file: here, while it is read, or when its checksum is checked.
    """
    try:
        archive, member = _open_archive(file)
        with archive, archive.open(member) as unpacked:
            unpacked.MAX_SEEK_READ = LARGEST_READ
            yield unpacked, member.file_size, lambda: _check_checksum(archive, member)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise UserError("the zip file is damaged or cut short; download or copy it again") from None


def _open_archive(file):
    """The ZipFile and the ZipInfo of its only file. zipfile meets damage with errors of many kinds."""
    try:
        archive = zipfile.ZipFile(_BoundedReads(file))
        member = _only_member(archive)
        archive.open(member).close()
    except NotImplementedError:
        raise _unusual() from None
    except (OSError, ValueError, LookupError, OverflowError) as error:
        raise zipfile.BadZipFile from error
    return archive, member


def _only_member(archive):
    members = [
        member for member in archive.infolist() if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        raise UserError(f"the zip file holds {len(members)} files, not one pickle; unpack it and give the .pkl")
    [member] = members
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _unusual()
    ratio = 1 if member.compress_type == zipfile.ZIP_STORED else LARGEST_RATIO
    if member.file_size > ratio * member.compress_size:
        raise UserError(
            f"the zip file claims that {member.compress_size} bytes in it unpack to {member.file_size}, which cannot "
            "be; download or copy it again"
        )
    return member


def _unusual():
    return UserError("the zip file is encrypted or packed in an unusual way; unpack it and give the .pkl")


def _check_checksum(archive, member):
    # Of its own, since from Python 3.12 on seeking in a file that is packed uncompressed turns off this check.
    with archive.open(member) as unpacked:
        while unpacked.read(LARGEST_READ):
            pass


class _BoundedReads:
    """A binary file that refuses to be read in pieces of more than LARGEST_READ bytes."""

    def __init__(self, file):
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, length=-1):
        data = self._file.read(length if 0 <= length <= LARGEST_READ else LARGEST_READ + 1)
        if len(data) > LARGEST_READ:
            raise zipfile.BadZipFile
        return data
