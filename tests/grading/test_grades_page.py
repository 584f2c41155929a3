import os
import re
from dataclasses import replace

import numpy as np
import pytest

from grading.course import Points
from grading.grades_page import error_histogram, write_grades_page
from tests.grading.made_grades import made_course, made_frames, made_row, made_term, missing_row
from tests.report.chromium import CHROMIUM, chromium_page

BY_RANK = ["<script>alert(1)</script>", "anna", "Ben", "finn", "dora", "chris", "noa", "emil"]
LONG = "Grace Brewster Murray Hopper of the very long name that does not end"


def write_page(path, rows=None, expected=8, anonymous=False):
    written = write_grades_page(
        path,
        title="Grades: <b>2020</b>",
        provenance=[("data", "/data/<i>withheld\udcff.h5"), ("date", "2020-02-03 10:00")],
        rows=made_course() if rows is None else rows,
        mean_pose_error=14.5,
        expected=expected,
        anonymous=anonymous,
    )
    assert written == path


@pytest.fixture
def text_of(tmp_path):
    """Writes a page with the given arguments of write_page and returns its HTML."""

    def text_of(*arguments, **options):
        write_page(tmp_path / "grades.html", *arguments, **options)
        return (tmp_path / "grades.html").read_text(encoding="utf-8")

    return text_of


@pytest.fixture
def page(browser, tmp_path):
    """The course's page, newly opened in a browser."""
    write_page(tmp_path / "grades.html")
    browser.open(tmp_path / "grades.html")
    return browser


@pytest.fixture
def term_page(browser, tmp_path):
    """The page of a term with points, late, not graded and missing people."""
    write_page(tmp_path / "grades.html", made_term(), expected=10)
    browser.open(tmp_path / "grades.html")
    return browser


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("needs chromium, which is not installed")
    with chromium_page() as browser:
        browser.resize(1200, 900)
        yield browser


def shown_students(page):
    """The names in the table's rows that are not hidden, in the order shown."""
    rows = "[...document.querySelectorAll('table.grades tbody tr')].filter(r => r.offsetWidth)"
    return page.evaluate(f"{rows}.map(r => r.querySelector('th bdi').innerText)")


def sort_by(page, name):
    """Clicks a header; returns the students in the table's new order and the header's aria-sort."""
    header = f"[...document.querySelectorAll('table.grades thead th')].find(h => h.innerText.startsWith('{name}'))"
    page.evaluate(f"{header}.querySelector('button').click()")
    assert page.evaluate("document.querySelectorAll('[aria-sort]').length") == 1
    return shown_students(page), page.evaluate(f"{header}.getAttribute('aria-sort')")


# In the browser


