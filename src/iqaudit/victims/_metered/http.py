"""A service on the web, or on this machine, as a victim."""

import base64
import ipaddress
import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Unpack
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from iqaudit._core.errors import InputError
from iqaudit._core.paths import located
from iqaudit._core.picture import Pixels
from iqaudit._core.wording import worded
from iqaudit.victims._metered.base import Asked, Meter, RequestError, png
from iqaudit.victims._metered.http_connection import Address, Connection, Reply
from iqaudit.victims._metered.score_parsing import Field

HEADER = re.compile(r"([\w!#$%&'*+.^`|~-]+)=(?:env:([A-Za-z_]\w*)|file:(.+))", re.ASCII)

OURS = {"connection", "content-length", "content-type", "host", "transfer-encoding"}
"""Headers that say how the request is made."""

PASSING = {429, 500, 502, 503, 504}
"""Statuses that may be another the next time."""

RETRY_AFTER_MOST = 300.0
"""Seconds; a service that asks for a longer pause is not asked again."""

FORM = re.compile(r"raw|multipart(?::([\w.-]+))?")

PICTURE = "{base64}"
"""The placeholder of a body's template for the picture."""

KEPT = re.compile(r"\{(?:env:([A-Za-z_]\w*)|file:([^{}\"]+))\}", re.ASCII)
"""Placeholders of a template for what is kept elsewhere."""


class Http(Meter):
    """A service that is sent a picture and answers JSON with a score in it.

    One picture a request, as PNG. A picture that was answered is not sent again; see `Meter`.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``. Its user, password and query are sent and told to nobody else.
    field : str
        Where in the JSON the score stands, as ``result.scores[0]``, ``[label=good].score`` or, of a
        lone number, ``$``.
    form : str
        ``"raw"``: the request's body is the file; ``"multipart"``: a form's part ``file`` is, or
        the part NAME with ``"multipart:NAME"``.
    body : str or mapping, optional
        JSON in place of a form, with ``{base64}`` where the picture's file belongs, as
        ``{"image": "{base64}"}``; ``{env:VARIABLE}`` and ``{file:PATH}`` stand for what is read
        from there.
    headers : sequence of str
        Each ``NAME=env:VARIABLE`` or ``NAME=file:PATH``: the value is read from there.
    authorised : bool
        That the service's owner allows the audit; needed where the host is not this machine.
    **asked
        The score's range or scale, `score_range`, `lower_is_better` and `unbounded` or `scale`,
        as `Scale.declared` reads them; one of the two is needed.
        `timeout`: seconds for one request, its whole answer included; 60 unless given.
        `retries`: how often a failed request is made again; 5 times unless given.
        `rate`: the most requests a second, evenly spaced.
        `price`: money a request.
        `budget_money`: the ceiling; the request that would pass it is not made.
        `concurrency`: pictures that are asked about at once, at the most; 1 unless given.
        `clock`: a `Clock` in place of the system's.

    Raises
    ------
    InputError
        If something given cannot be used; the sentence repeats neither the address nor a value.
    """

    def __init__(
        self,
        url: str,
        *,
        field: str = "score",
        form: str = "raw",
        body: str | Mapping[str, object] | None = None,
        headers: Sequence[str] = (),
        authorised: bool = False,
        **asked: Unpack[Asked],
    ) -> None:
        address, login = _address(url)
        if not (authorised or _is_loopback(address.host)):
            raise InputError(
                f"{address.host} is not this machine. Thousands of requests to a service that is "
                "not yours need its owner's permission; if you have it, say "
                f"{worded('authorised=True')}."
            )
        self._field, self._part = Field(field), _part(form)
        self._sent, secrets = _headers(headers)
        self._body = None
        if body is not None:
            if form != "raw":
                raise InputError("A request has a body's template or a form, not both.")
            self._body, kept = _template(body)
            secrets += kept
        self._secrets = _parts(secrets, url)
        if login:
            if "authorization" in self._sent:
                raise InputError("Give the address a user or a header Authorization, not both.")
            self._sent["authorization"] = login
        super().__init__(address.public, "A service", self._ask, **asked)
        self._address = address
        self._idle: list[Connection] = []  # as many as were in use at once

    def _ask(self, pictures: Sequence[Pixels]) -> list[float]:
        [picture] = pictures
        body, kind = png(picture), "image/png"
        if self._body is not None:
            coded = base64.b64encode(body).decode()
            body, kind = self._body.replace(PICTURE, coded).encode(), "application/json"
        elif self._part:
            body, kind = _multipart(self._part, body)
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = Connection(self._address, self._policy.timeout)
        try:
            reply = connection.post(body, {**self._sent, "content-type": kind})
        finally:
            self._idle.append(connection)
        if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            raise _refusal(reply)
        try:
            return [self._read(reply.body)]
        except RequestError as error:
            # The service's own words may repeat what it was sent.
            sentence = str(error)
            for secret in self._secrets:
                sentence = sentence.replace(secret, "…")
            hidden = RequestError(sentence, again=error.again)
        raise hidden

    def _read(self, reply: bytes) -> float:
        """Return the score of a reply's body."""
        return self._field.number(reply)


