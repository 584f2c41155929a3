"""Follows the opcodes of a pickle as far as NumPy arrays in a tuple need them. Nothing in the pickle is executed.

The contents of arrays are not read: they are skipped, and where they lie in the file is noted.
"""

import struct
from dataclasses import dataclass

from command_line.user_error import UserError

# Two pickled arrays take about 120 opcodes. Each opcode adds at most one value to the stack and one to the memo, and
# no value holds more than LONGEST_VALUE bytes, so these two numbers bound memory and time whatever the file says.
MOST_OPCODES = 1000
LONGEST_VALUE = 256
# Of a name that an error repeats.
LONGEST_NAME = 80

SAVE_AGAIN = "save it again with pickle.dump((frames, labels), file, protocol=4)"


@dataclass(frozen=True)
class StoredBytes:
    """Bytes that lie in the file: `length` bytes from `offset`, or, if `latin1`, the UTF-8 of as many characters."""

    offset: int
    length: int
    latin1: bool = False


@dataclass(frozen=True)
class StoredText:
    """Text that lies in the file: `length` bytes of UTF-8 from `offset`."""

    offset: int
    length: int


@dataclass(frozen=True)
class Constructor:
    """One of NumPy's or Python's functions and classes, by name only."""

    name: str


@dataclass
class PickledDtype:
    """What numpy.dtype was called with, such as "f4", and the byte order: one of "<", ">", "|" and "="."""

    code: str
    byte_order: str = "|"


@dataclass
class PickledArray:
    """A NumPy array of which `contents` says where its bytes lie; all are None until the pickle has given them."""

    shape: tuple = None
    dtype: PickledDtype = None
    fortran_order: bool = False
    contents: StoredBytes = None


def follow_pickle(file, size):
    """Returns what the pickle describes: tuples, numbers, short texts and bytes, PickledArray, StoredBytes, StoredText.

    file: binary, at the start of a pickle of protocol 2 to 5; size: its length in bytes.
    Raises UserError, which names it, for whatever does not belong in a pickle of NumPy arrays.
    """
    follower = _Follower(file, size)
    _check_beginning(follower)
    for _ in range(MOST_OPCODES):
        opcode = follower.read(1)
        if opcode == b".":
            return follower.pop()
        if opcode not in _ACTIONS:
            raise _refused(_REFUSED_OPCODES.get(opcode, f"opcode 0x{opcode.hex()}"), file.tell() - 1)
        _ACTIONS[opcode](follower)
    raise UserError(f"the pickle holds more than two NumPy arrays (over {MOST_OPCODES} opcodes); {SAVE_AGAIN}")


def _check_beginning(follower):
    if follower.size == 0:
        raise UserError("the file is empty; download or copy it again")
    beginning = follower.file.read(8)
    if beginning.startswith(b"\x89HDF"):
        raise UserError("this is an HDF5 file, not a pickle; if this program made it, it needs no conversion")
    if beginning.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf")):
        raise UserError("this is a compressed file; unpack it and give the .pkl that it holds")
    if beginning.startswith((b"(c", b"cnumpy")):
        raise UserError(f"this looks like a pickle of protocol 0 or 1, which is not read here; {SAVE_AGAIN}")
    if beginning[:1] != b"\x80":
        raise UserError("this is not a pickle; give the course's youtube_train_data.pkl or the .zip that holds it")
    if len(beginning) > 1 and not 2 <= beginning[1] <= 5:
        raise UserError(f"this is no pickle of protocol 2 to 5 but, it says, of {beginning[1]}; {SAVE_AGAIN}")
    follower.file.seek(0)


def _refused(what, offset):
    return UserError(
        f"refused {what}, at byte {offset} of the pickle: two NumPy arrays have no need of it, and nothing was "
        f"executed; unless you trust the file, do not open it with pickle.load, and if you do, {SAVE_AGAIN}"
    )


class _Follower:
    """The stack, the marks and the memo of a pickle that is being followed."""

    def __init__(self, file, size):
        self.file = file
        self.size = size
        self.stack = []
        self.marks = []
        self.memo = {}

    def read(self, length):
        data = self.file.read(length)
        if len(data) < length:
            raise self.cut_short(length)
        return data

    def skip(self, length):
        """Returns the offset of the bytes skipped."""
        offset = self.file.tell()
        if length > self.size - offset:
            raise self.cut_short(length)
        self.file.seek(length, 1)
        return offset

    def cut_short(self, length):
        return UserError(
            f"the pickle is cut short: where {length} more bytes should follow, it ends at byte {self.size}; "
            "download or copy it again"
        )

    def number(self, form):
        return struct.unpack(form, self.read(struct.calcsize(form)))[0]

    def push(self, value):
        self.stack.append(value)

    def pop(self):
        if not self.stack:
            raise self.damaged("takes a value that is not there")
        return self.stack.pop()

    def damaged(self, what):
        return UserError(f"the pickle is damaged: byte {self.file.tell() - 1} {what}; download or copy the file again")

    def refused(self, what):
        return _refused(what, self.file.tell() - 1)


def _push_constant(value):
    return lambda follower: follower.push(value)


def _push_number(form):
    return lambda follower: follower.push(follower.number(form))


def _push_long(follower):
    length = follower.number("<B")
    if length > 8:
        raise follower.refused("an integer of more than 64 bits")
    follower.push(int.from_bytes(follower.read(length), "little", signed=True))


def _push_bytes(form):
    def action(follower):
        length = follower.number(form)
        if length < 0:
            raise follower.damaged(f"gives a string the length {length}")
        if length > LONGEST_VALUE:
            follower.push(StoredBytes(follower.skip(length), length))
        else:
            follower.push(follower.read(length))

    return action


