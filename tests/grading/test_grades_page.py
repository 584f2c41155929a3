import os
import re

import numpy as np
import pytest

from grading.grades_page import error_histogram, write_grades_page
from tests.grading.made_grades import made_course, made_frames, made_grade
from tests.report.chromium import CHROMIUM, chromium_page

BY_RANK = ["<script>alert(1)</script>", "Ben", "anna", "finn", "dora", "chris", "emil", "noa"]


def write_page(path, grades=None, expected=8):
    written = write_grades_page(
        path,
        title="Grades: <b>2020</b>",
        provenance=[("data", "/data/<i>withheld\udcff.h5"), ("date", "2020-02-03 10:00")],
        grades=made_course() if grades is None else grades,
        mean_pose_error=14.5,
        expected=expected,
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


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("needs chromium, which is not installed")
    with chromium_page() as browser:
        browser.resize(1200, 900)
        yield browser


def shown_students(page):
    return page.evaluate("[...document.querySelectorAll('table.grades tbody th a')].map(a => a.innerText)")


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
    assert sort_by(page, "rank") == (["chris", "dora", "finn", "Ben", "anna", scored[0], *unscored], "descending")
    assert sort_by(page, "pixel error") == (BY_RANK, "ascending")
    backwards, direction = sort_by(page, "pixel error")
    assert backwards[:4] == ["chris", "dora", "finn", "Ben"] and backwards[-2:] == unscored
    assert direction == "descending"
    students, _ = sort_by(page, "seconds")
    assert (students[0], students[-1]) == (scored[0], "dora")
    students, _ = sort_by(page, "peak memory")
    assert students[-1] == "noa"
    students, _ = sort_by(page, "peak memory")
    assert students[-1] == "noa"


def test_versions_sort_as_versions_and_names_ignore_case(page):
    students, _ = sort_by(page, "TensorFlow")
    assert students[-3:] == ["dora", "<script>alert(1)</script>", "emil"]
    students, _ = sort_by(page, "TensorFlow")
    assert (students[:2], students[-1]) == (["<script>alert(1)</script>", "dora"], "emil")
    students, _ = sort_by(page, "student")
    assert students[1:4] == ["anna", "Ben", "chris"]
    students, _ = sort_by(page, "verdict")
    assert students[-3:] == ["chris", "emil", "noa"]
    students, _ = sort_by(page, "breaches")
    assert students[-1] == "noa"


def test_the_keyboard_sorts_by_a_header(page):
    assert page.evaluate("[...document.querySelectorAll('table.grades thead button')].map(b => b.tabIndex)") == [0] * 10
    page.evaluate("document.querySelectorAll('table.grades thead button')[6].focus()")
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    assert page.evaluate("document.querySelector('[aria-sort]').innerText").startswith("seconds")
    assert shown_students(page)[-1] == "dora"


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
    page.evaluate("document.querySelector('#close').click()")
    assert page.evaluate(opened) == []


def test_only_the_table_is_wider_than_a_phone(page):
    page.resize(360, 640)
    page.evaluate("document.querySelector('#open').click()")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    edges = "[...document.querySelectorAll('section *')].filter(e => !e.closest('svg') && !e.closest('table.grades'))"
    assert page.evaluate(f"Math.max(...{edges}.map(e => e.getBoundingClientRect().right))") <= 360
    page.resize(1200, 900)


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


def test_equal_weights_are_marked(text_of):
    text = text_of()
    assert re.findall(r"same weights as <bdi>([^<]*)</bdi>", text) == ["anna", "Ben", "anna", "Ben"]
    crowd = [made_grade(name, weights_sha256="ef" * 32) for name in "abcdef"]
    marks = re.findall(r"same weights as <bdi>([^<]*)</bdi>", text_of(crowd))
    assert marks[0] == "b, c, d and 2 more" and marks[6] == "b, c, d, e, f"


def test_students_without_weights_are_not_marked(text_of):
    grades = [made_grade(name, None) for name in "ab"]
    assert "same weights as <bdi>" not in text_of(grades)


def test_an_incomplete_page_says_so(text_of):
    assert "Incomplete" not in text_of()
    assert "Incomplete: 8 of 100 students graded so far" in text_of(expected=100)
    empty = text_of([], expected=100)
    assert "0 of 100 students graded so far" in empty and "No student has a pixel error." in empty


def test_the_summary_counts_students(text_of):
    text = text_of()
    rows = dict(re.findall(r'<tr><th scope="row">([^<]*)</th><td><bdi>([^<]*)</bdi></td></tr>', text))
    assert (rows["students graded"], rows["meets the requirements"], rows["scored, with breaches"]) == ("8", "5", "1")
    assert (rows["not scored"], rows["no better than the mean pose"]) == ("2", "1")
    assert (rows["median pixel error"], rows["pixel error of the mean pose"]) == ("7.12 px", "14.50 px")
    assert rows["same weights as another student"] == "2"


def test_a_page_of_a_hundred_students_is_little_larger_than_their_frames(tmp_path):
    random = np.random.default_rng(0)
    grades = [made_grade(f"student {number}", random.uniform(2, 20)) for number in range(100)]
    write_page(tmp_path / "grades.html", grades, 100)
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
