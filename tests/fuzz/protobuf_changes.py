"""Changes of protobuf messages that leave them valid protobuf."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.message import Message

NUMBERS = (0, 1, 2, 3, 7, 255, 2**31 - 1, -1, -(2**31))
LARGE_NUMBERS = (2**40, 2**63 - 1, -(2**63))
INTEGERS_64 = {Field.TYPE_INT64, Field.TYPE_SINT64, Field.TYPE_SFIXED64}
UNSIGNED = {Field.TYPE_UINT32, Field.TYPE_UINT64, Field.TYPE_FIXED32, Field.TYPE_FIXED64}
FLOATS = {Field.TYPE_FLOAT, Field.TYPE_DOUBLE}


def change_message(message: Message, drawn: Random, texts: Sequence[str]) -> None:
    """Changes, removes, repeats or adds one field of the message, or of one anywhere in it.

    texts: strings that may replace others, in addition to those of the message.
    """
    inner = list(_messages_in(message))
    texts = [*texts, *_texts_of(inner, drawn)]
    chosen = drawn.choice(inner)
    present = [field for field, _ in chosen.ListFields()]
    fields = present if present and drawn.random() < 0.8 else list(chosen.DESCRIPTOR.fields)
    if fields:
        _change_field(chosen, drawn.choice(fields), drawn, texts)


def _messages_in(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.type == Field.TYPE_MESSAGE:
            for inner in _values(field, value):
                if hasattr(inner, "ListFields"):
                    yield from _messages_in(inner)


def _values(field: Field, value: Any) -> list[Any]:
    if not _is_repeated(field):
        return [value]
    return list(value.values()) if _is_map(field) else list(value)


def _is_repeated(field: Field) -> bool:
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == Field.LABEL_REPEATED


def _is_map(field: Field) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _texts_of(messages: Sequence[Message], drawn: Random) -> list[str]:
    some = drawn.sample(messages, min(20, len(messages)))
    fields = [(message, field) for message in some for field, _ in message.ListFields()]
    return [
        text
        for message, field in fields
        if field.type == Field.TYPE_STRING
        for text in _values(field, getattr(message, field.name))
    ]


def _change_field(message: Message, field: Field, drawn: Random, texts: Sequence[str]) -> None:
    values = getattr(message, field.name)
    if _is_map(field):
        _change_map(values, field, drawn, texts)
    elif _is_repeated(field):
        _change_repeated(values, field, drawn, texts)
    elif drawn.random() < 0.2:
        message.ClearField(field.name)
    elif field.type == Field.TYPE_MESSAGE:
        values.SetInParent()
    else:
        setattr(message, field.name, _scalar(field, drawn, texts))


def _change_map(values: Any, field: Field, drawn: Random, texts: Sequence[str]) -> None:
    keys = sorted(values)
    key = _scalar(field.message_type.fields_by_name["key"], drawn, [*texts, *keys] if keys else texts)
    is_of_messages = field.message_type.fields_by_name["value"].type == Field.TYPE_MESSAGE
    if keys and drawn.random() < 0.4:
        del values[drawn.choice(keys)]
    elif keys and is_of_messages:
        values[key].CopyFrom(values[drawn.choice(keys)])
    elif is_of_messages:
        values[key].SetInParent()
    else:
        values[key] = _scalar(field.message_type.fields_by_name["value"], drawn, texts)


def _change_repeated(values: Any, field: Field, drawn: Random, texts: Sequence[str]) -> None:
    place = drawn.randrange(len(values)) if values else None
    choice = drawn.randrange(4)
    if place is not None and choice == 0:
        del values[place]
    elif place is not None and choice == 1:
        values.extend([values[place]] * drawn.choice([1, 1, 2, 300]))
    elif field.type == Field.TYPE_MESSAGE:
        values.add()
    elif place is None or choice == 2:
        values.append(_scalar(field, drawn, texts))
    else:
        values[place] = _scalar(field, drawn, texts)


def _scalar(field: Field, drawn: Random, texts: Sequence[str]) -> Any:
    if field.type == Field.TYPE_STRING:
        return drawn.choice(texts)
    if field.type == Field.TYPE_BYTES:
        return drawn.randbytes(drawn.choice([0, 1, 8, 60]))
    if field.type == Field.TYPE_BOOL:
        return drawn.random() < 0.5
    if field.type in FLOATS:
        return drawn.choice([0.0, -1.5, float("nan"), float("inf"), 1e38])
    if field.type in UNSIGNED:
        return abs(drawn.choice(NUMBERS))
    return drawn.choice(NUMBERS + (LARGE_NUMBERS if field.type in INTEGERS_64 else ()))
