"""The rooms of the package: each uses only those before it, and what shows things needs neither torch nor Lightning."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ganexp

# fmt: off
ROOMS = [
    "config", "runs", "data", "networks", "models", "metrics", "pictures", "training",
    "sampling", "evaluation", "comparison", "sweeps",
]
# fmt: on
PACKAGE = Path(ganexp.__file__).parent


def imported(path: Path) -> set[str]:
    """Return the rooms that a module imports from anywhere in it, for type checkers too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("ganexp.")} & set(ROOMS)


def test_every_room_is_in_the_table():
    assert {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_uses_only_those_before_it(room):
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    wrong = {path.name: found for path in (PACKAGE / room).rglob("*.py") if (found := imported(path) - allowed)}
    assert not wrong


def modules(room: str) -> dict[str, set[str]]:
    """Return which modules of a room each of them imports."""
    files = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in (PACKAGE / room).rglob("*.py")}
    found = {}
    for name, path in files.items():
        imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        reached = {f"{node.module}.{alias.name}" for node in imports for alias in node.names} | {n.module for n in imports}
        found[name] = (reached & files.keys()) - {name}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_no_modules_import_each_other_in_a_circle(room):
    left = modules(room)
    while free := [name for name, imports in left.items() if not imports & left.keys()]:
        for name in free:
            del left[name]
    assert not left


@pytest.mark.parametrize(
    "arguments",
    [
        ["ganexp", "--help"],
        ["ganexp", "--cfg", "job"],
        *([f"ganexp.{name}", "--help"] for name in ("compare", "sample", "evaluate")),
    ],
)
def test_what_only_shows_something_needs_neither_torch_nor_lightning(arguments, tmp_path):
    code = (
        f"import runpy, sys; sys.argv[1:] = {arguments[1:]}\n"
        f"try: runpy.run_module({arguments[0]!r}, run_name='__main__')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert not {'torch', 'lightning', 'matplotlib', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ganexp.__all__)
def test_public_names_are_there(name):
    assert getattr(ganexp, name).__name__ == name