def _refusal(reply: Reply) -> RequestError:
    try:
        # Python's words for it: the server's own could repeat a secret of the request.
        sentence = f"answered {reply.status} {HTTPStatus(reply.status).phrase}"
    except ValueError:
        sentence = f"answered {reply.status}"
    if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
        return RequestError(
            f"{sentence}; redirects are not followed, give the new address", again=0
        )
    if reply.status not in PASSING:
        return RequestError(sentence, again=0)
    wait = _seconds(reply.retry_after)
    if wait > RETRY_AFTER_MOST:
        return RequestError(f"{sentence} and asks to be left alone for {wait:.0f} s", again=0)
    return RequestError(sentence, wait=wait)


def _seconds(retry_after: str) -> float:
    """Read a Retry-After, seconds or a date; 0 where it is neither."""
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after[:9])
    try:
        until = parsedate_to_datetime(retry_after)
        return max(0.0, (until - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _multipart(part: str, file: bytes) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{part}"; filename="picture.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    body = head.encode() + file + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _part(form: str) -> str:
    """Return the name of the form's part that holds the picture; empty where there is no form."""
    found = FORM.fullmatch(form) if isinstance(form, str) else None
    if found is None:
        raise InputError('form is "raw", "multipart" or "multipart:NAME".')
    return "" if form == "raw" else found[1] or "file"


def _address(url: str) -> tuple[Address, str]:
    """Take an address apart; its user and password become the value of a header."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not re.fullmatch(r"[\w.:%-]+", host) or parts.scheme not in ("http", "https"):
        # Without the address: it may hold a password.
        raise InputError("A service's address looks like https://host:port/path?query.")
    login = ""
    if parts.username is not None:
        both = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        login = f"Basic {base64.b64encode(both.encode()).decode()}"
    # Unsafe characters are quoted; quoted ones stay as they are.
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~") or "/"
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~?")
    return Address(parts.scheme, host, port, path, query), login


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _template(body: str | Mapping[str, object]) -> tuple[str, list[str]]:
    """Return a body's template with what is kept elsewhere in its place, and that alone."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    kept: list[str] = []

    def value(place: re.Match[str]) -> str:
        kept.append(_secret("A placeholder of the body", *place.groups("")))
        return json.dumps(kept[-1])[1:-1]

    try:
        usable = PICTURE in text and json.loads(text) is not None
    except (ValueError, RecursionError):
        usable = False
    if not usable:
        # Without its words: they may hold a secret.
        raise InputError(
            'body is JSON with {base64} in a text, where the picture belongs: {"image": "{base64}"}'
            "."
        )
    return KEPT.sub(value, text), kept


def _parts(secrets: Sequence[str], url: str) -> list[str]:
    """Return what no sentence repeats of what is sent, the longest first, word by word as well."""
    parts = urlsplit(url)
    told = [parts.query, unquote(parts.query), *(value for _, value in parse_qsl(parts.query))]
    for part in (parts.username, parts.password):
        told += [part or "", unquote(part or "")]
    words = [word for secret in secrets for word in secret.split()]
    return sorted({*told, *secrets, *words} - {""}, key=len, reverse=True)


def _headers(texts: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the headers to send, and the values that are secret."""
    secrets: list[str] = []
    headers: dict[str, str] = {"accept": "application/json", "user-agent": "iqaudit"}
    for number, header in enumerate([texts] if isinstance(texts, str) else texts, 1):
        form = HEADER.fullmatch(header) if isinstance(header, str) else None
        if form is None or form[1].lower() in OURS:
            # Without its words: they may be a secret put in the wrong place.
            raise InputError(
                f"Header {number} must be NAME=env:VARIABLE or NAME=file:PATH, so that its value "
                f"stays out of what is written; {', '.join(sorted(OURS))} are not given."
            )
        name, variable, path = form.groups("")
        secrets.append(_secret(f"The header {name}", variable, path))
        headers[name.lower()] = secrets[-1]
    return headers, secrets


def _secret(what: str, variable: str, path: str) -> str:
    where = "file" if path else "environment variable"
    try:
        value = located(path).read_text("utf-8").strip() if path else os.environ.get(variable, "")
    except (OSError, ValueError):
        value = ""
    if not re.fullmatch(r"[\x20-\x7e]+", value):
        raise InputError(
            f"{what} is missing its value: the {where} must be there and hold one line of plain "
            "ASCII."
        )
    return value
