from __future__ import annotations

import stat
from pathlib import Path

import pytest

from argent_core.paths import Home
from argent_hookspecs import ConfigError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_home_that_is_asked_for_comes_first(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "ARGENT_HOME": str(tmp_path / "other")}

    assert Home.find(tmp_path / "this", environ=environ).root == tmp_path / "this"


def test_then_the_one_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / ".argent").mkdir()
    environ = {"HOME": str(tmp_path), "ARGENT_HOME": str(tmp_path / "other")}

    assert Home.find(environ=environ).root == tmp_path / "other"


def test_then_the_habitual_one_if_it_is_there(tmp_path: Path) -> None:
    (tmp_path / ".argent").mkdir()

    assert Home.find(environ={"HOME": str(tmp_path)}).root == tmp_path / ".argent"


def test_then_the_folder_of_the_platform(tmp_path: Path) -> None:
    found = Home.find(environ={"HOME": str(tmp_path)}).root

    assert found.is_absolute()
    assert found.name == "argent"
    assert tmp_path not in found.parents


def test_a_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert Home.find(Path("here"), environ={}).root == tmp_path / "here"


def test_folders_are_made_for_this_user_only(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")

    home.create()
    home.create()

    for folder in (home.root, home.data, home.plugins, home.logs, home.run, home.cache):
        assert mode(folder) == 0o700


def test_everything_is_inside(tmp_path: Path) -> None:
    home = Home(tmp_path)

    places = [home.config_file, home.models_file, home.workspace, home.kernel_database]
    places += [home.plugin_data("weather"), home.logs, home.run, home.cache]
    assert all(place.is_relative_to(tmp_path) for place in places)
    assert home.plugin_data("weather") == tmp_path / "data/plugins/weather"


def test_a_file_in_place_of_the_home_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")

    with pytest.raises(ConfigError, match=r"home is a file.*--home"):
        Home(tmp_path / "home").create()


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match=r"file is a file, .*ARGENT_HOME"):
        Home(tmp_path / "file" / "home").create()
