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
