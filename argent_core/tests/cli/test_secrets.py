from __future__ import annotations

import json

from argent_core.paths import Home
from argent_core.secrets import SecretStore

from .conftest import Installation, Run


def test_a_secret_is_read_from_a_pipe(argent: Run, home: Home) -> None:
    ran = argent("secrets", "set", "token", given="abc-def\n")

    assert ran.stdout == "Stored. Refer to it as store:token.\n"
    assert SecretStore(home).get("token") == "abc-def"


def test_a_secret_of_several_lines_is_kept_whole(argent: Run, home: Home) -> None:
    argent("secrets", "set", "key", given="line 1\nline 2\n\n")

    assert SecretStore(home).get("key") == "line 1\nline 2\n"


def test_a_secret_that_is_typed_is_not_shown(installation: Installation) -> None:
    seen = installation.talk(
        "secrets", "set", "token", answers=[("Value of token:", "typed-value")]
    )

    assert "Stored." in seen
    assert "typed-value" not in seen
    assert SecretStore(Home(installation.home)).get("token") == "typed-value"


def test_the_list_names_and_never_tells(argent: Run) -> None:
    argent("secrets", "set", "b", given="value-of-b")
    argent("secrets", "set", "a", given="value-of-a")

    listed, as_json = argent("secrets", "list").stdout, argent("secrets", "list", "--json").stdout

    assert [line.split()[0] for line in listed.splitlines()] == ["NAME", "a", "b"]
    assert [entry["name"] for entry in json.loads(as_json)] == ["a", "b"]
    assert "value" not in listed + as_json


def test_nothing_is_stored_yet(argent: Run) -> None:
    assert "argent secrets set NAME" in argent("secrets", "list").stdout


def test_a_secret_is_forgotten(argent: Run, home: Home) -> None:
    argent("secrets", "set", "token", given="abc-def")

    first, second = argent("secrets", "remove", "token"), argent("secrets", "remove", "token")

    assert (first.exit_code, first.stdout) == (0, "token is forgotten.\n")
    assert (second.exit_code, second.stdout) == (1, "")
    assert 'There is no secret "token"' in second.stderr


def test_an_empty_value_is_refused(argent: Run) -> None:
    ran = argent("secrets", "set", "token", given="\n")

    assert ran.exit_code == 1
    assert "nothing was stored" in ran.stderr
