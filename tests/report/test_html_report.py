import base64
import json
import os
import re

import matplotlib.image
import numpy as np
import pytest

from evaluation.confidence import ConfidenceTable
from evaluation.examples import FrameExamples, SequenceExample
from evaluation.pixel_errors import PixelErrors
from evaluation.scores import Scores
from pipeline.joints import JOINT_NAMES
from report.html_report import Report, TrainingReport, write_html_report
from report.overlays import PREDICTION, TRUTH
from report.plots import NARROW, WIDE
from support.version import VERSION
from tests.report.chromium import CHROMIUM, chromium_page

ASKED_FOR = ["loss", "predictions", "joints", "accuracy"]  # in the order of the assignment
SECTIONS = [*ASKED_FOR, "sequences", "worst", "videos", "confidence", "card", "settings", "machine"]
PHONE = (360, 640)
DESKTOP = (1200, 900)


@pytest.fixture(scope="module")
def page(trained_run):
    """The shared run's report, opened in a browser."""
    if CHROMIUM is None:
        pytest.skip("needs chromium, which is not installed")
    with chromium_page() as page:
        page.resize(*DESKTOP)
        page.open(trained_run.folder / "report.html")
        yield page


ROW = {"step": 1, "train_loss": 2.0, "validation_loss": 3.0, "validation_pixel_error": 4.0}


def noise_report(title="Run: noise", settings=None, confidence=None, videos=1, **others):
    """A Report of random frames, which PNG cannot compress. videos: their number; the first has the largest error."""
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (4, 15, 64, 64, 3), dtype=np.uint8)
    labels, predictions = random.uniform(-5, 70, (2, 4, 15, 7, 2))
    errors = PixelErrors()
    errors.add(predictions, labels)
    summary = errors.summary()
    shown = [
        SequenceExample(rank, *(part[:10] for part in parts))
        for rank, *parts in zip("abc", frames, labels, predictions, strict=False)
    ]
    worst = FrameExamples(frames[3], labels[3], predictions[3], [f"video {number}" for number in range(15)])
    video_errors = {video: np.arange(7) + (videos - video) for video in range(videos)}
    scores = Scores(summary, errors.curves(), summary, video_errors, worst, worst, worst, shown, confidence)
    training = settings and TrainingReport("Trained.", [ROW], settings)
    return Report(title, scores, "what was scored", training, **others)


# In the browser


