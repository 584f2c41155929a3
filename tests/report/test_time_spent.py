import re


def test_the_report_shows_where_the_time_went(trained_run):
    page = (trained_run.folder / "report.html").read_text(encoding="utf-8")
    [widths] = re.findall(r'<svg id="spent".*?</svg>', page, re.DOTALL)
    shares = [float(share) for share in re.findall(r' width="([\d.]+)"', widths)]
    assert len(shares) == 4 and abs(sum(shares) - 100) < 0.1
    named = re.findall(r"</i>([a-z ]+) ([\d.]+) s \((\d+) %\)", page)
    assert [name for name, _, _ in named] == ["waiting for data", "computing", "evaluating", "saving"]
    assert [float(share) for _, _, share in named] == [round(share) for share in shares]
    assert all(float(seconds) >= 0 for _, seconds, _ in named) and float(named[1][1]) > 0
