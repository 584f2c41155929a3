"""What TensorFlow found wrong with a saved model, in one line, out of the report that it makes of it."""

from __future__ import annotations

import re

LONGEST_CAUSE = 400


def failure_cause(error: BaseException) -> str:
    """The line of an exception's message that names the cause; the type of the exception where there is no message.

    TensorFlow begins with "Graph execution error:", lists where the nodes were made, and says what happened after a
    line `Node: 'name'`; several errors are numbered, of which the first is given.
    """
    message = getattr(error, "message", None)
    text = message if isinstance(message, str) and message.strip() else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    after_node = [place + 1 for place, line in enumerate(lines) if line.startswith("Node: ")]
    candidates = lines[after_node[0] :] if after_node else lines
    cause = next((line for line in candidates if not _says_nothing(line)), "")
    cause = re.sub(r"^\(\d+\)\s*(\w+: )?", "", cause)
    cause = re.sub(r"\s*\[\[.*$", "", cause) or type(error).__name__
    if "Could not find callback" in cause:
        cause = "it calls a Python function, which is not saved with a graph"
    node = re.fullmatch(r"Node: '(.*)'", lines[after_node[0] - 1]) if after_node else None
    return cause[:LONGEST_CAUSE] + (f" (node {node[1]})" if node else "")


def _says_nothing(line: str) -> bool:
    return bool(
        re.fullmatch(
            r"Graph execution error:|\d+ root error\(s\) found\.|Detected at node .*|Node: .*|\[\[.*|<stack traces.*",
            line,
        )
    )
