import os

import pytest

from support.deferred_error_file import DeferredErrorFile


def test_it_writes_reads_and_truncates(tmp_path):
    with DeferredErrorFile(tmp_path / "data") as output:
        assert output.write(b"abcdef") == 6
        output.truncate(4)
        output.seek(1)
        assert output.read(10) == b"bcd"
        output.check()


@pytest.mark.promise("A full disk ends a command with one error line, and files that were complete stay complete")
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("change", [lambda output: output.write(b"abc"), lambda output: output.truncate(10)])
def test_it_stores_the_first_error_until_check(change):
    with DeferredErrorFile("/dev/full") as output:
        change(output)
        assert output.write(b"defg") == 4
        output.truncate(3)
        with pytest.raises(OSError):
            output.check()
