"""Requirements and markers, beside the library that everybody else uses for them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement as TheirRequirement
from packaging.utils import canonicalize_name

from argent_core.paths import Home
from argent_core.plugin_trust.approval import PluginTrust
from argent_core.plugin_trust.installed import Installation, Requirement
from argent_core.plugin_trust.markers import UnreadableMarker, here, holds
from argent_core.plugins import InstalledPlugin

HERE = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.7",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "6.1.0",
    "platform_system": "Linux",
    "platform_version": "#1 SMP",
    "python_full_version": "3.11.7",
    "python_version": "3.11",
    "sys_platform": "linux",
}


@pytest.mark.parametrize(
    "marker",
    [
        'python_version >= "3.9"',
        'python_version < "3.9"',
        'python_version < "3.110"',
        '"3.9" <= python_version',
        'python_version == "3.11.*"',
        'python_version == "3.1.*"',
        'python_version != "3.*"',
        'python_version ~= "3.8"',
        'python_version~="4.0"',
        'python_version === "3.11"',
        'python_full_version < "3.11.7"',
        'python_full_version <= "3.11.7"',
        'python_full_version < "3.11.8rc1"',
        'python_full_version >= "3.11.7rc2"',
        'implementation_version > "3.11.6"',
        'sys_platform == "win32" or sys_platform == "linux" and python_version > "3"',
        '(sys_platform == "win32" or os_name == "posix") and platform_machine != "arm64"',
        'platform_system in "Linux Darwin"',
        "sys_platform not in 'win32, cygwin'",
        'extra == "Dev_Tools"',
        'extra != "dev-tools" and python_version >= "3"',
        "os.name == 'posix' and python_implementation == \"CPython\"",
        'python_version in "3.10 3.11"',
        'sys_platform > "darwin"',
    ],
)
@pytest.mark.parametrize("extra", ["", "dev-tools", "web"])
def test_a_marker_means_what_packaging_says(marker: str, extra: str) -> None:
    theirs = Marker(marker).evaluate({**HERE, "extra": extra})

    assert holds(marker, extra, values=HERE) is theirs


@pytest.mark.parametrize("version", ["3.14.0rc1", "3.14.0a2", "3.14.0", "3.14.1"])
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!="])
@pytest.mark.parametrize("bound", ["3.14", "3.14.0rc1", "3.14.0", "3.13"])
def test_candidates_of_a_python(version: str, operator: str, bound: str) -> None:
    marker, values = f'python_full_version {operator} "{bound}"', {"python_full_version": version}

    assert holds(marker, values={**HERE, **values}) is Marker(marker).evaluate({**HERE, **values})


def test_the_values_of_this_interpreter_are_those_of_packaging() -> None:
    assert dict(here()) == dict(default_environment())


@pytest.mark.parametrize(
    "marker", ["nonsense", 'colour == "red"', "", 'f("x") == "x"', "1 < 2 < 3"]
)
def test_what_cannot_be_read_is_said_and_counts_as_needed(marker: str) -> None:
    with pytest.raises(UnreadableMarker):
        holds(marker)
    assert Requirement("thing", marker=marker).is_needed()


@pytest.mark.parametrize(
    ("line", "requirement"),
    [
        ("attrs", Requirement("attrs")),
        ("Ruamel.YAML>=0.17,<1", Requirement("ruamel-yaml")),
        ("httpx[http2, Brotli]~=0.28", Requirement("httpx", frozenset({"http2", "brotli"}))),
        ('x (>=1) ; extra == "y"', Requirement("x", marker='extra == "y"')),
        ('x>=1;extra=="y"', Requirement("x", marker='extra=="y"')),
        (
            'x @ https://example.org/a;b.whl ; os_name == "nt"',
            Requirement("x", marker='os_name == "nt"'),
        ),
        ("!?", None),
    ],
)
def test_a_requirement_is_read(line: str, requirement: Requirement | None) -> None:
    assert Requirement.read(line) == requirement


def test_all_requirements_that_are_installed_here_are_read_as_packaging_does() -> None:
    seen = 0
    for one in Installation.find().distributions.values():
        for line in one.distribution.requires or ():
            mine, theirs = Requirement.read(line), TheirRequirement(line)
            assert mine is not None
            assert mine.name == canonicalize_name(theirs.name)
            assert mine.extras == {canonicalize_name(extra) for extra in theirs.extras}
            for extra in ("", *one.extras):
                needed = theirs.marker is None or theirs.marker.evaluate({"extra": extra})
                assert mine.is_needed(extra) == needed, (line, extra)
            seen += 1
    assert seen > 100


@pytest.fixture
def fifty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[InstalledPlugin]:
    """Fifty plugins, each with a library of its own."""
    site = tmp_path / "site"
    for number in range(50):
        for name, needs in (("plugin", f"Requires-Dist: library-{number}\n"), ("library", "")):
            info = site / f"{name}_{number}-1.0.dist-info"
            info.mkdir(parents=True)
            head = f"Metadata-Version: 2.4\nName: {name}-{number}\nVersion: 1.0\n"
            (info / "METADATA").write_text(head + needs)
            (info / "RECORD").write_text(f"{name}_{number}/__init__.py,,\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    return [
        InstalledPlugin(f"plugin-{n}", load=object, distribution=f"plugin-{n}") for n in range(50)
    ]


def test_a_start_with_fifty_plugins_costs_less_than_five_milliseconds(
    fifty: list[InstalledPlugin], home: Home
) -> None:
    PluginTrust(home).begin(fifty)
    assert len(json.loads((home.data / "plugins.lock.json").read_text())["distributions"]) == 100
    costs = []
    for _ in range(20):
        trust, begun = PluginTrust(home), time.process_time()
        trust.begin(fifty)
        costs.append(time.process_time() - begun)
        assert (trust.drift, trust.waiting) == ((), {})

    assert min(costs) < 0.005


def test_what_changes_between_two_starts_is_noticed_however_quick_they_are(
    fifty: list[InstalledPlugin], home: Home, tmp_path: Path
) -> None:
    PluginTrust(home).begin(fifty)
    assert len(json.loads((home.data / "plugins.lock.json").read_text())["distributions"]) == 100
    record = tmp_path / "site" / "library_7-1.0.dist-info" / "RECORD"
    record.write_text("library_7/other.py,,\n")
    trusts = [PluginTrust(home), PluginTrust(home)]

    for trust in trusts:  # the second goes by what the first has seen
        trust.begin(fifty)

    for trust in trusts:
        (drift,) = trust.drift
        assert str(drift) == "library-7 1.0 has other files than before (of plugin-7)"


def test_changes_are_noticed_where_the_backport_finds_distributions(
    home: Home, tmp_path: Path
) -> None:
    pytest.importorskip("importlib_metadata")
    info = tmp_path / "site" / "plugin_x-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: plugin-x\nVersion: 1.0\n")
    (info / "RECORD").write_text("x.py,,\n")
    code = """
import importlib_metadata, sys, pathlib
from argent_core.paths import Home
from argent_core.plugin_trust.approval import PluginTrust
from argent_core.plugins import InstalledPlugin
plugins = [InstalledPlugin("x", load=object, distribution="plugin-x")]
site, home = pathlib.Path(sys.argv[1]), Home(pathlib.Path(sys.argv[2]))
sys.path.append(str(site))
PluginTrust(home).begin(plugins)
(site / "plugin_x-1.0.dist-info" / "RECORD").write_text("x.py,,\\ny.py,,\\n")
trust = PluginTrust(home)
trust.begin(plugins)
print(*trust.drift)
"""

    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "site"), str(home.root)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout == "plugin-x 1.0 has other files than before (of x)\n"


def test_what_cannot_be_written_down_does_not_stop_a_start(
    fifty: list[InstalledPlugin], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trust = PluginTrust(Home(tmp_path / "nowhere"))

    trust.begin(fifty)

    assert trust.waiting == {}
    assert "what was seen of the plugins is not kept" in caplog.text
