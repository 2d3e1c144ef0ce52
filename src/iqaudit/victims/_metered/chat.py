"""A judge behind a chat interface: a vision model that is asked for a number."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack
from urllib.parse import urlsplit, urlunsplit

from iqaudit._core.errors import InputError, foreign
from iqaudit._core.paths import located
from iqaudit.victims._metered.base import Account, Asked, Cost, RequestError
from iqaudit.victims._metered.http import PICTURE, Http
from iqaudit.victims._metered.score_parsing import Field, Pattern, only_number, unusable

PROMPT = (
    "Judge the technical quality of this picture: sharpness, noise, artefacts of compression, "
    "exposure and colour. Do not judge what it shows. Answer with one number from 0 (worst) to 100 "
    "(best) and nothing else."
)
"""The question, unless a file holds another."""

RANGE = (0.0, 100.0)
"""What that question asks for."""

PLACE = "/chat/completions"

THOUSAND = 1_000
"""Tokens that a price is of."""


class Chat(Http):
    """A vision model behind an OpenAI-compatible chat endpoint.

    A picture a request, as PNG in a ``data:`` address, with a prompt, at temperature 0. Its answer
    must hold one number, the score; a refusal is a failure. In all else a service as `Http` is.

    Parameters
    ----------
    url : str
        ``http://HOST/v1`` or ``https://HOST/v1``; ``/chat/completions`` is added where it is not
        its end.
    model : str
        The model's name there.
    prompt : path, optional
        A file of the question. Without it one of ours asks for a number from 0 to 100, which then
        is the score's range unless another scale is declared.
    pattern : str, optional
        A regular expression with one group, the score, which matches once; unless given, the answer
        must hold one number alone.
    headers : sequence of str
        As `Http` takes them: ``Authorization=env:VARIABLE``, whose value is ``Bearer`` and the key.
    authorised : bool
        That the service's owner allows the audit; needed where the host is not this machine.
    **asked
        As `Http` takes them, but that `price` is money per 1,000 tokens, of prompt and answer
        alike, as the service's ``usage`` counts them. `budget_money` is a ceiling with the dearest
        request so far as the price of the next.

    Raises
    ------
    InputError
        If something given cannot be used; the sentence repeats neither the address nor a value.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        prompt: str | None = None,
        pattern: str | None = None,
        headers: Sequence[str] = (),
        authorised: bool = False,
        **asked: Unpack[Asked],
    ) -> None:
        if not model:
            raise InputError("A chat needs the model's name: chat:URL,model=NAME (model=NAME).")
        question = PROMPT if prompt is None else _question(prompt)
        if prompt is None and asked.get("scale") is None:
            asked["score_range"] = asked.get("score_range") or RANGE
        body = _body(model, question)
        super().__init__(_endpoint(url), body=body, headers=headers, authorised=authorised, **asked)
        self._choice = Field("choices[0]")
        self._pattern = None if pattern is None else Pattern(pattern)
        self._tokens = self._dearest = 0
        self._name = f"chat:{model}@{self._name}"
        self.card = replace(self.card, name=self._name)
        if prompt is not None:
            digest = hashlib.sha256(question.encode()).hexdigest()
            note = f"asked by a prompt whose SHA-256 begins with {digest[:12]}"
            self.card = replace(self.card, note=note)

    @property
    def account(self) -> Account:
        """The account so far."""
        spent = self._tokens * self._policy.price / THOUSAND
        return replace(super().account, spent=spent, tokens=self._tokens)

    def _next_price(self) -> float:
        return self._dearest * self._policy.price / THOUSAND

    def _committed(self) -> float:
        return self._under_way * self._next_price()

    def _request_price(self) -> float:
        return 0.0

    def _recall(self, earlier: Sequence[Cost]) -> None:
        self._dearest = max((self._dearest, *(cost.tokens for cost in earlier)))

    def _read(self, reply: bytes) -> float:
        self._count(reply)
        choice: Any = self._choice.find(reply)
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(message, dict):
            raise unusable("answered JSON that holds no message")
        if choice.get("finish_reason") == "content_filter":
            raise unusable("answered that its filter stopped the answer")
        if refusal := message.get("refusal"):
            raise unusable(f"refused: {_quoted(refusal)}")
        text = _text(message.get("content"))
        if choice.get("finish_reason") == "length":
            raise unusable(f"broke its answer off at its limit of tokens: {_quoted(text)}")
        if self._pattern is None:
            return only_number(text, _quoted(text))
        try:
            [score] = self._pattern.numbers(text, 1)
        except RequestError:
            raise unusable(
                f"answered what the pattern finds no score in: {_quoted(text)}"
            ) from None
        return score

    def _count(self, reply: bytes) -> None:
        """Count the tokens that a reply tells of; with a price, it must."""
        try:
            usage: Any = json.loads(reply).get("usage")
            total = usage.get("total_tokens")
            if total is None:
                total = usage["prompt_tokens"] + usage["completion_tokens"]
            tokens = int(total)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            if self._policy.price:
                raise RequestError(
                    "tells no tokens in usage, so a price of tokens cannot be reckoned", again=0
                ) from None
            return
        with self._counts:
            self._tokens += tokens
            self._dearest = max(self._dearest, tokens)
            self._keep(Cost(self._name, 0, tokens, tokens * self._policy.price / THOUSAND))


def _question(prompt: str) -> str:
    try:
        text = located(prompt).read_text("utf-8").strip()
    except FileNotFoundError:
        raise InputError(f"{prompt}: there is no such file for a prompt.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{prompt}: this prompt cannot be read ({foreign(error)}).") from None
    if not text:
        raise InputError(f"{prompt}: this prompt is empty.")
    return text


def _endpoint(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url  # refused as any other
    path = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=path if path.endswith(PLACE) else path + PLACE))


def _body(model: str, question: str) -> str:
    """Return a request's body; no placeholder but the picture's is one."""
    content = [
        {"type": "text", "text": question},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}},
    ]
    whole = {"model": model, "temperature": 0, "messages": [{"role": "user", "content": content}]}
    head, mark, tail = json.dumps(whole).rpartition("base64,")
    marked = re.sub(r"\{(?=base64\}|env:|file:)", r"\\u007b", head)
    return f"{marked}{mark}{PICTURE}{tail}"


def _text(content: object) -> str:
    """Return the text of a message, which may come in parts."""
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(text for text in texts if isinstance(text, str))
    if not isinstance(content, str) or not content.strip():
        raise unusable("answered nothing")
    return content


def _quoted(text: object) -> str:
    return f'"{foreign(text)}"'
