"""Follows the opcodes of a pickle as far as a tuple of NumPy arrays needs them. Nothing is executed.

The contents of the arrays are skipped, and their position in the file is recorded. Functions and classes are known by
name only: a pickle that names any other than NumPy's constructors of arrays is refused.

`pickletools.genops` and `fickling`, which uses it, were considered: they read the argument of every opcode into memory,
and the contents of the arrays are such arguments.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BufferedIOBase
from typing import TypeAlias

from pipeline.sources.other_files import BEGINNING, GIVE_THE_PICKLE, check_is_pickle
from support.user_error import UserError

# Two pickled arrays take about 120 opcodes. Each opcode adds at most one value to the stack and one to the memo, and no
# value holds more than LONGEST_VALUE bytes. So these two numbers limit memory and time for any file.
MOST_OPCODES = 1000
LONGEST_VALUE = 256
# The lengths of the state with which NumPy pickles a dtype. From shorter states it reads other parts, from longer ones
# nothing.
LENGTHS_OF_DTYPE_STATE = (8, 9)
LONGEST_NAME = 80  # characters of a name that an error message quotes

SAVE_AGAIN = "save it again with pickle.dump((frames, labels), file, protocol=4)"


@dataclass(frozen=True)
class StoredBytes:
    """Bytes that remain in a file."""

    offset: int
    length: int
    latin1: bool = False  # whether they are UTF-8 text, and the bytes meant are that text in latin1
    file: BufferedIOBase | None = None  # that contains them, if it is not the pickle


@dataclass(frozen=True)
class StoredText:
    """Text that remains in the file, as UTF-8."""

    offset: int
    length: int  # in bytes


@dataclass(frozen=True)
class Constructor:
    """A function or class of NumPy or Python, by name only."""

    name: str


@dataclass
class PickledDtype:
    code: str  # the argument of numpy.dtype, such as "f4"
    byte_order: str = "|"  # "<", ">", "|" or "="


@dataclass(frozen=True)
class ArrayState:
    """What a pickle says about a NumPy array."""

    shape: tuple[int, ...]
    dtype: PickledDtype
    fortran_order: bool
    contents: StoredBytes | bytes  # bytes if there are at most LONGEST_VALUE


@dataclass
class PickledArray:
    state: ArrayState | None = None  # None until the pickle has given it


PickledValue: TypeAlias = (
    "None | int | str | bytes | tuple[PickledValue, ...] | StoredBytes | StoredText | Constructor | PickledDtype |"
    " PickledArray"
)

CONSTRUCTORS = {
    "numpy.ndarray": Constructor("ndarray"),
    "numpy.dtype": Constructor("dtype"),
    "numpy.core.multiarray._reconstruct": Constructor("_reconstruct"),
    "numpy._core.multiarray._reconstruct": Constructor("_reconstruct"),
    "numpy.core.numeric._frombuffer": Constructor("_frombuffer"),
    "numpy._core.numeric._frombuffer": Constructor("_frombuffer"),
    "_codecs.encode": Constructor("encode"),
}

# The opcodes that are followed, by what they do; pickletools describes each. Formats are those of the struct module.
SKIPPED_BYTES = {b"\x80": 1, b"\x95": 8}  # PROTO, FRAME
CONSTANTS = {b"N": None, b"\x88": True, b"\x89": False}
INTEGERS = {b"K": "<B", b"M": "<H", b"J": "<i"}
LENGTHS_OF_BYTES = {b"U": "<B", b"T": "<i", b"C": "<B", b"B": "<I", b"\x8e": "<Q", b"\x96": "<Q"}
LENGTHS_OF_TEXT = {b"\x8c": "<B", b"X": "<I", b"\x8d": "<Q"}
LENGTHS_OF_TUPLES = {b")": 0, b"\x85": 1, b"\x86": 2, b"\x87": 3}
MEMO_PUTS = {b"q": "<B", b"r": "<I"}
MEMO_GETS = {b"h": "<B", b"j": "<I"}

REFUSED_OPCODES = {
    "a persistent id": b"PQ",
    "an extension code": b"\x82\x83\x84",
    "an object of a class (opcode INST)": b"i",
    "an object of a class (opcode OBJ)": b"o",
    "an object of a class (opcode NEWOBJ)": b"\x81",
    "an object of a class (opcode NEWOBJ_EX)": b"\x92",
    "a list": b"]l",
    "a dictionary": b"}d",
    "a set": b"\x8f",
    "a frozen set": b"\x91",
    "a single float": b"FG",
    "an integer of more than 64 bits": b"\x8b",
    "a buffer outside the file": b"\x97\x98",
}


def parse_pickle(file: BufferedIOBase, size: int) -> PickledValue:
    """Returns the pickled value; text and bytes of more than LONGEST_VALUE bytes are StoredText and StoredBytes.

    file: at the start of a pickle of protocol 2 to 5. size: its length in bytes. Raises UserError if the pickle is
    malformed or contains anything that a tuple of NumPy arrays does not need; the message names it.
    """
    _check_beginning(file.read(BEGINNING), size)
    file.seek(0)
    parser = _Parser(file, size)
    for _ in range(MOST_OPCODES):
        opcode = parser.read(1)
        if opcode == b".":
            return parser.pop()
        parser.follow(opcode)
    raise UserError(f"the pickle contains more than two NumPy arrays (over {MOST_OPCODES} opcodes); {SAVE_AGAIN}")


def _check_beginning(beginning: bytes, size: int) -> None:
    if size == 0:
        raise UserError("the file is empty; download or copy it again")
    if beginning.startswith((b"(c", b"cnumpy")):
        raise UserError(f"this seems to be a pickle of protocol 0 or 1, which is not supported; {SAVE_AGAIN}")
    check_is_pickle(beginning)
    if beginning[:1] != b"\x80":
        raise UserError(f"this is not a pickle; {GIVE_THE_PICKLE}")
    if len(beginning) > 1 and not 2 <= beginning[1] <= 5:
        raise UserError(f"this pickle has protocol {beginning[1]}, only protocols 2 to 5 are supported; {SAVE_AGAIN}")


class _Parser:
    """A pickle's stack, marks and memo, and what each opcode does to them."""

    def __init__(self, file: BufferedIOBase, size: int) -> None:
        self._file = file
        self._size = size
        self._stack: list[PickledValue] = []
        self._marks: list[int] = []
        self._memo: dict[int, PickledValue] = {}

    def follow(self, opcode: bytes) -> None:
        if opcode in SKIPPED_BYTES:
            self.read(SKIPPED_BYTES[opcode])
        elif opcode in CONSTANTS:
            self._stack.append(CONSTANTS[opcode])
        elif opcode in INTEGERS:
            self._stack.append(self._number(INTEGERS[opcode]))
        elif opcode == b"\x8a":  # LONG1
            self._stack.append(self._long())
        elif opcode in LENGTHS_OF_BYTES:
            self._stack.append(self._bytes(self._number(LENGTHS_OF_BYTES[opcode])))
        elif opcode in LENGTHS_OF_TEXT:
            self._stack.append(self._text(self._number(LENGTHS_OF_TEXT[opcode])))
        elif opcode in LENGTHS_OF_TUPLES:
            self._stack.append(tuple(self.pop() for _ in range(LENGTHS_OF_TUPLES[opcode]))[::-1])
        elif opcode == b"(":  # MARK
            self._marks.append(len(self._stack))
        elif opcode == b"t":  # TUPLE
            if not self._marks:
                raise self._damaged("ends a tuple that never began")
            start = self._marks.pop()
            self._stack[start:] = [tuple(self._stack[start:])]
        elif opcode == b"\x94":  # MEMOIZE
            self._put(len(self._memo))
        elif opcode in MEMO_PUTS:
            self._put(self._number(MEMO_PUTS[opcode]))
        elif opcode in MEMO_GETS:
            number = self._number(MEMO_GETS[opcode])
            if number not in self._memo:
                raise self._damaged(f"asks for value {number}, which is not in the memo")
            self._stack.append(self._memo[number])
        elif opcode == b"c":  # GLOBAL
            module, name = self._line(), self._line()
            self._stack.append(self._constructor(module, name))
        elif opcode == b"\x93":  # STACK_GLOBAL
            last, first = self.pop(), self.pop()
            self._stack.append(self._constructor(first, last))
        elif opcode == b"R":  # REDUCE
            arguments, constructor = self.pop(), self.pop()
            self._stack.append(self._call(constructor, arguments))
        elif opcode == b"b":  # BUILD
            state, target = self.pop(), self.pop()
            self._build(target, state)
            self._stack.append(target)
        else:
            named = [what for what, opcodes in REFUSED_OPCODES.items() if opcode in opcodes]
            raise self._refused(named[0] if named else f"opcode 0x{opcode.hex()}")

    def read(self, length: int) -> bytes:
        data = self._file.read(length)
        if len(data) < length:
            raise self._cut_short(length)
        return data

    def pop(self) -> PickledValue:
        if not self._stack:
            raise self._damaged("takes a value from an empty stack")
        return self._stack.pop()

    def _put(self, number: int) -> None:
        value = self.pop()
        self._memo[number] = value
        self._stack.append(value)

    def _number(self, format: str) -> int:
        number: int = struct.unpack(format, self.read(struct.calcsize(format)))[0]
        return number

    def _long(self) -> int:
        length = self._number("<B")
        if length > 8:
            raise self._refused("an integer of more than 64 bits")
        return int.from_bytes(self.read(length), "little", signed=True)

    def _bytes(self, length: int) -> StoredBytes | bytes:
        if length < 0:
            raise self._damaged(f"gives a string the length {length}")
        return self.read(length) if length <= LONGEST_VALUE else StoredBytes(self._skip(length), length)

    def _text(self, length: int) -> StoredText | str:
        if length > LONGEST_VALUE:
            return StoredText(self._skip(length), length)
        return self._decoded(self.read(length))

    def _line(self) -> str:
        line = self._file.readline(LONGEST_VALUE)
        if not line.endswith(b"\n"):
            raise self._damaged("is in a name that does not end")
        return self._decoded(line[:-1])

    def _skip(self, length: int) -> int:
        """Returns the offset of the skipped bytes."""
        offset = self._file.tell()
        if length > self._size - offset:
            raise self._cut_short(length)
        self._file.seek(length, 1)
        return offset

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise self._damaged("ends a text that is not UTF-8") from None

    def _constructor(self, module: PickledValue, name: PickledValue) -> Constructor:
        if not isinstance(name, str) or not isinstance(module, str):
            raise self._damaged("names a constructor by something other than text")
        full_name = f"{module}.{name}"
        if full_name not in CONSTRUCTORS:
            raise self._refused(ascii(full_name)[1:-1][:LONGEST_NAME])
        return CONSTRUCTORS[full_name]

    def _call(self, constructor: PickledValue, arguments: PickledValue) -> PickledValue:
        name = constructor.name if isinstance(constructor, Constructor) else None
        if name is None or name == "ndarray":
            raise self._refused("a call of something other than NumPy's constructors")
        if not isinstance(arguments, tuple):
            raise self._damaged("calls a constructor without a tuple of arguments")
        if name == "dtype":
            return self._dtype(arguments)
        if name == "encode":
            return self._encoded(arguments)
        if name == "_reconstruct":
            if len(arguments) != 3 or arguments[0] != CONSTRUCTORS["numpy.ndarray"]:
                raise self._refused("an array of a class other than numpy.ndarray")
            return PickledArray()
        if len(arguments) != 4 or not isinstance(arguments[3], str) or arguments[3] not in ("C", "F"):
            raise self._damaged("makes an array of unsuitable values")
        contents, dtype, shape, order = arguments
        return PickledArray(self._array_state(shape, dtype, order == "F", contents))

    def _dtype(self, arguments: tuple[PickledValue, ...]) -> PickledDtype:
        # The third argument requests a copy. Without it, NumPy would return its own dtype, which keeps its byte order.
        code = _short_text(arguments[0]) if len(arguments) == 3 and arguments[2] == 1 else None
        if code is None:
            raise self._refused("a dtype that is not a plain number's")
        if code.startswith("O"):
            raise self._refused("an array of Python objects (dtype object)")
        return PickledDtype(code)

    def _encoded(self, arguments: tuple[PickledValue, ...]) -> StoredBytes | bytes:
        if len(arguments) != 2 or not isinstance(arguments[1], str) or arguments[1] != "latin1":
            raise self._refused("_codecs.encode with an encoding other than latin1")
        text = arguments[0]
        if isinstance(text, StoredText):
            return StoredBytes(text.offset, text.length, latin1=True)
        if not isinstance(text, str) or any(ord(character) > 255 for character in text):
            raise self._damaged("encodes text that is not latin1")
        return text.encode("latin-1")

    def _build(self, target: PickledValue, state: PickledValue) -> None:
        if isinstance(target, PickledDtype) and isinstance(state, tuple):
            if len(state) not in LENGTHS_OF_DTYPE_STATE or any(part is not None for part in state[2:5]):
                raise self._refused("a dtype that is not a plain number's")
            byte_order = _short_text(state[1])
            if byte_order not in ("<", ">", "|", "="):
                raise self._damaged("gives a dtype no byte order")
            target.byte_order = byte_order
        elif isinstance(target, PickledArray) and isinstance(state, tuple) and len(state) == 5:
            _, shape, dtype, fortran_order, contents = state
            target.state = self._array_state(shape, dtype, fortran_order, contents)
        else:
            raise self._refused("a state that is not a NumPy array's")

    def _array_state(
        self, shape: PickledValue, dtype: PickledValue, fortran_order: PickledValue, contents: PickledValue
    ) -> ArrayState:
        # `type`, because bool is a subclass of int.
        lengths = tuple(n for n in shape if type(n) is int and n >= 0) if isinstance(shape, tuple) else None
        if lengths is None or lengths != shape:
            raise self._damaged("gives an array a shape that is not made of lengths")
        if not isinstance(dtype, PickledDtype):
            raise self._damaged("gives an array no dtype")
        if not isinstance(contents, (StoredBytes, bytes)):
            raise self._damaged("gives an array contents that are not bytes")
        return ArrayState(lengths, dtype, bool(fortran_order), contents)

    def _cut_short(self, length: int) -> UserError:
        return UserError(
            f"the pickle is cut short: it ends at byte {self._size}, where {length} more bytes should follow; "
            "download or copy it again"
        )

    def _damaged(self, what: str) -> UserError:
        return UserError(f"the pickle is damaged: byte {self._file.tell() - 1} {what}; download or copy the file again")

    def _refused(self, what: str) -> UserError:
        return UserError(
            f"refused {what}, at byte {self._file.tell() - 1} of the pickle: two NumPy arrays do not need it; nothing "
            "was executed. If you do not trust the file, do not open it with pickle.load; if you do, " + SAVE_AGAIN
        )


def _short_text(value: PickledValue) -> str | None:
    """Short text, which Python 2 pickles as bytes; None for anything else."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return value if isinstance(value, str) else None
