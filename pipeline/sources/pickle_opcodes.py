"""Parses the opcodes of a pickle that a tuple of NumPy arrays needs, and executes nothing.

The contents of the arrays are not read: they are skipped, and their position in the file is recorded.

`pickletools.genops` and `fickling`, which is built on it, were considered: they read the argument of every opcode into
memory, and the contents of the arrays are such arguments.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedIOBase
from typing import NamedTuple, TypeAlias

from support.user_error import UserError

# Two pickled arrays take about 120 opcodes. Each opcode adds at most one value to the stack and one to the memo, and
# no value holds more than LONGEST_VALUE bytes, so these two numbers bound memory and time for any file.
MOST_OPCODES = 1000
LONGEST_VALUE = 256
# Of a dtype's state as NumPy pickles it. Of a state of fewer parts it reads others, of one of more none.
PARTS_OF_DTYPE = (8, 9)
# Of a name that an error message quotes.
LONGEST_NAME = 80

SAVE_AGAIN = "save it again with pickle.dump((frames, labels), file, protocol=4)"


@dataclass(frozen=True)
class StoredBytes:
    """Bytes in the file: `length` bytes from `offset`.

    latin1: whether they are the UTF-8 encoding of text whose latin1 encoding is meant.
    """

    offset: int
    length: int
    latin1: bool = False


@dataclass(frozen=True)
class StoredText:
    """Text in the file: `length` bytes of UTF-8 from `offset`."""

    offset: int
    length: int


@dataclass(frozen=True)
class Constructor:
    """A function or class of NumPy or Python, by name only."""

    name: str


@dataclass
class PickledDtype:
    """The argument of numpy.dtype, such as "f4", and the byte order: one of "<", ">", "|" and "="."""

    code: str
    byte_order: str = "|"


class ArrayState(NamedTuple):
    """What a pickle says of a NumPy array. contents: short ones themselves, long ones by their place in the file."""

    shape: tuple[int, ...]
    dtype: PickledDtype
    fortran_order: bool
    contents: StoredBytes | bytes


@dataclass
class PickledArray:
    """A NumPy array. state: None until the pickle has given it."""

    state: ArrayState | None = None


PickledValue: TypeAlias = (
    "None | int | str | bytes | tuple[PickledValue, ...] | StoredBytes | StoredText | Constructor | PickledDtype |"
    " PickledArray"
)


def parse_pickle(file: BufferedIOBase, size: int) -> PickledValue:
    """Returns the pickled value; text and bytes of more than LONGEST_VALUE bytes are StoredText and StoredBytes.

    file: at the start of a pickle of protocol 2 to 5. size: its length in bytes. Raises UserError if the pickle is
    malformed or holds anything that a tuple of NumPy arrays does not need; the message names it.
    """
    parser = _Parser(file, size)
    _check_beginning(parser)
    for _ in range(MOST_OPCODES):
        opcode = parser.read(1)
        if opcode == b".":
            return parser.pop()
        if opcode not in _ACTIONS:
            raise _refused(_REFUSED_OPCODES.get(opcode, f"opcode 0x{opcode.hex()}"), file.tell() - 1)
        _ACTIONS[opcode](parser)
    raise UserError(f"the pickle holds more than two NumPy arrays (over {MOST_OPCODES} opcodes); {SAVE_AGAIN}")


def _check_beginning(parser: _Parser) -> None:
    if parser.size == 0:
        raise UserError("the file is empty; download or copy it again")
    beginning = parser.file.read(8)
    if beginning.startswith(b"\x89HDF"):
        raise UserError("this is an HDF5 file, not a pickle; if this program made it, it needs no conversion")
    if beginning.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf")):
        raise UserError("this is a compressed file; unpack it and give the .pkl that it holds")
    if beginning.startswith((b"(c", b"cnumpy")):
        raise UserError(f"this looks like a pickle of protocol 0 or 1, which is not read here; {SAVE_AGAIN}")
    if beginning[:1] != b"\x80":
        raise UserError("this is not a pickle; give the course's youtube_train_data.pkl or the .zip that holds it")
    if len(beginning) > 1 and not 2 <= beginning[1] <= 5:
        raise UserError(f"this pickle has protocol {beginning[1]}, only protocols 2 to 5 are read; {SAVE_AGAIN}")
    parser.file.seek(0)


def _refused(what: str, offset: int) -> UserError:
    return UserError(
        f"refused {what}, at byte {offset} of the pickle: two NumPy arrays have no need of it, and nothing was "
        f"executed; unless you trust the file, do not open it with pickle.load, and if you do, {SAVE_AGAIN}"
    )


class _Parser:
    """A pickle that is being parsed: its stack, marks and memo."""

    def __init__(self, file: BufferedIOBase, size: int) -> None:
        self.file = file
        self.size = size
        self.stack: list[PickledValue] = []
        self.marks: list[int] = []
        self.memo: dict[int, PickledValue] = {}

    def read(self, length: int) -> bytes:
        data = self.file.read(length)
        if len(data) < length:
            raise self.cut_short(length)
        return data

    def skip(self, length: int) -> int:
        """Returns the offset of the skipped bytes."""
        offset = self.file.tell()
        if length > self.size - offset:
            raise self.cut_short(length)
        self.file.seek(length, 1)
        return offset

    def cut_short(self, length: int) -> UserError:
        return UserError(
            f"the pickle is cut short: where {length} more bytes should follow, it ends at byte {self.size}; "
            "download or copy it again"
        )

    def number(self, format: str) -> int:
        """Reads an integer in this format of the struct module."""
        number: int = struct.unpack(format, self.read(struct.calcsize(format)))[0]
        return number

    def push(self, value: PickledValue) -> None:
        self.stack.append(value)

    def pop(self) -> PickledValue:
        if not self.stack:
            raise self.damaged("takes a value that is not there")
        return self.stack.pop()

    def damaged(self, what: str) -> UserError:
        return UserError(f"the pickle is damaged: byte {self.file.tell() - 1} {what}; download or copy the file again")

    def refused(self, what: str) -> UserError:
        return _refused(what, self.file.tell() - 1)


Action: TypeAlias = Callable[[_Parser], None]


def _push_constant(value: PickledValue) -> Action:
    return lambda parser: parser.push(value)


def _push_number(format: str) -> Action:
    return lambda parser: parser.push(parser.number(format))


def _push_long(parser: _Parser) -> None:
    length = parser.number("<B")
    if length > 8:
        raise parser.refused("an integer of more than 64 bits")
    parser.push(int.from_bytes(parser.read(length), "little", signed=True))


def _push_bytes(length_format: str) -> Action:
    def action(parser: _Parser) -> None:
        length = parser.number(length_format)
        if length < 0:
            raise parser.damaged(f"gives a string the length {length}")
        if length > LONGEST_VALUE:
            parser.push(StoredBytes(parser.skip(length), length))
        else:
            parser.push(parser.read(length))

    return action


def _push_text(length_format: str) -> Action:
    def action(parser: _Parser) -> None:
        length = parser.number(length_format)
        if length > LONGEST_VALUE:
            parser.push(StoredText(parser.skip(length), length))
        else:
            parser.push(_decoded(parser, parser.read(length)))

    return action


def _decoded(parser: _Parser, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise parser.damaged("ends a text that is not UTF-8") from None


def _push_tuple(length: int) -> Action:
    def action(parser: _Parser) -> None:
        parser.push(tuple(parser.pop() for _ in range(length))[::-1])

    return action


def _mark(parser: _Parser) -> None:
    parser.marks.append(len(parser.stack))


def _push_tuple_from_mark(parser: _Parser) -> None:
    if not parser.marks:
        raise parser.damaged("ends a tuple that never began")
    start = parser.marks.pop()
    parser.stack[start:] = [tuple(parser.stack[start:])]


def _skip_protocol(parser: _Parser) -> None:
    parser.read(1)


def _skip_frame_length(parser: _Parser) -> None:
    parser.read(8)


def _memoize(parser: _Parser) -> None:
    _remember(parser, len(parser.memo))


def _put(format: str) -> Action:
    return lambda parser: _remember(parser, parser.number(format))


def _remember(parser: _Parser, number: int) -> None:
    value = parser.pop()
    parser.memo[number] = value
    parser.push(value)


def _get(format: str) -> Action:
    def action(parser: _Parser) -> None:
        number = parser.number(format)
        if number not in parser.memo:
            raise parser.damaged(f"asks for value {number}, which was not remembered")
        parser.push(parser.memo[number])

    return action


def _push_global(parser: _Parser) -> None:
    module, name = (_read_line(parser) for _ in range(2))
    _push_constructor(parser, module, name)


def _read_line(parser: _Parser) -> str:
    line = parser.file.readline(LONGEST_VALUE)
    if not line.endswith(b"\n"):
        raise parser.damaged("is in a name that does not end")
    return _decoded(parser, line[:-1])


def _push_global_from_stack(parser: _Parser) -> None:
    name, module = parser.pop(), parser.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise parser.damaged("names a constructor by something other than text")
    _push_constructor(parser, module, name)


def _push_constructor(parser: _Parser, module: str, name: str) -> None:
    full_name = f"{module}.{name}"
    if full_name not in _CONSTRUCTORS:
        raise parser.refused(ascii(full_name)[1:-1][:LONGEST_NAME])
    parser.push(Constructor(_CONSTRUCTORS[full_name]))


def _call(parser: _Parser) -> None:
    arguments, constructor = parser.pop(), parser.pop()
    if not isinstance(constructor, Constructor) or constructor.name not in _CALLS:
        raise parser.refused("a call of something other than NumPy's constructors")
    if not isinstance(arguments, tuple):
        raise parser.damaged("calls a constructor without a tuple of arguments")
    parser.push(_CALLS[constructor.name](parser, arguments))


Arguments: TypeAlias = tuple[PickledValue, ...]


def _reconstruct_array(parser: _Parser, arguments: Arguments) -> PickledArray:
    if len(arguments) != 3 or arguments[0] != Constructor("numpy.ndarray"):
        raise parser.refused("an array of a class other than numpy.ndarray")
    return PickledArray()


def _array_from_buffer(parser: _Parser, arguments: Arguments) -> PickledArray:
    if len(arguments) != 4 or not isinstance(arguments[3], str) or arguments[3] not in ("C", "F"):
        raise parser.damaged("makes an array of what is not one")
    contents, dtype, shape, order = arguments
    return PickledArray(_array_state(parser, shape, dtype, order == "F", contents))


def _make_dtype(parser: _Parser, arguments: Arguments) -> PickledDtype:
    # The third says that it is a copy: one of NumPy's own would keep its byte order, whatever comes later.
    code = _short_text(arguments[0]) if len(arguments) == 3 and arguments[2] == 1 else None
    if code is None:
        raise parser.refused("a dtype that is not a plain number's")
    if code.startswith("O"):
        raise parser.refused("an array of Python objects (dtype object)")
    return PickledDtype(code)


def _encode(parser: _Parser, arguments: Arguments) -> StoredBytes | bytes:
    if len(arguments) != 2 or not isinstance(arguments[1], str) or arguments[1] != "latin1":
        raise parser.refused("_codecs.encode with an encoding other than latin1")
    text = arguments[0]
    if isinstance(text, StoredText):
        return StoredBytes(text.offset, text.length, latin1=True)
    if not isinstance(text, str) or any(ord(character) > 255 for character in text):
        raise parser.damaged("encodes text that is not latin1")
    return text.encode("latin-1")


def _build(parser: _Parser) -> None:
    state, target = parser.pop(), parser.pop()
    if not isinstance(state, tuple):
        raise parser.refused("a state that is not a NumPy array's")
    if isinstance(target, PickledDtype):
        _set_dtype(parser, target, state)
    elif isinstance(target, PickledArray) and len(state) == 5:
        _, shape, dtype, fortran_order, contents = state
        target.state = _array_state(parser, shape, dtype, fortran_order, contents)
    else:
        raise parser.refused("a state that is not a NumPy array's")
    parser.push(target)


def _set_dtype(parser: _Parser, dtype: PickledDtype, state: Arguments) -> None:
    if len(state) not in PARTS_OF_DTYPE or any(part is not None for part in state[2:5]):
        raise parser.refused("a dtype that is not a plain number's")
    byte_order = _short_text(state[1])
    if byte_order not in ("<", ">", "|", "="):
        raise parser.damaged("gives a dtype no byte order")
    dtype.byte_order = byte_order


def _array_state(
    parser: _Parser,
    shape: PickledValue,
    dtype: PickledValue,
    fortran_order: PickledValue,
    contents: PickledValue,
) -> ArrayState:
    # bool is a subclass of int.
    lengths = tuple(n for n in shape if type(n) is int and n >= 0) if isinstance(shape, tuple) else None
    if lengths is None or lengths != shape:
        raise parser.damaged("gives an array a shape that is not made of lengths")
    if not isinstance(dtype, PickledDtype):
        raise parser.damaged("gives an array no dtype")
    if not isinstance(contents, (StoredBytes, bytes)):
        raise parser.damaged("gives an array contents that are not bytes")
    return ArrayState(lengths, dtype, bool(fortran_order), contents)


def _short_text(value: PickledValue) -> str | None:
    """Short text, which Python 2 pickles as bytes; None for anything else."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return value if isinstance(value, str) else None


