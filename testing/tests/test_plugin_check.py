"""A plugin is checked: a good one is gold, and each rule notices what it is there for."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from argent_hookspecs import ConfigError
from argent_testing.plugin_check import LEVELS, RULES, Report, check, table

HOOKS = '''
"""A plugin that is good."""

from __future__ import annotations

from argent_hookspecs import Plugin, PluginContext, Tool, hookimpl
from {package}.settings import Settings
from {package}.toss import toss


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(summary="A coin to toss.", settings=Settings)


@hookimpl
def argent_tools(ctx: PluginContext) -> list[Tool]:
    """Offer the coin."""
    return [toss]
'''

SETTINGS = '''
"""What a person can set."""

from __future__ import annotations

from attrs import frozen

from argent_hookspecs import Secret, setting


@frozen(kw_only=True)
class Settings:
    """Settings of the coin."""

    sides: int = setting(2, doc="How many sides it has.", ge=1)
    label: str = setting("coin", doc="What it is called.")
    api_key: Secret | None = setting(None, doc="Reference to the key of the mint.")
'''

TOSS = '''
"""The coin."""

from __future__ import annotations

import random

from argent_hookspecs import Effect, tool


@tool(effect=Effect.IDEMPOTENT)
async def toss() -> str:
    """Toss a coin."""
    return random.choice(["heads", "tails"])
'''

TESTS = """
from argent_testing import PluginContract, ToolContract


class Coin:
    plugin = "{package}"


class TestPlugin(Coin, PluginContract): ...


class Thrown(Coin, ToolContract):
    calls = {{"toss": [{{}}]}}


class TestTools(Thrown): ...
"""

README = """
# A coin

| setting | default | meaning |
|---|---|---|
| `sides` | 2 | How many sides it has. |
| `label` | `coin` | What it is called. |
| `apiKey` | | Reference to the key of the mint. |
"""

METADATA = """Metadata-Version: 2.4
Name: {name}
Version: 1.0
Summary: A coin to toss.
License-Expression: MIT
Requires-Python: >=3.11
Requires-Dist: argent-hookspecs==0.1.0
"""

_numbers = itertools.count()

Project = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Write the project of a plugin, as if it were installed in place; files can be exchanged."""

    def write(changes: dict[str, tuple[str, str]] | None = None, **more: str) -> Path:
        package = f"argent_coin{next(_numbers)}_{os.getpid()}"
        name, info = package.replace("_", "-"), f"src/{package}-1.0.dist-info"
        files = {
            f"src/{package}/__init__.py": HOOKS,
            f"src/{package}/settings.py": SETTINGS,
            f"src/{package}/toss.py": TOSS,
            f"src/{package}/py.typed": "",
            "tests/test_contracts.py": TESTS,
            "README.md": README,
            "pyproject.toml": '[project]\nname = "{name}"\n',
            f"{info}/METADATA": METADATA,
            f"{info}/entry_points.txt": "[argent]\n{name} = {package}\n",
        }
        for path, (old, new) in (changes or {}).items():
            key = next(key for key in files if key.endswith(path))
            assert old in files[key]
            files[key] = files[key].replace(old, new)
        for path, text in files.items():
            target = tmp_path / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            braces = path.endswith((".py", ".toml", "METADATA", "entry_points.txt"))
            filled = text.lstrip().replace("{package}", package).replace("{name}", name)
            target.write_text(filled.replace("{{", "{").replace("}}", "}") if braces else filled)
        monkeypatch.syspath_prepend(str(tmp_path / name / "src"))
        for path in more.get("without", "").split():
            next((tmp_path / name).rglob(path)).unlink()
        return tmp_path / name

    return write


def judge(folder: Path, *ids: str) -> Report:
    """Check a project by some rules."""
    return check(str(folder), rules=[rule for rule in RULES if rule.id in ids])


