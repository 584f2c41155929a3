import pytest

from run.settings_page import PAGE, settings_page


def test_the_page_is_up_to_date():
    if PAGE.read_text(encoding="utf-8") != settings_page():
        pytest.fail("docs/SETTINGS.md is out of date; run python -m run.settings_page")
