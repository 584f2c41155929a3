"""What the commands import as they start."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize("command", sorted(path.stem for path in ROOT.glob("*.py")))
def test_no_command_imports_tensorflow_before_it_needs_it(command):
    code = f"import sys, {command}; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