def test_it_requests_nothing_and_logs_no_errors(page):
    methods = [event["method"] for event in page.events]
    assert not {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"} & set(methods)
    requests = [
        event["params"]["request"]["url"] for event in page.events if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url.split(":")[0] for url in requests].count("file") == 1
    assert {url.split(":")[0] for url in requests} <= {"file", "data"}


def test_all_sections_are_there(page, trained_run):
    shown = [section for section in SECTIONS if section != "videos"]  # all of one video
    assert page.evaluate("[...document.querySelectorAll('section')].map(s => s.id)") == shown
    metrics = json.loads((trained_run.folder / "metrics.json").read_text())
    summary = " ".join(page.evaluate("document.querySelector('header').innerText").split())
    assert f"Final average pixel error {metrics['mean_pixel_error']:.2f} px on 22 sequences" in summary
    assert f"the mean pose has an error of {metrics['mean_pose_pixel_error']:.2f} px" in summary
    assert "of which 0 share frames with training" in summary
    assert "Trained for 56 iterations (2 whole epochs) in " in summary
    assert ("Warning: " in summary) == (metrics["mean_pixel_error"] >= metrics["mean_pose_pixel_error"])
    rows = page.evaluate(
        "[...document.querySelectorAll('#joints tbody tr')].map(r => r.innerText.split(/\\s*\\t\\s*/))"
    )
    assert [row[0] for row in rows] == [*JOINT_NAMES, "mean"]
    assert [row[1] for row in rows[:-1]] == [f"{metrics['pixel_error'][joint]:.2f} px" for joint in JOINT_NAMES]
    assert page.evaluate("document.querySelectorAll('.sequence').length") == 3
    assert page.evaluate("document.querySelectorAll('.sequence .frame').length") == 30
    assert page.evaluate("document.querySelectorAll('#predictions .frame').length") == 15
    assert 1 <= page.evaluate("document.querySelectorAll('#worst .frame').length") <= 15
    settings = page.evaluate("document.querySelector('#settings').innerText")
    assert "people.h5" in settings and re.search(r"Batch size\s+4\b", settings)
    assert "Python" in page.evaluate("document.querySelector('#machine').innerText")
    card = page.evaluate("document.querySelector('#card').innerText")
    assert "people.h5 (converted from people.pkl)" in card and VERSION in card
    assert "5 in the training data and 1 in the validation data" in card
    assert str(trained_run.folder.parent) not in page.evaluate("document.body.innerText")


def test_all_pictures_are_complete_and_described(page):
    pictures = page.evaluate("[...document.images].map(i => [i.complete, i.naturalWidth, i.naturalHeight, i.alt])")
    assert len(pictures) >= 33
    for complete, width, height, description in pictures:
        assert complete and width > 0 and height > 0 and len(description) > 20


def test_truth_and_prediction_differ_in_more_than_colour(page):
    styles = {}
    for kind in ("truth", "prediction"):
        limbs, joints = (
            page.evaluate(
                f"(s => [s.stroke, s.strokeDasharray, s.strokeLinecap])(getComputedStyle("
                f"document.querySelector('.frame .{part}.{kind}')))"
            )
            for part in ("limbs", "joints")
        )
        styles[kind] = limbs[0], limbs[1], joints[2]
    colours = [tuple(int(style["color"][i : i + 2], 16) for i in (1, 3, 5)) for style in (TRUTH, PREDICTION)]
    assert styles["truth"] == (f"rgb{colours[0]}", "none", "round")
    assert styles["prediction"] == (f"rgb{colours[1]}", "3px, 2px", "square")


def test_nothing_is_wider_than_a_phone(page):
    page.resize(*PHONE)
    assert page.evaluate("innerWidth") == 360
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    edges = "[...document.querySelectorAll('section *')]"
    edges += ".filter(e => !e.closest('svg')).map(e => e.getBoundingClientRect())"
    assert page.evaluate(f"Math.max(...{edges}.map(edge => edge.right))") <= 360
    page.resize(*DESKTOP)


@pytest.mark.parametrize("size, width", [(DESKTOP, WIDE), (PHONE, NARROW)])
def test_plots_are_as_wide_as_the_page_and_drawn_for_its_width(page, trained_run, size, width):
    page.resize(*size)
    page.open(trained_run.folder / "report.html")
    text_width = page.evaluate("document.querySelector('header').clientWidth")
    plots = page.evaluate("[...document.querySelectorAll('img.plot')].map(i => [i.clientWidth, i.naturalWidth])")
    page.resize(*DESKTOP)
    assert len(plots) == 3
    for shown, drawn in plots:
        assert shown == text_width and abs(drawn - 96 * width) <= 1


def test_a_sequence_plays_and_stops_at_the_chosen_frame(page):
    visible = "[...document.querySelectorAll('.sequence .frame')].filter(f => f.offsetWidth).map(f => f.innerText)"
    assert len(page.evaluate(visible)) == 3
    button = "document.querySelectorAll('.sequence button')[1]"
    assert page.evaluate(f"{button}.innerText") == "Pause"
    page.evaluate(
        "(s => { s.value = 7; s.dispatchEvent(new Event('input')); })(document.querySelectorAll('.sequence input')[1])"
    )
    assert page.evaluate(f"{button}.innerText") == "Play"
    assert page.evaluate(visible)[1].startswith("frame 7 of 10: ")
    page.evaluate(f"{button}.click()")
    assert page.evaluate(f"{button}.innerText") == "Pause"


def test_all_frames_are_printed_side_by_side(page):
    page.call("Emulation.setEmulatedMedia", media="print")
    visible = "[...document.querySelectorAll('.sequence .frame')].filter(f => f.offsetWidth).length"
    assert page.evaluate(visible) == 30
    assert page.evaluate("[...document.querySelectorAll('.controls')].every(c => !c.offsetWidth)")
    page.call("Emulation.setEmulatedMedia", media="")
    pdf = page.pdf()
    assert pdf.startswith(b"%PDF") and 2 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 7


def test_nothing_plays_if_the_user_prefers_reduced_motion(page, trained_run):
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    page.open(trained_run.folder / "report.html")
    assert page.evaluate("[...document.querySelectorAll('.sequence button')].map(b => b.innerText)") == ["Play"] * 3
    page.call("Emulation.setEmulatedMedia", features=[])


def test_the_screenshot_shows_frames_on_white(page, tmp_path):
    (tmp_path / "report.png").write_bytes(page.screenshot(900, 1200))
    picture = matplotlib.image.imread(tmp_path / "report.png")
    assert picture.shape[:2] == (1200, 900)
    assert picture[..., :3].mean() > 0.5 and np.ptp(picture[..., :3], axis=-1).max() > 0.5


# As a file

NAMES = {"data": "/home/somebody/<b>people.h5", "validation_data": r"C:\Users\somebody\withheld.h5"}
SETTINGS = {**NAMES, "augment": ["mirror", "scale"], "epochs": None, "time_limit": 60.0, "demo": False}

CONFIDENCE = ConfidenceTable(np.arange(1, 11), np.linspace(9, 1, 10), np.linspace(0, 1, 10))


@pytest.fixture(scope="module")
def report_of_noise(tmp_path_factory):
    """The path of a report on random frames whose title holds markup and whose settings hold paths."""
    path = tmp_path_factory.mktemp("noise") / "report.html"
    return write_html_report(path, noise_report("Run: <script>alert(1)</script>", SETTINGS, CONFIDENCE))


def test_the_size_is_bounded_for_any_frames(report_of_noise):
    assert 500_000 < os.path.getsize(report_of_noise) < 1_800_000
    assert os.listdir(report_of_noise.parent) == ["report.html"]


def test_names_are_escaped_and_lack_their_folders(report_of_noise):
    page = report_of_noise.read_text(encoding="utf-8")
    assert "<h1>Run: &lt;script&gt;alert(1)&lt;/script&gt;</h1>" in page
    assert "somebody" not in page
    rows = dict(re.findall(r'<tr><th scope="row">([^<]*)</th><td>([^<]*)</td></tr>', page))
    assert (rows["data"], rows["validation data"]) == ("&lt;b&gt;people.h5", "withheld.h5")
    assert (rows["augment"], rows["epochs"]) == ("mirror, scale", "none")
    assert (rows["time limit"], rows["demo"]) == ("60.0 s", "no")


def test_errors_by_confidence_are_drawn_if_known(report_of_noise, tmp_path):
    page = report_of_noise.read_text(encoding="utf-8")
    (picture,) = re.findall(r'<section id="confidence">.*?src="data:image/svg\+xml;base64,([^"]*)"', page, re.DOTALL)
    svg = base64.b64decode(picture).decode()
    assert svg.lstrip().startswith("<?xml") and "confidence of 55 positions" in svg
    unknown = write_html_report(tmp_path / "report.html", noise_report(settings=SETTINGS)).read_text(encoding="utf-8")
    assert "confidence" not in unknown and '<section id="loss">' in unknown


def test_without_a_training_run_there_are_no_losses_and_no_settings(tmp_path):
    page = write_html_report(tmp_path / "report.html", noise_report()).read_text(encoding="utf-8")
    assert re.findall('<section id="([a-z]*)"', page) == [
        name for name in SECTIONS if name not in ("videos", "confidence", "loss", "settings", "card")
    ]
    assert "Trained for" not in page and "Final" not in page and "Average pixel error<br>" in page


def test_a_warning_is_shown_if_there_is_one(tmp_path):
    warned = write_html_report(tmp_path / "warned.html", noise_report(warning="<b> is bad"))
    assert 'class="warning"><strong>Warning:</strong> &lt;b&gt; is bad.' in warned.read_text(encoding="utf-8")
    without = write_html_report(tmp_path / "without.html", noise_report())
    assert 'class="warning"' not in without.read_text(encoding="utf-8")


def test_the_worst_videos_are_listed_with_their_errors_by_pair_of_joints(tmp_path):
    page = write_html_report(tmp_path / "report.html", noise_report(videos=22)).read_text(encoding="utf-8")
    (table,) = re.findall(r'<section id="videos">(.*?)</section>', page, re.DOTALL)
    assert "the 20 videos with the largest errors, of\n22." in table
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in re.findall("<tr>.*?</tr>", table)]
    assert rows[0] == ["video", "all joints", "head", "wrists", "elbows", "shoulders"]
    assert rows[1] == ["0", "25.00", "22.00", "23.50", "25.50", "27.50"]
    assert [row[0] for row in rows[1:]] == [str(video) for video in range(20)]


def test_a_failed_write_keeps_the_older_report(tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    (tmp_path / "report.html").write_text("the older report")
    with pytest.raises(OSError):
        write_html_report(tmp_path / "report.html", noise_report())
    assert os.listdir(tmp_path) == ["report.html"] and (tmp_path / "report.html").read_text() == "the older report"
