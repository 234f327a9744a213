"""What the tests that need LiteLLM share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest
from played_openai import MODEL

from argent_hookspecs import ModelClient
from argent_litellm.library import INSTALL, wrong_version
from argent_testing import answers

NEEDS_LITELLM = [
    pytest.mark.anyio,
    pytest.mark.skipif(bool(wrong_version()), reason=f"{wrong_version()}; {INSTALL}"),
    # What LiteLLM and its libraries warn of is not ours to mend.
    pytest.mark.filterwarnings("default"),
]
ask = partial(answers.ask, model=MODEL)
Open = Callable[..., AbstractAsyncContextManager[ModelClient]]