def test_the_page_makes_no_requests_and_logs_no_errors(page):
    methods = [event["method"] for event in page.events]
    assert not {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"} & set(methods)
    requests = [
        event["params"]["request"]["url"] for event in page.events if event["method"] == "Network.requestWillBeSent"
    ]
    assert {url.split(":")[0] for url in requests} <= {"file", "data"}
    pictures = page.evaluate("[...document.images].map(i => [i.complete, i.naturalWidth, i.alt])")
    assert len(pictures) == 1 + 6 * 6
    assert all(complete and width and len(description) > 20 for complete, width, description in pictures)


def test_the_best_students_come_first_and_those_without_a_score_last(page):
    assert shown_students(page) == BY_RANK
    ranks = page.evaluate("[...document.querySelectorAll('table.grades tbody tr')].map(r => r.cells[0].innerText)")
    assert ranks == ["1", "2", "2", "4", "5", "6", "–", "–"]
    assert page.evaluate("document.querySelector('[aria-sort]').innerText").startswith("rank")


def test_numbers_sort_as_numbers_and_missing_values_come_last_in_both_directions(page):
    scored, unscored = BY_RANK[:-2], BY_RANK[-2:]
    assert sort_by(page, "rank") == (["chris", "dora", "finn", "anna", "Ben", scored[0], *unscored], "descending")
    assert sort_by(page, "pixel error") == (BY_RANK, "ascending")
    backwards, direction = sort_by(page, "pixel error")
    assert backwards[:4] == ["chris", "dora", "finn", "anna"] and backwards[-2:] == unscored
    assert direction == "descending"


def test_points_sort_as_numbers(term_page):
    students, _ = sort_by(term_page, "points")
    assert set(students[:3]) == {"noa", "emil", "Jürgen Müller"}
    assert students[-3:] == [LONG, "Katherine Johnson", "Emmy Noether"]


def test_names_ignore_case_and_verdicts_and_causes_sort(page):
    students, _ = sort_by(page, "student")
    assert students[1:4] == ["anna", "Ben", "chris"]
    students, _ = sort_by(page, "verdict")
    assert students[-3:] == ["chris", "noa", "emil"]
    students, _ = sort_by(page, "cause")
    assert students[:3] == ["noa", "emil", "chris"]


def test_the_keyboard_sorts_by_a_header(page):
    assert page.evaluate("[...document.querySelectorAll('table.grades thead button')].map(b => b.tabIndex)") == [0] * 7
    page.evaluate("document.querySelectorAll('table.grades thead button')[1].focus()")
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    assert page.evaluate("document.querySelector('[aria-sort]').innerText").startswith("student")
    assert shown_students(page)[-1] == "noa"


def choose(page, verdict):
    """Clicks the tile of a verdict; returns the students then shown in the table."""
    page.evaluate(f"document.querySelector('.tile[data-verdict=\"{verdict}\"]').click()")
    return shown_students(page)


def search(page, text):
    """Types a text into the search field; returns the students then shown in the table."""
    page.evaluate(
        f"(s => {{ s.value = '{text}'; s.dispatchEvent(new Event('input')); }})(document.querySelector('#search'))"
    )
    return shown_students(page)


def test_a_tile_shows_the_students_with_its_verdict_and_their_details(term_page):
    everybody = shown_students(term_page)
    assert len(everybody) == 12
    assert choose(term_page, "not scored") == ["noa", "emil"]
    details = (
        "[...document.querySelectorAll('details')].filter(d => d.offsetWidth).map(d => d.querySelector('h3').innerText)"
    )
    assert term_page.evaluate(details) == ["noa", "emil"]
    assert term_page.evaluate("document.querySelector('#shown').innerText") == "2 of 12 students shown"
    assert term_page.evaluate("document.querySelectorAll('.tile[aria-current]').length") == 1
    assert choose(term_page, "not graded") == [LONG]
    assert choose(term_page, "nothing handed in") == ["Katherine Johnson", "Emmy Noether"]
    assert choose(term_page, "") == everybody


def test_the_search_finds_names_identifiers_and_texts_of_the_details_within_the_verdict(term_page):
    assert search(term_page, "MÜLLER") == ["Jürgen Müller"] == search(term_page, "71234")
    assert search(term_page, "slow float64") == ["chris"]
    assert search(term_page, "second") == ["noa"]
    assert search(term_page, "no such text") == []
    assert search(term_page, "o") != ["noa"] and choose(term_page, "not scored") == ["noa", "emil"]
    assert search(term_page, "60 s") == ["emil"]
    term_page.evaluate("document.querySelector('#all').click()")
    assert len(shown_students(term_page)) == 12


def test_filtered_students_stay_hidden_when_sorted(term_page):
    choose(term_page, "not scored")
    students, _ = sort_by(term_page, "student")
    assert students == ["emil", "noa"]


def test_a_cause_is_one_line_that_is_cut_at_the_column(term_page):
    cells = "[...document.querySelectorAll('table.grades tbody td:last-child')].filter(c => c.innerText)"
    assert term_page.evaluate(f"{cells}.length") == 4
    line = "parseFloat(getComputedStyle(document.body).lineHeight)"
    assert term_page.evaluate(
        f"Math.max(...{cells}.map(c => c.querySelector('bdi').getBoundingClientRect().height)) < 1.5 * {line}"
    )
    assert term_page.evaluate(f"{cells}.some(c => c.scrollWidth > c.clientWidth)")


def test_a_name_in_the_table_opens_the_student_s_section(page):
    opened = "[...document.querySelectorAll('details[open] h3')].map(h => h.innerText)"
    assert page.evaluate(opened) == []
    page.evaluate("document.querySelectorAll('table.grades tbody a')[5].click()")
    wait = "new Promise(done => setTimeout(done, 50))"
    page.call("Runtime.evaluate", expression=wait, awaitPromise=True)
    assert page.evaluate(opened) == ["chris"]
    text = page.evaluate("document.querySelector('details[open]').innerText")
    assert "joint_pos is float64" in text and "it is slow" in text and re.search(r"head\s+17.00 px", text)
    assert page.evaluate("document.querySelectorAll('details[open] .frame').length") == 6
    assert page.evaluate("document.querySelector('details[open] .frame').offsetWidth") > 100
    page.evaluate("document.querySelector('#open').click()")
    assert len(page.evaluate(opened)) == 8
    assert "the model is in PA4/model" in page.evaluate(
        "document.querySelector('details[open] h3').closest('section').innerText"
    )
    page.evaluate("document.querySelector('#close').click()")
    assert page.evaluate(opened) == []


@pytest.mark.parametrize("width", [320, 400, 700, 1000, 1200])
def test_nothing_is_cut_off_on_any_screen(term_page, width):
    term_page.resize(width, 640)
    term_page.evaluate("document.querySelector('#open').click()")
    assert term_page.evaluate("document.documentElement.scrollWidth") == width
    edges = "[...document.querySelectorAll('body *')].filter(e => !e.closest('svg') && !e.closest('td:last-child'))"
    assert term_page.evaluate(f"Math.max(...{edges}.map(e => e.getBoundingClientRect().right))") <= width
    for column in ("points", "error", "≤ 5 px", "≤ 10 px"):
        cells = f"[...document.querySelectorAll('table.grades tbody td[data-label^=\"{column}\"][data-key]')]"
        assert term_page.evaluate(f"{cells}.length") >= 7
        assert term_page.evaluate(f"{cells}.every(c => c.offsetWidth > 20 && c.scrollWidth <= c.clientWidth)")
    term_page.resize(1200, 900)


def test_the_page_works_without_scripts(browser, tmp_path):
    write_page(tmp_path / "grades.html", made_term(), expected=10)
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(tmp_path / "grades.html")
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert len(shown_students(browser)) == 12
    assert not browser.evaluate("[...document.querySelectorAll('.controls')].some(c => c.offsetWidth)")
    assert browser.evaluate("[...document.querySelectorAll('.tile')].every(t => document.querySelector(t.hash))")


def test_only_the_table_and_open_sections_are_printed(page):
    page.evaluate("document.querySelectorAll('details')[0].open = true")
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.evaluate("[...document.querySelectorAll('details')].filter(d => d.offsetWidth).length") == 1
    assert not page.evaluate("document.querySelector('.controls').offsetWidth")
    page.resize(700, 900)
    assert page.evaluate("document.querySelector('table.grades').scrollWidth") <= 700
    page.call("Emulation.setEmulatedMedia", media="")
    page.resize(1200, 900)
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", page.pdf())) <= 3


HOSTILE = """x"' onmouseover='alert(1)'><img src=x onerror=alert(2)></bdi></td>{{ 7 * 7 }}&amp;\u202e"""


@pytest.mark.parametrize("anonymous", [False, True])
def test_texts_from_students_never_become_elements_or_attributes(browser, tmp_path, anonymous):
    texts = dict.fromkeys(("breaches", "notes", "warnings"), (HOSTILE,))
    row = made_row(HOSTILE, 3.0, identifier=HOSTILE, tensorflow_version=HOSTILE, weights_sha256=HOSTILE, **texts)
    row = replace(row, points=Points(1.0, (HOSTILE,)), same_weights=(HOSTILE, "b"), similar_predictions=(HOSTILE,))
    write_page(tmp_path / "grades.html", [row, made_row("b", None), missing_row(HOSTILE)], 2, anonymous)
    browser.open(tmp_path / "grades.html")
    assert browser.evaluate("document.querySelectorAll('[onmouseover], [onerror]').length") == 0
    assert browser.evaluate("document.images.length") == 1 + 6
    assert not [event for event in browser.events if event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
    assert len(shown_students(browser)) == 3
    if not anonymous:
        assert shown_students(browser)[0].startswith("""x"' onmouseover='alert(1)'><img src=x onerror=alert(2)>""")


# As a file


def test_markup_from_students_is_escaped(text_of):
    text = text_of()
    assert "<script>alert" not in text and "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>" in text
    assert "it has &lt;b&gt;no&lt;/b&gt; graph" in text and r"/data/&lt;i&gt;withheld\udcff.h5" in text
    assert "<h1>Grades: &lt;b&gt;2020&lt;/b&gt;</h1>" in text
    assert "default-src 'none'" in text and not re.search(r"(?:src|href)=\"(?!data:|#)", text)


def test_links_lead_to_sections(text_of):
    text = text_of()
    anchors = re.findall(r'<details id="([^"]*)">', text)
    assert len(set(anchors)) == 8
    assert re.findall(r'<th scope="row"[^>]*><a href="#([^"]*)">', text) == anchors


def test_links_of_those_who_handed_in_nothing_do_not_exist(text_of):
    text = text_of(made_term())
    assert len(re.findall(r"<details id", text)) == 10
    assert '<th scope="row" data-key="Emmy Noether"><bdi>Emmy Noether</bdi>' in text


def test_similar_models_are_marked(text_of):
    text = text_of()
    assert re.findall(r"same weights as <bdi>([^<]*)</bdi>", text) == ["Ben", "anna", "Ben", "anna"]
    text = text_of(made_term())
    assert re.findall(r"nearly equal predictions to <bdi>([^<]*)</bdi>", text) == ["finn", "finn"]
    crowd = [replace(made_row(name), same_weights=tuple(set("abcdef") - {name})) for name in "abcdef"]
    crowd[0] = replace(crowd[0], same_weights=tuple("bcdef"))
    marks = re.findall(r"same weights as <bdi>([^<]*)</bdi>", text_of(crowd))
    assert marks[0] == "b, c, d and 2 more" and marks[6] == "b, c, d, e, f"


def test_people_of_the_same_name_are_told_apart(text_of):
    rows = [made_row("a_1", name="Anna"), replace(made_row("a_2", name="Anna"), same_weights=("a_1",))]
    text = text_of(rows)
    assert "<h3><bdi>Anna (a_1)</bdi>" in text and "same weights as <bdi>Anna (a_1)</bdi>" in text
    anchors = re.findall(r'<details id="([^"]*)">', text)
    assert len(set(anchors)) == 2


def test_an_incomplete_page_says_so(text_of):
    assert "Incomplete" not in text_of()
    assert "Incomplete" not in text_of(made_term(), expected=10)
    assert "Incomplete: 8 of 100 submissions graded so far" in text_of(expected=100)
    empty = text_of([], expected=100)
    assert "0 of 100 submissions graded so far" in empty and "No student has a pixel error." in empty


def test_the_tiles_count_each_verdict(text_of):
    tiles = re.findall(
        r'data-verdict="([^"]*)"[^>]*>\s*(?:<span[^>]*>(.)</span>)?<strong>(\d+)</strong>', text_of(made_term())
    )
    assert tiles == [
        ("", "", "12"),
        ("meets the requirements", "✓", "6"),
        ("scored, with breaches", "!", "1"),
        ("not scored", "✗", "2"),
        ("not graded", "?", "1"),
        ("nothing handed in", "–", "2"),
    ]


def summary_of(text):
    return dict(re.findall(r'<tr><th scope="row">([^<]*)</th><td><bdi>([^<]*)</bdi></td></tr>', text))


def test_the_summary_counts_students(text_of):
    rows = summary_of(text_of())
    assert (rows["students scored"], rows["no better than the mean pose"]) == ("6 of 8", "1")
    assert (rows["median pixel error"], rows["pixel error of the mean pose"]) == ("7.12 px", "14.50 px")
    assert rows["same weights as another student"] == "2"
    assert not {"median points", "late submissions", "nearly equal predictions"} & set(rows)
    rows = summary_of(text_of(made_term()))
    assert (rows["students scored"], rows["median points"]) == ("7 of 12", "80")
    assert (rows["late submissions"], rows["nearly equal predictions"]) == ("1", "1")


def test_shares_have_the_digits_of_the_csv_and_points_their_reasons(text_of):
    text = text_of(made_term())
    assert '<td data-label="≤ 5 px [%]" data-key="50.0">50.00</td>' in text
    assert '<td data-label="points" data-key="65.0">65</td>' in text
    assert re.search(r"<h4>65 points</h4>\s*<ul>\s*<li><bdi>75 for 6.75 px</bdi></li>", text)
    assert "points" not in text_of()


def test_the_machine_s_fault_is_not_called_a_breach(text_of):
    text = text_of(made_term())
    assert text.count("<h4>What was wrong with the machine</h4>") == 1
    assert text.count("<h4>Why it was not scored</h4>") == 2 and text.count("<h4>Breaches</h4>") == 1


def test_control_characters_in_names_are_escaped(text_of):
    text = text_of([made_row("a\x1b[31m\0b", identifier="1\x07", breaches=("c\x1b",))])
    assert not re.search("[\0-\x08\x0b-\x1f]", text)
    assert r"<bdi>a\x1b[31m\x00b</bdi>" in text


def test_an_anonymous_page_has_no_names(text_of):
    text = text_of(made_term(), expected=10, anonymous=True)
    shown = re.sub(r'src="data:[^"]*"', "", text)
    for name in (
        "anna",
        "Ben",
        "chris",
        "dora",
        "alert",
        "Müller",
        "71234",
        "assignsubmission",
        "Katherine",
        "Noether",
    ):
        assert not re.search(rf"\b{name}\b", shown), name
    names = re.findall(r'<th scope="row" data-key="(student \d+)">', text)
    assert sorted(names, key=lambda name: int(name.split()[1])) == [f"student {number}" for number in range(1, 13)]
    assert set(re.findall(r"same weights as <bdi>([^<]*)</bdi>", text)) < set(names)


def test_a_page_of_a_hundred_students_is_little_larger_than_their_frames(tmp_path):
    random = np.random.default_rng(0)
    rows = [made_row(f"student {number}", random.uniform(2, 20)) for number in range(100)]
    write_page(tmp_path / "grades.html", rows, 100)
    frames = sum(len(shown.frame.png) for shown in made_frames()) * 100
    # Frames of noise are larger than those of a video.
    assert frames < os.path.getsize(tmp_path / "grades.html") < frames + 1_500_000
    assert frames < 12_000_000


# The histogram


def bars(axes):
    return {bar.get_x(): bar.get_height() for bar in axes.patches if bar.get_height()}


def test_bars_count_students_and_a_line_marks_the_mean_pose():
    figure = error_histogram([3.1, 3.4, 3.5, 9.9, 21.0, 1e6], 14.0)
    (axes,) = figure.axes
    assert bars(axes) == {3.0: 2, 3.5: 1, 9.5: 1, 20.5: 1, 21.5: 1}
    (line,) = axes.get_lines()
    assert set(line.get_xdata()) == {14.0} and line.get_linestyle() == "--"
    labels = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert labels == ["always predicting the mean pose", "more than 21 px"]
    assert "[px]" in axes.get_xlabel() and "students" in axes.get_ylabel()
    assert axes.get_xlim()[1] < 30


@pytest.mark.parametrize("mean_pose_error", [0.0, 0.01, 1.0, 14.31, 40.0, 1e4])
def test_every_student_is_counted_once(mean_pose_error):
    errors = np.random.default_rng(1).uniform(0, 3 * mean_pose_error, 200)
    (axes,) = error_histogram(errors, mean_pose_error).axes
    assert sum(bars(axes).values()) == 200 and len(axes.patches) <= 52
