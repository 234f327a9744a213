"""A server that speaks as OpenAI does, and counts as far as it may."""

from __future__ import annotations

from attrs import define

from argent_testing import Asked, ModelServer, PlayedReply, json_reply
from argent_testing.wire.chat import answer

MODEL = "openai/gpt-4o-mini"
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def refusal(status: int, message: str, code: str = "", **headers: str) -> PlayedReply:
    """Return an error."""
    error = {"message": message, "type": "invalid_request_error", "code": code}
    return json_reply({"error": error}, status=status, **headers)


@define(eq=False)
class PlayedOpenAI(ModelServer):
    """The server."""

    base: str = "/v1"

    def by_itself(self, asked: Asked) -> PlayedReply:
        """Count."""
        body = asked.body
        if f"openai/{body['model']}" != MODEL:
            return refusal(404, f"The model {body['model']} does not exist", "model_not_found")
        most = body.get("max_tokens") or body["max_completion_tokens"]
        words = (f"{word} " for word in (WORDS * 7)[:most])
        return PlayedReply(pieces=answer(*words, prompt=len(asked.raw) // 4))
