import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces a memory limit")


def granted_under(kind, size, megabytes):
    """Whether a process under a limit of `size` bytes is granted so many megabytes, and can use a tenth of them."""
    script = (
        "import resource\n"
        "from support.sandbox.limits import Limits, enforce\n"
        f"resource.setrlimit(resource.{kind}, ({size}, {size}))\n"
        f"print(enforce(Limits(megabytes={megabytes})))\n"
        f"bytearray({megabytes} * 100_000)\n"
    )
    return subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True).strip() == "True"


@pytest.mark.parametrize("kind", ["RLIMIT_DATA", "RLIMIT_AS"])
def test_the_process_knows_whether_a_shell_grants_less(kind):
    assert granted_under(kind, 2_000_000_000, 500)
    assert not granted_under(kind, 2_000_000_000, 2500)


def test_too_much_processor_time_is_told_from_a_kill():
    script = (
        "import signal\n"
        "from support.sandbox import limits\n"
        "limits.os.cpu_count = lambda: 1\n"
        "limits.enforce(limits.Limits(seconds=0.0))\n"
        "while True: pass\n"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == -24  # SIGXCPU
