"""The documentation is built without a complaint, and what it shows is so."""

from __future__ import annotations

import ast
import html
import inspect
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
from attrs import frozen
from markdown_it import MarkdownIt

from argent_core.config.structure import settings_fields
from argent_core.plugins import installed_plugins, load
from argent_hookspecs import specs
from argent_testing.project import KINDS
from tests.builds import Build

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
HOW_TOS = [page for page in PAGES if page.startswith("how-to/")]
TUTORIAL = "tutorial.md"
HOOKS = {name: spec for name, spec in vars(specs).items() if name.startswith("argent_")}
OUTPUTS = {"text", "json", "toml"}
DIRECTIVES = {"{toctree}"}
FAILS = "# fails"


@frozen
class Block:
    """A fenced block of a page."""

    language: str
    text: str

    @property
    def file(self) -> str:
        """The file that a block of Python is, named in its first line."""
        found = re.match(r"# ([\w/]+\.py)\n", self.text)
        return found[1] if found else ""

    @property
    def content(self) -> str:
        """What is in that file."""
        return self.text.partition("\n")[2]


def blocks(page: str) -> list[Block]:
    tokens = MarkdownIt().parse((DOCS / page).read_text("utf-8"))
    return [Block(token.info.strip(), token.content) for token in tokens if token.type == "fence"]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation as HTML."""
    folder = tmp_path_factory.mktemp("site")
    options = ("-q", "-W", "--keep-going", "-E", "-d", folder / "trees")
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, DOCS, folder / "html"],
        capture_output=True,
        text=True,
    )
    assert (built.returncode, built.stderr) == (0, "")
    return folder / "html"


def words(site: Path, page: str) -> str:
    """Return what a page says, without its marks."""
    text = re.sub(r"<[^>]+>", "", (site / f"{page}.html").read_text("utf-8"))
    return " ".join(html.unescape(text).replace("’", "'").split())


def test_its_pages_ask_for_nothing_from_elsewhere(site: Path) -> None:
    loaded = re.compile(
        r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"((?:https?:)?//[^\"]+)"
    )
    imported = re.compile(r"(?:@import|url\()\s*[\"']?((?:https?:)?//[^\"')]+)")
    found = {
        (file.name, match)
        for pattern, ending in ((loaded, "html"), (imported, "css"))
        for file in site.rglob(f"*.{ending}")
        for match in pattern.findall(file.read_text("utf-8"))
    }

    assert list(site.rglob("*.html"))
    assert found == set()


def test_the_reference_shows_each_hook_in_order_with_its_signature(site: Path) -> None:
    said = words(site, "reference/hooks")
    shown = [
        f"argent_hookspecs.specs.{name}{signature}".replace("'", "").replace("->", "→")
        for name, spec in HOOKS.items()
        for signature in [inspect.signature(spec)]
    ]

    places = [said.find(one) for one in shown]
    assert [one for one, place in zip(shown, places, strict=True) if place < 0] == []
    assert places == sorted(places)


def test_the_reference_documents_every_setting_of_every_plugin(site: Path) -> None:
    said = words(site, "reference/plugin-settings")
    missing = [
        f"{plugin.name}.{name}"
        for plugin in installed_plugins()
        if (kind := load(plugin).record.settings) is not None
        for name in settings_fields(kind)
        if name not in said
    ]

    assert missing == []


def test_the_reference_has_the_help_of_every_command(site: Path) -> None:
    said = words(site, "reference/commands")
    (entry,) = entry_points(group="console_scripts", name="argent")

    missing = [path for path in paths(entry.load(), "argent") if f"Usage: {path} " not in said]

    assert missing == []


def paths(command: click.Command, path: str) -> Iterator[str]:
    yield path
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            if inner is not None and not inner.hidden:
                yield from paths(inner, f"{path} {name}")


def test_there_is_a_how_to_for_every_hook_and_every_kind_that_can_be_begun() -> None:
    shown = {name for page in HOW_TOS for name in hooks_in(page)}

    assert shown == set(HOOKS)
    assert {*KINDS} <= {Path(page).stem for page in HOW_TOS}


def hooks_in(page: str) -> dict[str, list[str]]:
    """Return the implementations of hooks that a page shows, with their parameters."""
    trees = [ast.parse(block.text) for block in blocks(page) if block.language == "python"]
    return {
        node.name: [argument.arg for argument in node.args.args]
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(mark, ast.Name) and mark.id == "hookimpl" for mark in node.decorator_list
        )
    }


@pytest.mark.parametrize("page", PAGES)
def test_each_block_is_run_or_is_output(page: str) -> None:
    found = blocks(page)
    python = {"python"} if page in (*HOW_TOS, TUTORIAL) else set()
    others = [b.text for b in found if b.language == "sh" and not of_argent_alone(b.text)]

    assert {block.language for block in found} <= {"sh", *python, *OUTPUTS, *DIRECTIVES}
    assert others == [] or page == TUTORIAL
    assert [block.text for block in found if block.language == "python" and not block.file] == []


def of_argent_alone(script: str) -> bool:
    """Tell whether a script holds only commands of Argent, which are looked up below."""
    return all(line.startswith("argent ") for line in script.splitlines() if line)


@pytest.mark.parametrize("page", [*HOW_TOS, TUTORIAL])
def test_each_hook_that_is_shown_is_one(page: str) -> None:
    shown = hooks_in(page)

    assert shown or page == TUTORIAL
    for name, taken in shown.items():
        assert set(taken) <= set(inspect.signature(HOOKS[name]).parameters), name


@pytest.mark.parametrize("page", HOW_TOS)
def test_the_example_of_a_how_to_passes_its_own_tests(tmp_path: Path, page: str) -> None:
    for block in blocks(page):
        if block.language == "python":
            (tmp_path / block.file).write_text(block.content, "utf-8")
        elif block.language == "toml":
            install(block.text, tmp_path)

    command = (sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider")
    ran = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stdout
    assert re.search(r"^\d+ passed", ran.stdout, re.MULTILINE)


def install(project: str, folder: Path) -> None:
    """Make known what a piece of a ``pyproject.toml`` names, as installing would."""
    known = folder / "example-1.0.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: example\nVersion: 1.0\n", "utf-8")
    groups = tomllib.loads(project)["project"]["entry-points"]
    lines = [f"[{group}]\n{n} = {v}" for group, points in groups.items() for n, v in points.items()]
    (known / "entry_points.txt").write_text("\n".join(lines), "utf-8")


@pytest.mark.timeout(300)
def test_the_tutorial_works_word_for_word(wheel_folder: Path, tmp_path: Path) -> None:
    build = Build(tmp_path / "tutorial")
    project = build.folder / "argent-lines"
    wheels, inside = f"set -eu; export PIP_FIND_LINKS={wheel_folder}", ""
    said = ""
    for block in blocks(TUTORIAL):
        if block.language == "python":
            (project / block.file).write_text(block.content, "utf-8")
        elif block.language == "sh":
            script = f"{wheels}\n{inside}\n{block.text}"
            said = build.run("bash", "-c", script, status=1 if FAILS in block.text else 0)
            inside = ". plugins/bin/activate; cd argent-lines"
        else:
            begun = (project / "src/argent_lines/__init__.py").read_text("utf-8")
            assert block.text.strip() in said + begun


@pytest.mark.timeout(300)
def test_the_tutorial_can_be_begun_from_a_clone(root: Path, tmp_path: Path) -> None:
    (shown,) = re.findall(r"`pip install (CLONE[^`]+)`", (DOCS / TUTORIAL).read_text("utf-8"))
    build = Build(tmp_path)
    python = build.program("python")
    build.run(build.tool, "venv", "--quiet", build.environment)

    folders = shown.replace("CLONE", str(root)).split()
    build.run(build.tool, "pip", "install", "--quiet", "--python", python, *folders)

    assert "argent-lines" in build.argent("plugins", "new", "channel", "lines")


@pytest.mark.parametrize("page", PAGES)
def test_each_command_that_is_shown_is_one(page: str) -> None:
    (entry,) = entry_points(group="console_scripts", name="argent")
    main = entry.load()

    unknown = [line for line in commands(page) if not is_known(main, line.split()[1:])]

    assert unknown == []


def commands(page: str) -> list[str]:
    """Return the commands of Argent that a page shows, in blocks and between words."""
    text = (DOCS / page).read_text("utf-8")
    lines = [line for block in blocks(page) for line in block.text.splitlines()]
    inline = re.findall(r"`(argent [^`]+)`", text)
    shown = [line.partition("#")[0].strip() for line in lines if line.startswith("argent ")]
    return [*shown, *(" ".join(one.split()) for one in inline)]


def is_known(command: click.Command, words: list[str]) -> bool:
    """Tell whether a command takes these words, as far as names of commands and options go."""
    ctx = click.Context(command)
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        inner = command.get_command(ctx, words[0])
        if inner is None:  # ``argent init`` also takes the name of a plugin
            return command.name == "init"
        command, words = inner, words[1:]
    options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    return {word for word in words if word.startswith("--")} <= options | {"--help"}
