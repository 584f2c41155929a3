"""Headless Chromium with one page, controlled over a pipe by the DevTools protocol.

Run as a program, it takes the screenshot of a report in the README:
python -m tests.report.chromium RUN/report.html docs/report.png
"""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECONDS_TO_ANSWER = 60


class Page:
    """The page of a running Chromium. `events` lists the events received so far: dicts with method and params."""

    def __init__(self, commands, answers):
        self._commands = commands
        self._answers = answers
        self._unread = b""
        self._number = 0
        self._session = None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """Runs a method of the protocol and returns its result, a dict; fails if it reports an error."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, path):
        """Loads a file and waits until it is complete. Clears `events` first."""
        self.events.clear()
        self.call("Page.navigate", url=Path(path).resolve().as_uri())
        while all(event["method"] != "Page.loadEventFired" for event in self.events):
            self._read()

    def evaluate(self, expression):
        """The value of a JavaScript expression, converted by JSON."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def screenshot(self, width, height, scale=1):
        """A PNG, as bytes, of the top of the page in a window of that size."""
        self.resize(width, height)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": scale}
        return base64.b64decode(self.call("Page.captureScreenshot", clip=clip)["data"])

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=True)

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])

    def _read(self):
        while b"\0" not in self._unread:
            assert select.select([self._answers], [], [], SECONDS_TO_ANSWER)[0], "Chromium does not answer"
            part = os.read(self._answers, 1 << 20)
            assert part, "Chromium is gone"
            self._unread += part
        message, _, self._unread = self._unread.partition(b"\0")
        message = json.loads(message)
        if "method" in message:
            self.events.append(message)
        return message


@contextlib.contextmanager
def chromium_page():
    """Starts Chromium, yields its Page, and terminates it afterwards."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        ends = [*os.pipe(), *os.pipe()]
        # Chromium reads from descriptor 3 and writes to 4; ours must not have these numbers.
        read_commands, write_commands, read_answers, write_answers = (
            fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends
        )
        for end in ends:
            os.close(end)
        command = f'exec "$0" "$@" 3<&{read_commands} 4>&{write_answers}'
        process = subprocess.Popen(
            ["bash", "-c", command, CHROMIUM, *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={folder}"],
            stderr=subprocess.DEVNULL,
            pass_fds=(read_commands, write_answers),
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)
        for end in (write_commands, read_answers):
            stack.callback(os.close, end)
        for end in (read_commands, write_answers):
            os.close(end)
        yield Page(write_commands, read_answers)


if __name__ == "__main__":
    report, picture = sys.argv[1:]
    with chromium_page() as page:
        page.open(report)
        Path(picture).write_bytes(page.screenshot(900, 870))
