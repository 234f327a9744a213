"""Where things are: the home of an agent and the files in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from argent_hookspecs import ConfigError

PRIVATE = 0o700
"""Mode of the folders of a home."""


class Home(NamedTuple):
    """The folder of one agent.

    Args:
        root: The folder itself, absolute.
    """

    root: Path

    @classmethod
    def find(
        cls, explicit: Path | None = None, *, environ: Mapping[str, str] | None = None
    ) -> Home:
        """Find the home, whether or not it exists yet.

        The first of: the folder that was asked for, ``ARGENT_HOME``, ``~/.argent`` if it is there,
        the platform's own folder for the data of applications.

        Args:
            explicit: The folder that was asked for, as with ``--home``.
            environ: Environment variables, those of this process unless given.
        """
        variables = os.environ if environ is None else environ
        named = explicit or variables.get("ARGENT_HOME")
        if named:
            return cls(Path(named).expanduser().absolute())
        habitual = Path(variables.get("HOME") or Path.home()) / ".argent"
        if habitual.is_dir():
            return cls(habitual.absolute())
        return cls(_platform_folder())

    @property
    def config_file(self) -> Path:
        """The person's settings."""
        return self.root / "argent.json"

    @property
    def models_file(self) -> Path:
        """The person's own model tiers."""
        return self.root / "models.json"

    @property
    def workspace(self) -> Path:
        """The workspace, unless ``agent.workspace`` names another folder."""
        return self.root / "workspace"

    @property
    def data(self) -> Path:
        """What the agent must not lose."""
        return self.root / "data"

    @property
    def plugins(self) -> Path:
        """The folders of all plugins."""
        return self.data / "plugins"

    @property
    def kernel_database(self) -> Path:
        """Events, steps, outbox."""
        return self.data / "kernel.db"

    @property
    def logs(self) -> Path:
        """What happened, for people to read."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Locks and sockets of the kernel that runs now."""
        return self.root / "run"

    @property
    def cache(self) -> Path:
        """What can be made again."""
        return self.root / "cache"

    @property
    def downloads(self) -> Path:
        """What plugins fetched; it can be fetched again."""
        return self.cache / "downloads"

    def plugin_data(self, name: str) -> Path:
        """Return the folder of one plugin."""
        return self.plugins / name

    def create(self) -> None:
        """Make the folders that are missing, for this user only. Raises ``ConfigError``."""
        for folder in (self.root, self.data, self.plugins, self.logs, self.run, self.cache):
            self._make_folder(folder)
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                raise _wrong(
                    f"{folder} cannot be read and written by this user. Look at its permissions, "
                    "and whether its disk is mounted to be read only; or choose another home with "
                    "--home or ARGENT_HOME."
                )

    def _make_folder(self, folder: Path) -> None:
        from argent_core.safe_files import make_folder  # quick commands make none

        try:
            make_folder(folder)
            if folder.stat().st_mode & 0o077:
                folder.chmod(PRIVATE)
        except (FileExistsError, NotADirectoryError) as error:
            raise _wrong(
                f"{_in_the_way(folder)}, where a folder of Argent should be. Move it away, or "
                "choose another home with --home or ARGENT_HOME."
            ) from error
        except OSError as error:
            from argent_core.remedies import remedy

            raise _wrong(
                f"The folder {folder} cannot be used ({error.strerror}). {remedy(error)} Or choose "
                "another home with --home or ARGENT_HOME."
            ) from error


def _in_the_way(folder: Path) -> str:
    path = next(one for one in (folder, *folder.parents) if os.path.lexists(one))
    return f"{path} is {'a link that leads nowhere' if path.is_symlink() else 'a file'}"


def _wrong(words: str) -> ConfigError:
    from argent_hookspecs import ConfigError  # quick commands ask for a home, but not for this

    return ConfigError(words)


def _platform_folder() -> Path:
    from platformdirs import user_data_path  # costs milliseconds and is seldom needed

    return user_data_path("argent", appauthor=False)
