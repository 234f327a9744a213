from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from argent_core import config
from argent_core.cli.init import MODELS, recommended_model
from argent_core.first_run import WORKSPACE_FILES, is_empty, prepare_home
from argent_core.paths import Home

from .conftest import Installation, Run

LLAMA = """
from argent_hookspecs import Plugin, hookimpl, setting
from attrs import frozen

@frozen
class Settings:
    model: str = setting("smollm2-135m", doc="Which model.")

@hookimpl
def argent_plugin():
    return Plugin(summary="Models.", settings=Settings)
"""


@pytest.fixture
def with_llama(installation: Installation) -> Installation:
    installation.add("argent-llama", plugins="llama = llama_plugin", llama_plugin=LLAMA)
    return installation


def test_a_new_home_has_everything(argent: Run, home: Home) -> None:
    ran = argent("init", "--yes")

    assert ran.exit_code == 0
    assert ran.stdout.endswith("Next: argent chat\n")
    assert {path.name for path in home.workspace.iterdir()} == {*WORKSPACE_FILES, "memory"}
    assert config.inspect(home).errors == ()
    assert config.inspect(home).warnings == ()


def test_everything_in_it_is_for_this_user_only(argent: Run, home: Home) -> None:
    argent("init", "--yes")

    for path in [home.root, *home.root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_second_time_does_no_harm(argent: Run, home: Home) -> None:
    argent("init", "--yes", "--name", "Ada")
    before = {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}

    ran = argent("init", "--yes", "--name", "Ada")

    assert "was ready already" in ran.stdout
    assert "Note" not in ran.stdout
    assert before == {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}


def test_what_the_person_wrote_is_never_overwritten(argent: Run, home: Home) -> None:
    home.workspace.mkdir(parents=True)
    (home.workspace / "SOUL.md").write_text("mine")
    (home.workspace / "USER.md").write_text("mine too")
    home.config_file.write_text('{"loop": {"maxSteps": 3}}')

    ran = argent("init", "--name", "Ada")

    assert (home.workspace / "SOUL.md").read_text() == "mine"
    assert (home.workspace / "USER.md").read_text() == "mine too"
    assert "write your name into it there" in ran.stdout
    assert config.load(home).loop.max_steps == 3
    assert (home.workspace / "AGENTS.md").exists()


def test_the_name_goes_into_the_workspace(argent: Run, home: Home) -> None:
    argent("init", "--name", "Ada  Lovelace")

    text = (home.workspace / "USER.md").read_text()
    assert "\nName: Ada Lovelace\n" in text
    assert not is_empty(text)


def test_another_workspace(argent: Run, home: Home, tmp_path: Path) -> None:
    argent("init", "--workspace", str(tmp_path / "notes"))

    assert (tmp_path / "notes" / "AGENTS.md").is_file()
    assert not home.workspace.exists()
    assert config.load(home).agent.workspace == tmp_path / "notes"


def test_for_programs(argent: Run, home: Home) -> None:
    told = json.loads(argent("init", "--json").stdout)

    assert told["home"] == str(home.root)
    assert str(home.config_file) in told["created"]
    assert told["next"] == "argent chat"


def test_wrong_settings_are_told(argent: Run, home: Home) -> None:
    home.create()
    home.config_file.write_text('{"loop": 3}')

    ran = argent("init", "--yes")

    assert ran.exit_code == 1
    assert "argent.json: loop: expected an object" in ran.stderr


def test_the_recommended_model_is_chosen(with_llama: Installation) -> None:
    ran = with_llama.run("init")

    assert ran.returncode == 0
    assert f"Model: {recommended_model()}" in ran.stdout
    section = config.load(Home(with_llama.home)).plugin("llama").section
    assert section == {"model": recommended_model()}


def test_the_model_that_was_asked_for_is_kept(with_llama: Installation) -> None:
    with_llama.run("init", "--model", "mine.gguf")

    with_llama.run("init", "--yes")

    section = config.load(Home(with_llama.home)).plugin("llama").section
    assert section == {"model": "mine.gguf"}


def test_another_model_or_workspace_is_not_put_in_the_place_of_what_is_there(
    with_llama: Installation,
) -> None:
    with_llama.run("init", "--model", "mine.gguf", "--workspace", f"{with_llama.home}/notes")

    ran = with_llama.run("init", "--model", "a b", "--workspace", f"{with_llama.home}/other")

    assert ran.returncode == 0
    assert "Model: mine.gguf" in ran.stdout
    assert "change it with: argent config set plugins.llama.model 'a b'" in ran.stdout
    assert f"agent.workspace is {with_llama.home}/notes already, and stays so" in ran.stdout
    loaded = config.load(Home(with_llama.home))
    assert loaded.plugin("llama").section == {"model": "mine.gguf"}
    assert loaded.agent.workspace == with_llama.home / "notes"


def test_a_name_goes_not_into_what_is_no_text(argent: Run, home: Home) -> None:
    argent("init")
    (home.workspace / "USER.md").write_bytes(b"\xff\xfe mine")

    shown = argent("init", "--name", "Ada")

    assert shown.exit_code == 0 and "is yours already" in shown.output
    assert (home.workspace / "USER.md").read_bytes() == b"\xff\xfe mine"


def test_questions_are_asked_at_a_terminal(with_llama: Installation) -> None:
    seen = with_llama.talk("init", answers=[("your name?", "Ada"), ("Which one?", "smollm2-135m")])

    home = Home(with_llama.home)
    assert all(model in seen for model in MODELS)
    assert "Name: Ada" in (home.workspace / "USER.md").read_text().splitlines()
    assert config.load(home).plugin("llama").section == {"model": "smollm2-135m"}


def test_what_was_answered_once_is_not_asked_again(with_llama: Installation) -> None:
    with_llama.run("init", "--name", "Ada")

    seen = with_llama.talk("init")

    assert "?" not in seen
    assert "was ready already" in seen


def test_a_home_can_be_prepared_without_the_command(home: Home) -> None:
    first, second = prepare_home(home), prepare_home(home)

    assert len(first.created) == 8
    assert second.created == ()
    assert second.workspace == home.workspace


def test_templates_are_short_and_those_to_fill_in_are_empty(home: Home) -> None:
    folder = prepare_home(home).workspace
    texts = {name: (folder / name).read_text() for name in WORKSPACE_FILES}

    assert [name for name, text in texts.items() if is_empty(text)] == [
        "USER.md",
        "TOOLS.md",
        "MEMORY.md",
        "HEARTBEAT.md",
    ]
    words = sum(
        len(texts[name].split()) for name in ("AGENTS.md", "SOUL.md", "USER.md", "TOOLS.md")
    )
    assert words < 300


BELL = """
import click
from attrs import frozen
from argent_hookspecs import Plugin, Secret, hookimpl, setting

@frozen
class Settings:
    key: Secret | None = setting(None, doc="The key.")

@hookimpl
def argent_plugin():
    return Plugin(summary="A bell.", settings=Settings)

@click.command()
@click.pass_obj
def set_up(obj):
    obj.set_setting("plugins.bell.key", obj.keep_secret("bell-key", "ding-dong"))
    click.echo("code " + obj.invite("bell", owner=True))
"""


def test_a_plugin_is_set_up(installation: Installation, home: Home) -> None:
    installation.add("argent-bell", plugins="bell = bell", set_ups="bell = bell:set_up", bell=BELL)
    ran = installation.run("init", "bell")
    people = json.loads(installation.run("pair", "list", "--json").stdout)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("code ")
    assert people == []
    assert json.loads(home.config_file.read_text())["plugins"]["bell"]["key"] == "store:bell-key"
    assert "ding-dong" not in ran.stdout


def test_what_cannot_be_set_up_is_said(installation: Installation) -> None:
    ran = installation.run("init", "nothing")

    assert ran.returncode == 2
    assert "pip install argent-nothing" in ran.stderr
