"""Every member builds its own wheel, and the wheels fit together."""

from __future__ import annotations

import configparser
import email
import zipfile
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def wheels(wheel_folder: Path) -> dict[str, zipfile.ZipFile]:
    return {
        file.name.partition("-")[0]: zipfile.ZipFile(file)
        for file in sorted(wheel_folder.glob("*.whl"))
    }


def metadata(wheel: zipfile.ZipFile, name: str) -> str:
    (path,) = (path for path in wheel.namelist() if path.endswith(f".dist-info/{name}"))
    return wheel.read(path).decode()


def test_there_is_one_wheel_for_each_member(
    wheels: dict[str, zipfile.ZipFile], members: list[Any]
) -> None:
    assert sorted(wheels) == sorted(member.package for member in members)


def test_a_wheel_holds_the_package_its_types_and_its_licence(
    wheels: dict[str, zipfile.ZipFile],
) -> None:
    for package, wheel in wheels.items():
        assert {f"{package}/__init__.py", f"{package}/py.typed"} <= set(wheel.namelist())
        assert "MIT License" in metadata(wheel, "licenses/LICENSE")


def test_a_wheel_holds_nothing_else(wheels: dict[str, zipfile.ZipFile]) -> None:
    for package, wheel in wheels.items():
        beside = {path.partition("/")[0] for path in wheel.namelist()} - {package}

        assert [name for name in beside if not name.endswith(".dist-info")] == []


def test_a_wheel_holds_every_file_of_its_package(
    root: Path,
    wheels: dict[str, zipfile.ZipFile],
    members: list[Any],
    committed_texts: dict[str, str],
) -> None:
    for member in members:
        source = (member.folder / "src").relative_to(root).as_posix()
        expected = {
            path.removeprefix(f"{source}/")
            for path in committed_texts
            if path.startswith(f"{source}/")
        }

        assert expected - set(wheels[member.package].namelist()) == set()


def test_the_members_have_one_version_and_name_it_to_each_other(
    wheels: dict[str, zipfile.ZipFile], members: list[Any]
) -> None:
    described = {
        name: email.message_from_string(metadata(w, "METADATA")) for name, w in wheels.items()
    }
    (version,) = {message["Version"] for message in described.values()}
    house = {member.name for member in members}

    for message in described.values():
        for required in message.get_all("Requires-Dist", []):
            name, _, rest = required.partition(";")[0].strip().partition("==")
            assert name not in house or rest.strip() == version, required
            assert name.partition(">")[0] not in house or "==" in required, required


def test_the_full_build_names_every_plugin_or_has_an_extra_of_its_name(members: list[Any]) -> None:
    full = members[0].project

    assert full["name"] == "argent"
    for member in members:
        if member.is_plugin and f"{member.name}=={full['version']}" not in full["dependencies"]:
            extra = full["optional-dependencies"][member.name.removeprefix("argent-")]
            assert extra == [f"{member.name}=={full['version']}"]


def test_every_plugin_can_be_found(wheels: dict[str, zipfile.ZipFile], members: list[Any]) -> None:
    for member in members:
        if member.is_plugin:
            found = configparser.ConfigParser()
            found.read_string(metadata(wheels[member.package], "entry_points.txt"))

            assert dict(found["argent"]) == {member.name.removeprefix("argent-"): member.package}
