"""The project's version, which CHANGELOG.md describes. pyproject.toml reads it from here."""

VERSION = "1.0.0"