_CONSTRUCTORS = {
    "numpy.ndarray": "numpy.ndarray",
    "numpy.dtype": "numpy.dtype",
    "numpy.core.multiarray._reconstruct": "_reconstruct",
    "numpy._core.multiarray._reconstruct": "_reconstruct",
    "numpy.core.numeric._frombuffer": "_frombuffer",
    "numpy._core.numeric._frombuffer": "_frombuffer",
    "_codecs.encode": "encode",
}

_CALLS: dict[str, Callable[[_Parser, Arguments], PickledValue]] = {
    "numpy.dtype": _make_dtype,
    "_reconstruct": _reconstruct_array,
    "_frombuffer": _array_from_buffer,
    "encode": _encode,
}

_ACTIONS: dict[bytes, Action] = {
    b"\x80": _skip_protocol,
    b"\x95": _skip_frame_length,
    b"(": _mark,
    b")": _push_tuple(0),
    b"\x85": _push_tuple(1),
    b"\x86": _push_tuple(2),
    b"\x87": _push_tuple(3),
    b"t": _push_tuple_from_mark,
    b"N": _push_constant(None),
    b"\x88": _push_constant(True),
    b"\x89": _push_constant(False),
    b"K": _push_number("<B"),
    b"M": _push_number("<H"),
    b"J": _push_number("<i"),
    b"\x8a": _push_long,
    b"U": _push_bytes("<B"),
    b"T": _push_bytes("<i"),
    b"C": _push_bytes("<B"),
    b"B": _push_bytes("<I"),
    b"\x8e": _push_bytes("<Q"),
    b"\x96": _push_bytes("<Q"),
    b"\x8c": _push_text("<B"),
    b"X": _push_text("<I"),
    b"\x8d": _push_text("<Q"),
    b"c": _push_global,
    b"\x93": _push_global_from_stack,
    b"R": _call,
    b"b": _build,
    b"\x94": _memoize,
    b"q": _put("<B"),
    b"r": _put("<I"),
    b"h": _get("<B"),
    b"j": _get("<I"),
}

_REFUSED_OPCODES = {
    b"P": "a persistent id",
    b"Q": "a persistent id",
    b"\x82": "an extension code",
    b"\x83": "an extension code",
    b"\x84": "an extension code",
    b"i": "an object of a class (opcode INST)",
    b"o": "an object of a class (opcode OBJ)",
    b"\x81": "an object of a class (opcode NEWOBJ)",
    b"\x92": "an object of a class (opcode NEWOBJ_EX)",
    b"]": "a list",
    b"l": "a list",
    b"}": "a dictionary",
    b"d": "a dictionary",
    b"\x8f": "a set",
    b"\x91": "a frozen set",
    b"F": "a single float",
    b"G": "a single float",
    b"\x8b": "an integer of more than 64 bits",
    b"\x97": "a buffer that lies outside the file",
    b"\x98": "a buffer that lies outside the file",
}
