"""What servers and models want otherwise than others, learned from what they refuse.

Servers differ in what they take, and say so when they refuse a request. What one of them says is
remembered for the model, so that each habit costs one request and not one in every turn.
"""

from __future__ import annotations

import re

from attrs import define

from argent_openai.complaints import Complaint
from argent_openai.settings import Endpoint

OLD_LIMIT = "max_tokens"
NEW_LIMIT = "max_completion_tokens"

_LARGEST = re.compile(r"at most (\d+) (?:completion|output)? ?tokens|(?:max|<=|less than) (\d{3,})")
_UNKNOWN = re.compile(
    r"unsupported|not supported|not support|unrecognized|unknown|unexpected|not permitted|"
    r"not allowed|not available|invalid|removed|only .* none|incompatible",
    re.IGNORECASE,
)
_THOUGHTS = r"reasoning_(content|details)|encrypted"
_NO_RESPONSES = (404, 405, 501)


@define(kw_only=True)
class Habits:
    """How a model of a server is asked.

    Args:
        responses: By the Responses API, and not by Chat Completions.
        limit: Name of the field of Chat Completions that limits the answer.
        largest: Tokens that the server lets an answer have at most.
        usage: Whether the server is asked to count.
        confidence: Whether it is asked for log-probabilities.
        images: Whether it is shown pictures.
        thoughts: Whether it is told again what it thought.
        no_effort: Whether it must be told not to think before it calls tools.
        learned: How often something was learned.
    """

    responses: bool = False
    limit: str = OLD_LIMIT
    largest: int | None = None
    usage: bool = True
    confidence: bool = False
    images: bool = True
    thoughts: bool = True
    no_effort: bool = False
    learned: int = 0
    _limit_fixed: bool = False
    _api_fixed: bool = False

    @classmethod
    def of(cls, endpoint: Endpoint) -> Habits:
        """Return what is known before the first request."""
        settings = endpoint.settings
        newest = endpoint.at_openai or "azure.com" in settings.base_url
        wished = {"chat": False, "responses": True}.get(settings.api)
        return cls(
            # The newest models of OpenAI think before they call tools only there.
            responses=endpoint.at_openai if wished is None else wished,
            limit=NEW_LIMIT if newest else OLD_LIMIT,
            confidence=settings.confidence,
            images=settings.images,
            api_fixed=wished is not None,
        )

    def learn(self, complaint: Complaint) -> bool:
        """Take in why a request was refused; return whether it is worth asking otherwise."""
        if complaint.status in (401, 403, 408, 409, 429):
            return False
        learned = self._learn_api(complaint)
        if not learned and complaint.status in (400, 404, 422, 500, 501):
            learned = self._learn_fields(complaint.message, complaint.param)
        self.learned += learned
        return learned

    def _learn_api(self, complaint: Complaint) -> bool:
        message = complaint.message.lower()
        if self.responses:
            nobody = complaint.status in _NO_RESPONSES and "model" not in message
            if nobody and not self._api_fixed:
                self.responses, self._api_fixed = False, True
                return True
            return False
        if "/responses" not in message:
            return False
        if not self._api_fixed:
            self.responses = True
            return True
        if "reasoning_effort" in message and not self.no_effort:
            self.no_effort = True
            return True
        return False

    def _learn_fields(self, message: str, param: str) -> bool:
        about = f"{param} {message}"
        if ("max_tokens" in about or NEW_LIMIT in about or "max_output_tokens" in about) and (
            self._learn_limit(message)
        ):
            return True
        if not _UNKNOWN.search(message):
            return False
        if self.usage and ("stream_options" in about or "include_usage" in about):
            self.usage = False
        elif self.confidence and "logprobs" in about:
            self.confidence = False
        elif self.images and re.search(r"image|vision|multimodal", about, re.IGNORECASE):
            self.images = False
        elif self.thoughts and re.search(_THOUGHTS, about, re.IGNORECASE):
            self.thoughts = False
        else:
            return False
        return True

    def _learn_limit(self, message: str) -> bool:
        found = _LARGEST.search(message)
        largest = int(found[1] or found[2]) if found else None
        if largest and (self.largest is None or largest < self.largest):
            self.largest = largest
            return True
        if _UNKNOWN.search(message) and not self.responses and not self._limit_fixed:
            self.limit = OLD_LIMIT if self.limit == NEW_LIMIT else NEW_LIMIT
            self._limit_fixed = True
            return True
        return False