def problems(folder: Path, id: str) -> str:
    """Return what one rule has to say."""
    (verdict,) = judge(folder, id).verdicts
    assert verdict.problems, f"{id} noticed nothing"
    return "\n".join(verdict.problems)


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    code = "from argent_core.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "plugins", "check", *words],
        env={**os.environ, "PYTHONPATH": str(folder / "src"), "COLUMNS": "100"},
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_a_good_plugin_is_gold(project: Project) -> None:
    folder = project()

    done = run(folder, ".", "--level", "gold", "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["level"] == "gold"
    assert [one["rule"] for one in report["rules"]] == [rule.id for rule in RULES]
    assert all(one["ok"] for one in report["rules"])


def test_below_the_level_that_was_asked_for_the_exit_code_is_one(project: Project) -> None:
    folder = project({"__init__.py": ("import Settings", "import Settings as Settings, nothing")})

    done = run(folder, folder.name)

    assert done.returncode == 1
    assert "!! bronze entry-point" in done.stdout
    assert "it cannot be loaded: ImportError: cannot import name 'nothing'" in done.stdout
    assert f"{folder.name} is not bronze yet; it fails: entry-point" in done.stdout


def test_the_right_table_can_be_printed(project: Project) -> None:
    assert table(str(project())) in README


def test_the_help_says_what_each_level_asks(project: Project) -> None:
    shown = run(project(), "--help").stdout

    at = {level: shown.index(f"  {level}: ") for level in LEVELS}
    assert sorted(at, key=at.__getitem__) == list(LEVELS)
    for rule in RULES:
        assert f"{rule.id:13} {rule.about}" in shown
        assert shown.index(rule.about) > at[rule.level]


class TestRules:
    def test_a_misspelt_hook(self, project: Project) -> None:
        folder = project({"__init__.py": ("def argent_tools", "def argent_tool")})

        assert "did you mean argent_tools?" in problems(folder, "entry-point")

    def test_a_slow_import(self, project: Project) -> None:
        slow = "import random\nsum(range(20_000_000))\n"
        folder = project({"toss.py": ("import random\n", slow)})

        assert "and may take 100; import what is heavy inside" in problems(folder, "import-time")

    @pytest.mark.parametrize("other", ["argent_core.paths", "argent_testing", "argent_basics.calc"])
    def test_imports_of_the_house(self, project: Project, other: str) -> None:
        folder = project({"toss.py": ("import random\n", f"import random\nimport {other}\n")})

        assert f"toss.py:6 imports {other.partition('.')[0]}" in problems(folder, "own-imports")

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("License-Expression: MIT\n", "it has no licence"),
            ("Requires-Python: >=3.11\n", "which Python it needs"),
            ("Summary: A coin to toss.\n", "no description"),
            ("Requires-Dist: argent-hookspecs==0.1.0\n", "does not require the contract"),
            ("==0.1.0", "any version of the contract"),
        ],
    )
    def test_bare_metadata(self, project: Project, line: str, words: str) -> None:
        assert words in problems(project({"METADATA": (line, "")}), "metadata")

    def test_a_contract_that_is_not_here(self, project: Project) -> None:
        folder = project({"METADATA": ("==0.1.0", ">=7")})

        assert "requires argent-hookspecs>=7, and 0.1.0 is installed" in problems(
            folder, "metadata"
        )

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ("timeout=0.0, ", "its timeout is 0 s"),
            ("timeout=1e9, ", "its timeout is 1e+09 s"),
        ],
    )
    def test_odd_records(self, project: Project, options: str, words: str) -> None:
        folder = project({"toss.py": ("@tool(", f"@tool({options}")})

        assert words in problems(folder, "records")

    def test_an_id_of_two_words(self, project: Project) -> None:
        jobs = """
from datetime import timedelta

from argent_hookspecs import Job


async def work() -> None: ...


@hookimpl
def argent_jobs(ctx: PluginContext) -> list[Job]:
    return [Job(id="a job", run=work, every=timedelta(hours=1))]
"""
        folder = project({"__init__.py": ("return [toss]\n", f"return [toss]\n{jobs}")})

        assert "Job 'a job': its id is empty or has spaces" in problems(folder, "records")

    def test_a_hook_that_raises(self, project: Project) -> None:
        folder = project({"__init__.py": ("return [toss]", 'raise ValueError("no coin")')})

        assert "no coin" in problems(folder, "records")

    def test_an_id_twice(self, project: Project) -> None:
        folder = project({"__init__.py": ("[toss]", "[toss, toss]")})

        assert "yielded the id 'toss' twice" in problems(folder, "records")

    def test_settings_that_it_needs(self, project: Project) -> None:
        folder = project({"settings.py": ('"coin", doc', "doc")})

        assert "--settings" in problems(folder, "records")
        rules = [rule for rule in RULES if rule.id == "records"]
        assert check(str(folder), {"label": "x"}, rules=rules).verdicts[0].ok

    def test_a_secret_that_is_text(self, project: Project) -> None:
        folder = project({"settings.py": ("Secret | None", "str | None")})

        assert "the setting apiKey looks like a secret" in problems(folder, "secrets")

    def test_a_library_at_the_top(self, project: Project) -> None:
        folder = project({"toss.py": ("import random\n", "import random\n\nimport click\n")})

        assert "brings click as soon as it is found" in problems(folder, "top-imports")

    def test_a_setting_without_a_word(self, project: Project) -> None:
        folder = project({"settings.py": ("What it is called.", "")})

        assert "label is not documented" in problems(folder, "settings")

    def test_a_setting_that_cannot_be_one(self, project: Project) -> None:
        folder = project({"settings.py": ("label: str", "label: complex")})

        assert "label is <class 'complex'>, which no setting can be" in problems(folder, "settings")

    def test_a_default_that_is_refused(self, project: Project) -> None:
        folder = project({"settings.py": ("setting(2,", "setting(0,")})

        assert "its own defaults are refused" in problems(folder, "settings")

    def test_a_capability_under_no_contract(self, project: Project) -> None:
        folder = project({"test_contracts.py": ("class TestTools(Thrown)", "class Tools(Thrown)")})

        assert "it brings a Tool, and no test class inherits from ToolContract" in problems(
            folder, "contracts"
        )

    def test_no_tests_at_all(self, project: Project) -> None:
        folder = project(without="test_contracts.py")
        (folder / "tests").rmdir()

        assert "its tests are not installed with it" in problems(folder, "contracts")

    def test_what_is_not_annotated(self, project: Project) -> None:
        folder = project({"toss.py": ("async def toss() -> str", "async def toss()")})

        assert "toss.py:11 toss: annotate what it returns" in problems(folder, "typed")

    def test_no_mark_of_types(self, project: Project) -> None:
        assert "has no py.typed" in problems(project(without="py.typed"), "typed")

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("| `sides` | 2 |", "| `sides` | 3 |", "the default is 2, and the table says 3"),
            ("What it is called.", "Something.", "does not say what its doc says"),
            ("| `label` | `coin` | What it is called. |\n", "", "the table lacks label"),
            ("`label`", "`title`", "the table has title, which is no setting"),
            (
                "| setting |",
                "| option |",
                "has no table with the columns setting, default, meaning",
            ),
        ],
    )
    def test_a_table_that_is_not_true(
        self, project: Project, old: str, new: str, words: str
    ) -> None:
        said = problems(project({"README.md": (old, new)}), "readme")

        assert words in said
        assert "--table" in said

    def test_a_type_that_does_not_fit(self, project: Project) -> None:
        folder = project({"toss.py": ("return random", "return 7 or random")})

        assert "error:" in problems(folder, "mypy")


class TestFinding:
    def test_by_distribution_by_name_and_by_package(self, project: Project) -> None:
        folder = project()

        for target in (folder.name, folder.name.replace("-", "_"), str(folder)):
            assert check(target, rules=()).name == folder.name

    def test_one_that_is_not_installed(self, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_text('[project]\nname = "argent-nowhere"\n')

        with pytest.raises(ConfigError, match=r"install it first: pip install -e"):
            check(str(tmp_path))
        with pytest.raises(ConfigError, match="is not installed here"):
            check("argent-nowhere")

    def test_one_that_is_no_plugin(self) -> None:
        with pytest.raises(ConfigError, match="attrs brings no plugin"):
            check("attrs")