def _push_text(form):
    def action(follower):
        length = follower.number(form)
        if length > LONGEST_VALUE:
            follower.push(StoredText(follower.skip(length), length))
        else:
            follower.push(_decoded(follower, follower.read(length)))

    return action


def _decoded(follower, data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise follower.damaged("ends a text that is not UTF-8") from None


def _push_tuple(length):
    def action(follower):
        follower.push(tuple(follower.pop() for _ in range(length))[::-1])

    return action


def _mark(follower):
    follower.marks.append(len(follower.stack))


def _push_tuple_from_mark(follower):
    if not follower.marks:
        raise follower.damaged("ends a tuple that never began")
    start = follower.marks.pop()
    follower.stack[start:] = [tuple(follower.stack[start:])]


def _skip_protocol(follower):
    follower.read(1)


def _skip_frame_length(follower):
    follower.read(8)


def _memoize(follower):
    _remember(follower, len(follower.memo))


def _put(form):
    return lambda follower: _remember(follower, follower.number(form))


def _remember(follower, number):
    value = follower.pop()
    follower.memo[number] = value
    follower.push(value)


def _get(form):
    def action(follower):
        number = follower.number(form)
        if number not in follower.memo:
            raise follower.damaged(f"asks for value {number}, which was not remembered")
        follower.push(follower.memo[number])

    return action


def _push_global(follower):
    module, name = (_read_line(follower) for _ in range(2))
    _push_constructor(follower, module, name)


def _read_line(follower):
    line = follower.file.readline(LONGEST_VALUE)
    if not line.endswith(b"\n"):
        raise follower.damaged("is in a name that does not end")
    return _decoded(follower, line[:-1])


def _push_global_from_stack(follower):
    name, module = follower.pop(), follower.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise follower.damaged("names a constructor by something other than text")
    _push_constructor(follower, module, name)


def _push_constructor(follower, module, name):
    full_name = f"{module}.{name}"
    if full_name not in _CONSTRUCTORS:
        raise follower.refused(ascii(full_name)[1:-1][:LONGEST_NAME])
    follower.push(Constructor(_CONSTRUCTORS[full_name]))


def _call(follower):
    arguments, constructor = follower.pop(), follower.pop()
    if not isinstance(constructor, Constructor) or constructor.name not in _CALLS:
        raise follower.refused("a call of something other than NumPy's constructors")
    if not isinstance(arguments, tuple):
        raise follower.damaged("calls a constructor without a tuple of arguments")
    follower.push(_CALLS[constructor.name](follower, arguments))


def _reconstruct_array(follower, arguments):
    if len(arguments) != 3 or arguments[0] != Constructor("numpy.ndarray"):
        raise follower.refused("an array of another class than numpy.ndarray")
    return PickledArray()


def _array_from_buffer(follower, arguments):
    if len(arguments) != 4 or not isinstance(arguments[3], str) or arguments[3] not in ("C", "F"):
        raise follower.damaged("makes an array of what is not one")
    contents, dtype, shape, order = arguments
    array = PickledArray()
    _set_array(follower, array, shape, dtype, order == "F", contents)
    return array


def _make_dtype(follower, arguments):
    code = _short_text(arguments[0]) if len(arguments) == 3 else None
    if code is None:
        raise follower.refused("a dtype that is not a plain number's")
    if code.startswith("O"):
        raise follower.refused("an array of Python objects (dtype object)")
    return PickledDtype(code)


def _encode(follower, arguments):
    if len(arguments) != 2 or not isinstance(arguments[1], str) or arguments[1] != "latin1":
        raise follower.refused("_codecs.encode with another encoding than latin1")
    text = arguments[0]
    if isinstance(text, StoredText):
        return StoredBytes(text.offset, text.length, latin1=True)
    if not isinstance(text, str) or any(ord(character) > 255 for character in text):
        raise follower.damaged("encodes what is no latin1 text")
    return text.encode("latin-1")


def _build(follower):
    state, target = follower.pop(), follower.pop()
    if not isinstance(state, tuple):
        raise follower.refused("a state that is no NumPy array's")
    if isinstance(target, PickledDtype):
        _set_dtype(follower, target, state)
    elif isinstance(target, PickledArray) and len(state) == 5:
        _set_array(follower, target, *state[1:])
    else:
        raise follower.refused("a state that is no NumPy array's")
    follower.push(target)


def _set_dtype(follower, dtype, state):
    if len(state) < 5 or any(part is not None for part in state[2:5]):
        raise follower.refused("a dtype that is not a plain number's")
    byte_order = _short_text(state[1])
    if byte_order not in ("<", ">", "|", "="):
        raise follower.damaged("gives a dtype no byte order")
    dtype.byte_order = byte_order


def _set_array(follower, array, shape, dtype, fortran_order, contents):
    if not isinstance(shape, tuple) or not all(type(length) is int and length >= 0 for length in shape):
        raise follower.damaged("gives an array a shape that is not made of lengths")
    if not isinstance(dtype, PickledDtype):
        raise follower.damaged("gives an array no dtype")
    if not isinstance(contents, (StoredBytes, bytes)):
        raise follower.damaged("gives an array contents that are not bytes")
    array.shape, array.dtype, array.fortran_order, array.contents = shape, dtype, bool(fortran_order), contents


def _short_text(value):
    """Text as Python 3 writes it or bytes as Python 2 does; None if it is neither."""
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

_CALLS = {
    "numpy.dtype": _make_dtype,
    "_reconstruct": _reconstruct_array,
    "_frombuffer": _array_from_buffer,
    "encode": _encode,
}

_ACTIONS = {
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
