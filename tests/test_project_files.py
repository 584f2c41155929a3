"""Checks that pyproject.toml, requirements.lock and CHANGELOG.md agree with each other and with the folders."""

import re
import sys

import pytest
from packaging.requirements import Requirement

from support.version import VERSION
from tests.conftest import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
TOOLS = PYPROJECT["tool"]
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
DEPENDENCIES = [*PYPROJECT["project"]["dependencies"], *(text for extra in EXTRAS.values() for text in extra)]


@pytest.mark.parametrize(
    "dependency", [Requirement(text) for text in DEPENDENCIES], ids=lambda dependency: dependency.name
)
def test_every_dependency_is_locked_within_its_bounds(dependency):
    versions = re.findall(rf"^{re.escape(dependency.name)}==(\S+)", LOCK, re.MULTILINE)
    assert versions, f"requirements.lock lacks {dependency.name}; run make lock"
    assert all(version in dependency.specifier for version in versions)


def test_the_lock_file_contains_no_download_locations():
    assert not re.search(r"://|^\s*-", LOCK, re.MULTILINE)


def test_the_changelog_ends_its_unreleased_section_with_this_version():
    headings = re.findall(r"^## \[?([^]\s]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    released = [heading for heading in headings if heading != "Unreleased"]
    assert released[0] == VERSION


def test_the_citation_has_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [VERSION]


def test_lint_rejects_imports_of_every_command():
    commands = {path.stem for path in ROOT.glob("*.py")}
    assert commands <= set(TOOLS["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"])


def test_import_linter_checks_every_package():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    [contract] = TOOLS["importlinter"]["contracts"]
    layers = {package.strip() for layer in contract["layers"] for package in layer.split("|")}
    assert packages == layers == set(TOOLS["importlinter"]["root_packages"])
