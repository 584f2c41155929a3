"""Generates docs/SETTINGS.md from run/settings.py.

Usage: python -m run.settings_page
"""

from pathlib import Path

from run.settings import GROUPS, SETTINGS, default_text_of, option_of

PAGE = Path(__file__).resolve().parents[1] / "docs" / "SETTINGS.md"
BEGINNING = """# Settings of a run

`train.py` takes these options. `config.json`, in the folder of a run, holds their values under the same names with
underscores, such as `batch_size` for `--batch-size`. `--config` and `--resume` read it, and accept the same values.
A list such as `--augment mirror,shift` is `"augment": ["mirror", "shift"]` in `config.json`, and `--no-augment` is
`"augment": []`.
`python train.py --help` also lists the options that are not settings.

`python -m run.settings_page` generates this page from [run/settings.py](../run/settings.py).

| group | option | value | default | meaning |
|---|---|---|---|---|
"""


def settings_page() -> str:
    """The text of docs/SETTINGS.md."""
    named = sorted(SETTINGS.items(), key=lambda item: GROUPS.index(item[1].group))
    rows = (
        f"| {setting.group} | `{option_of(name)}` | {setting.values.description if setting.values.metavar else ''} | "
        f"{default_text_of(name)} | {setting.help} |\n"
        for name, setting in named
    )
    return BEGINNING + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
