import os

import pytest

from support.argument_parser import ArgumentParser, positive, value_type
from support.user_error import UserError


def parsed(kind, text):
    parser = ArgumentParser(prog="train.py")
    parser.add_argument("--option", type=kind)
    return parser.parse_args([f"--option={text}"]).option


def test_an_invalid_command_line_is_a_user_error():
    parser = ArgumentParser(prog="train.py")
    parser.add_argument("--epochs", type=int)
    with pytest.raises(UserError, match=r"invalid int value: 'many' \(train.py --help lists the options\)"):
        parser.parse_args(["--epochs", "many"])


def test_positive_numbers_are_accepted():
    assert parsed(positive(int), "3") == 3 and isinstance(parsed(positive(int), "3"), int)
    assert parsed(positive(float), "0.5") == 0.5 and parsed(positive(float), "1e-3") == 1e-3


@pytest.mark.parametrize(
    "kind, name, texts",
    [
        (int, "positive whole number", ["0", "-1", "1.5", "many", "", "inf"]),
        (float, "positive number", ["0", "-0.5", "many", "", "inf", "nan", "-inf"]),
    ],
)
def test_other_numbers_are_rejected_in_argparse_s_words(kind, name, texts):
    for text in texts:
        with pytest.raises(UserError) as refused:
            parsed(positive(kind), text)
        assert str(refused.value) == (
            f"argument --option: {text!r} is not a {name} (train.py --help lists the options)"
        )


def test_the_message_names_the_type():
    @value_type("number divisible by two")
    def even(text):
        if int(text) % 2:
            raise ValueError(text)
        return int(text)

    assert parsed(even, "4") == 4 and even.__name__ == "even"
    for text in ("3", "four"):
        with pytest.raises(UserError, match=f"argument --option: '{text}' is not a number divisible by two "):
            parsed(even, text)


def copying_parser():
    parser = ArgumentParser(prog="copy.py")
    parser.add_argument("input")
    parser.add_argument("--out")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--shift", type=float)
    return parser


@pytest.mark.parametrize("name", ["-dQw4w9.mp4", "-dQw4w9", "--Qw4w9.mp4", "-h8.mp4", "-out.mp4", "-1.mp4"])
def test_an_existing_file_may_begin_with_a_hyphen(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("a video")
    for arguments in ([name, "--out", "a.mp4"], ["--overwrite", "--out", "a.mp4", name], ["--out", "a", "--", name]):
        given = copying_parser().parse_args(arguments).input
        assert (tmp_path / given).read_text() == "a video" and os.path.samefile(name, given)
    given = copying_parser().parse_args(["a.mp4", "--out", name]).out
    assert os.path.samefile(name, given)


def test_options_and_numbers_stay_what_they_are_beside_files_of_the_same_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("--out", "--over", "-1", "-0.5", "-h"):
        (tmp_path / name).touch()
    parsed = copying_parser().parse_args(["a.mp4", "--out", "b.mp4", "--over", "--shift", "-0.5"])
    assert (parsed.input, parsed.out, parsed.overwrite, parsed.shift) == ("a.mp4", "b.mp4", True, -0.5)
    assert copying_parser().parse_args(["-1"]).input == "-1"


@pytest.mark.parametrize(
    "arguments, name",
    [(["-dQw4w9.mp4"], "-dQw4w9.mp4"), (["a.mp4", "--out", "-b.mp4"], "-b.mp4"), (["--a.mp4"], "--a.mp4")],
)
def test_a_name_that_begins_with_a_hyphen_is_explained(arguments, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f"; if {name} is a file, give it as ./{name} "):
        copying_parser().parse_args(arguments)


def test_a_mistyped_option_is_no_name():
    for arguments in (["a.mp4", "--speed"], ["a.mp4", "--shift", "-x"]):
        with pytest.raises(UserError) as refused:
            copying_parser().parse_args(arguments)
        assert "is a file" not in str(refused.value)
