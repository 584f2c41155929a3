"""Makes the table in docs/TRUST.md from the tests that are marked with @pytest.mark.promise("...").

python docs/make_trust_table.py
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "TRUST.md"
BEGINNING, END = "<!-- The table is made by make_trust_table.py. -->\n", "<!-- Here the table ends. -->\n"


def main():
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8"), promises(ROOT / "tests")), encoding="utf-8")


def with_table(text, held):
    """The document's text, with the table of `held`, as `promises` returns it, in place of the one that is there."""
    before, rest = text.split(BEGINNING)
    _, after = rest.split(END)
    rows = [f"| {promise} | {'<br>'.join(map(_link, tests))} |\n" for promise, tests in held.items()]
    return "".join([before, BEGINNING, "\n| promise | the tests that hold it |\n|---|---|\n", *rows, "\n", END, after])


def promises(folder):
    """A dict, sorted, from each promise to the tests that hold it: their files' paths below the folder, and names."""
    held = {}
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.promise":
                    promise = ast.literal_eval(decorator.args[0])
                    held.setdefault(promise, []).append((path.relative_to(folder).as_posix(), node.name))
    return dict(sorted(held.items()))


def _link(test):
    path, name = test
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../tests/{path})"


if __name__ == "__main__":
    main()
