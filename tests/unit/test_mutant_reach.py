"""Where a change of a device can begin to matter, and what ran: nothing is left out that could be seen."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from conformance.mutants.reach import Places, places_of
from conformance.mutants.traced import lines_of

RIGHT = '''"""A device."""
MOST_SAID = 3


class Device:
    """Answers."""

    size: int = 1

    def answer(self, number: int) -> str:
        """Say something."""
        said = []
        for one in range(number):
            if one > MOST_SAID:
                said.append("much")
            else:
                said.append("little")
        return " ".join(said)

    def other(self) -> int:
        return self.size
'''


def _lines(tmp_path: Path, *changes: tuple[str, str]) -> set[int] | None:
    path = tmp_path / "device.py"
    path.write_text(RIGHT)
    text = RIGHT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    found: Places | None = places_of({path: text})
    assert found is None or {name for name, _ in found} <= {str(path)}
    return None if found is None else {line for _, line in found}


def test_a_changed_statement_matters_where_it_stands(tmp_path: Path) -> None:
    assert _lines(tmp_path, ('said.append("much")', 'said.append("more")')) == {15}
    assert _lines(tmp_path, ("return self.size", "return 0")) == {21}
    both = (('said.append("much")', "pass"), ("return self.size", "return 0"))
    assert _lines(tmp_path, *both) == {15, 21}
    assert _lines(tmp_path) == set()


def test_what_stands_before_or_behind_matters_where_the_neighbour_does(tmp_path: Path) -> None:
    before = "if not number:\n            return 'none'\n        return"
    assert _lines(tmp_path, ('return " "', f'{before} " "')) == {18}
    behind = 'said.append("much")\n                said.reverse()'
    assert _lines(tmp_path, ('said.append("much")', behind)) == {15}
    gone = ('            else:\n                said.append("little")\n', "")
    assert _lines(tmp_path, gone) == {14, 15, 16, 17}


def test_a_changed_condition_matters_where_its_statement_does(tmp_path: Path) -> None:
    assert _lines(tmp_path, ("if one > MOST_SAID:", "if one >= MOST_SAID:")) == {14, 15, 16, 17}
    assert _lines(tmp_path, ("range(number)", "range(9)")) == {13, 14, 15, 16, 17}


def test_what_is_seen_when_a_module_is_loaded_matters_everywhere(tmp_path: Path) -> None:
    assert _lines(tmp_path, ("MOST_SAID = 3", "MOST_SAID = 3\nprint()")) is None
    assert _lines(tmp_path, ("size: int = 1", "size: int = 2")) is None
    assert _lines(tmp_path, ("number: int)", "number: int = 1)")) is None
    assert _lines(tmp_path, ("    def other", "    @property\n    def other")) is None


def test_a_constant_matters_where_functions_of_its_file_name_it(tmp_path: Path) -> None:
    other = ("MOST_SAID = 3", "MOST_SAID = 4")
    assert _lines(tmp_path, other) == {13, 14, 15, 16, 17}
    assert _lines(tmp_path, other, ("return self.size", "return 0")) == {13, 14, 15, 16, 17, 21}


@pytest.mark.parametrize(
    "use",
    [
        "MORE = MOST_SAID + 1",
        '__all__ = ["MOST_SAID"]',
        "def f(a=MOST_SAID):\n    return a",
        "class Other:\n    size = MOST_SAID",
        "class Other:\n    def f(self, a=MOST_SAID):\n        return a",
    ],
)
def test_a_constant_that_is_used_when_the_module_is_loaded_matters_everywhere(
    tmp_path: Path, use: str
) -> None:
    path = tmp_path / "device.py"
    path.write_text(f"{RIGHT}\n\n{use}\n")
    altered = path.read_text().replace("MOST_SAID = 3", "MOST_SAID = 4")

    assert places_of({path: altered}) is None


def test_a_constant_whose_name_stands_in_another_file_matters_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "device.py"
    source = "BASE_PATH = 3\n\n\ndef f():\n    return BASE_PATH\n"  # the reference devices have this name
    path.write_text(source)

    assert places_of({path: source.replace("3", "4")}) is None


def test_a_name_that_means_another_thing_matters_everywhere(tmp_path: Path) -> None:
    assert _lines(tmp_path, ('said.append("much")', "MOST_SAID = 9")) is None
    assert _lines(tmp_path, ('said.append("much")', "yield one")) is None


def test_a_silent_statement_is_no_place_to_look_at(tmp_path: Path) -> None:
    old = '        """Say something."""\n'
    found = _lines(tmp_path, (old, f"        self.size = 2\n{old}"))

    assert found == set(range(10, 19))


def test_lines_are_noted_in_their_folder_alone_and_also_when_a_coroutine_goes_on(
    tmp_path: Path,
) -> None:
    path, beside = tmp_path / "own" / "a.py", tmp_path / "owner.py"
    source = "import asyncio\nasync def act():\n    await asyncio.sleep(0)\n    return 1\n"
    space: dict[str, Callable[[], Awaitable[int]]] = {}
    elsewhere: dict[str, Callable[[], Awaitable[int]]] = {}
    exec(compile(source, str(path), "exec"), space)
    exec(compile(source, str(beside), "exec"), elsewhere)
    former = sys.gettrace()

    async def both() -> None:
        for names in (space, elsewhere):
            await names["act"]()

    with lines_of(path.parent) as found:
        asyncio.run(both())

    assert found == {(str(path), 3), (str(path), 4)}
    assert sys.gettrace() is former
