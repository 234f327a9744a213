"""What servers and models want otherwise than others, learned from what they refuse.

Servers differ in what they take, and say so when they refuse a request. What one of them says is
remembered for the model, so that each habit costs one request and not one in every turn.
"""

from __future__ import annotations

import re

from attrs import define

from argent_hookspecs import Image, MessagePart, ModelRequest, Thinking
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
_MINIMUM = re.compile(r"at least|minimum|greater than|>=", re.IGNORECASE)
_LIMITS = re.compile(r"max(_completion|_output)?_tokens")
_COUNTING = re.compile(r"stream_options|include_usage")
_LIKELIHOODS = re.compile(r"logprobs")
_LIKELIHOODS_AT = re.compile(r"logprobs|include")
_THOUGHTS = re.compile(r"reasoning_(content|details)|encrypted", re.IGNORECASE)
_THOUGHTS_AT = re.compile(r"reasoning|encrypted|include|messages|input")
_PICTURES_AT = re.compile(r"image|content|messages|input")
_NO_PICTURES = re.compile(
    r"(not|n't|cannot) (support|accept|take|process|handle|see) (any )?"
    r"(image|vision|picture|multimodal)(s|_url)?( inputs?)?\b"
    r"(?! ?(inputs?|urls?|formats?|types?|data|sizes?|of|over|above|larger|with|generat|edit))|"
    r"no \w+ found that support image|"
    r"(?<!animated )\b(image|vision|picture|multimodal)(s|_url|\(s\))?`?'?( inputs?)? (is|are) "
    r"(not (supported|accepted|enabled|available|allowed)|only supported by)|"
    r"not an? (multimodal|vision)|at most 0 image|unknown variant `?image|"
    r"missing data required for image|vision add-?on is not|content must be a string",
    re.IGNORECASE,
)
"""How servers say that a model takes no pictures at all, and not that one of them is bad."""
_REMEMBERED_SECONDS = 3600.0
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
        learned_at: When, the last time.
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
    learned_at: float = 0.0
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

    def outdated(self, now: float) -> bool:
        """Say whether it was learned so long ago that the server may have changed."""
        return bool(self.learned) and now - self.learned_at > _REMEMBERED_SECONDS

    def learn(self, complaint: Complaint, request: ModelRequest, *, now: float) -> bool:
        """Take in why a request was refused; return whether it is worth asking otherwise."""
        if complaint.status in (401, 403, 408, 409, 429):
            return False
        learned = self._learn_api(complaint)
        if not learned and complaint.status in (400, 404, 422, 500, 501):
            learned = self._learn_limit(complaint) or self._learn_fields(complaint, request)
        if learned:
            self.learned += 1
            self.learned_at = now
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

    def _learn_fields(self, complaint: Complaint, request: ModelRequest) -> bool:
        if self.images and _takes_no_pictures(complaint, request):
            self.images = False
        elif not _UNKNOWN.search(complaint.message):
            return False
        elif self.usage and complaint.blames(_COUNTING, where=_COUNTING):
            self.usage = False
        elif self.confidence and complaint.blames(_LIKELIHOODS, where=_LIKELIHOODS_AT):
            self.confidence = False
        elif self.thoughts and complaint.blames(_THOUGHTS, where=_THOUGHTS_AT):
            if not self.responses and not _holds(request, Thinking):
                return False
            self.thoughts = False
        else:
            return False
        return True

    def _learn_limit(self, complaint: Complaint) -> bool:
        message = complaint.message
        if not complaint.blames(_LIMITS, where=_LIMITS):
            return False
        found = _LARGEST.search(message)
        largest = int(found[1] or found[2]) if found else None
        if largest and (self.largest is None or largest < self.largest):
            self.largest = largest
            return True
        if _MINIMUM.search(message) or not _UNKNOWN.search(message):
            return False
        if self.responses or self._limit_fixed:
            return False
        self.limit = OLD_LIMIT if self.limit == NEW_LIMIT else NEW_LIMIT
        self._limit_fixed = True
        return True


def _takes_no_pictures(complaint: Complaint, request: ModelRequest) -> bool:
    # A code that speaks of pictures is about this one, and not about all of them.
    one = "image" in complaint.code
    blamed = not one and complaint.blames(_NO_PICTURES, where=_PICTURES_AT)
    return blamed and _holds(request, Image)


def _holds(request: ModelRequest, kind: type[MessagePart]) -> bool:
    return any(isinstance(part, kind) for message in request.messages for part in message.parts)
