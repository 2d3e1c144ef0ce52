"""One HTTP request and its reply, within a time and a size.

On the standard library's client, not on a larger one: those write addresses, whose query may be a
secret, into their logs, and their time-outs begin anew with every byte that drips in.
"""

import selectors
import socket
import ssl
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead

from iqaudit.victims._metered.base import ANSWER_RETRIES, RequestError

REPLY_MOST = 1 << 20
"""Bytes; a score and all that is said about it need far less."""


@dataclass(frozen=True)
class Address:
    """The address of a service; its representation and `public` tell nothing secret.

    Parameters
    ----------
    scheme : {"http", "https"}
    host : str
    port : int or None
    path : str
    query : str
    """

    scheme: str
    host: str
    port: int | None
    path: str
    query: str = field(default="", repr=False)

    @property
    def public(self) -> str:
        """The address without its query."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def resource(self) -> str:
        """The resource of the host that a request names."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True)
class Reply:
    """A reply whose body is complete."""

    status: int
    retry_after: str
    body: bytes


class Connection:
    """A connection to a service, kept open between requests.

    Redirects are not followed and the environment's proxies not used: requests go to the
    named host.

    Parameters
    ----------
    address : Address
    timeout : float
        Seconds, from the first byte sent to the last byte received.
    """

    def __init__(self, address: Address, timeout: float) -> None:
        self._address, self._timeout = address, timeout
        self._socket: socket.socket | None = None
        self._client = (
            HTTPSConnection(
                address.host, address.port, timeout=timeout, context=ssl.create_default_context()
            )
            if address.scheme == "https"
            else HTTPConnection(address.host, address.port, timeout=timeout)
        )
        # Python warns of a socket that nobody closed.
        weakref.finalize(self, self._client.close)

    def post(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send a request and return its reply.

        Raises
        ------
        RequestError
            If no whole reply comes in time, or it is too long.
        """
        self._drop_if_stale()
        expired = threading.Event()
        # Only shutting the socket ends a request whatever drips: the head, the body, a handshake.
        watchdog = threading.Timer(self._timeout, self._expire, [expired])
        watchdog.daemon = True
        watchdog.start()
        reply, problem = None, RequestError("gave no reply")
        try:
            reply = self._post(body, headers, expired)
        except ssl.SSLCertVerificationError:
            problem = RequestError("showed a certificate that does not hold", again=0)
        except TimeoutError:
            expired.set()
        except (OSError, HTTPException, UnicodeError) as error:
            problem = RequestError(f"was not reached or broke off ({type(error).__name__})")
        finally:
            watchdog.cancel()
            if reply is None or expired.is_set():
                self._client.close()
        # Raised out here: the error beneath may hold the host's words.
        if expired.is_set():
            raise RequestError(f"gave no whole reply in {self._timeout:g} s")
        if reply is None:
            raise problem
        if len(reply.body) > REPLY_MOST:
            self._client.close()
            raise RequestError(f"answered more than {REPLY_MOST >> 20} MiB", again=ANSWER_RETRIES)
        return reply

    def _post(self, body: bytes, headers: Mapping[str, str], expired: threading.Event) -> Reply:
        if self._client.sock is None:
            self._client.connect()
        self._socket = self._client.sock
        if expired.is_set():  # while there was nothing yet to shut
            raise TimeoutError
        self._client.request("POST", self._address.resource, body, dict(headers))
        with self._client.getresponse() as response:
            read = response.read(REPLY_MOST + 1)
            # A body that ends before its length is no error where a number of bytes was asked for.
            if response.length and len(read) <= REPLY_MOST:
                raise IncompleteRead(read, response.length)
            return Reply(response.status, response.getheader("Retry-After", ""), read)

    def _expire(self, expired: threading.Event) -> None:
        expired.set()
        # The connection lets go of a socket that the host will close, and reads on all the same;
        # in a handshake only the connection has it.
        for connected in (self._socket, self._client.sock):
            if connected is not None:
                with suppress(OSError):
                    # The plain method: an encrypted socket's disturbs a reader meanwhile.
                    socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def _drop_if_stale(self) -> None:
        """Close a kept connection that the host has closed, or has sent something unasked on."""
        if self._client.sock is None:
            return
        with selectors.DefaultSelector() as selector:
            selector.register(self._client.sock, selectors.EVENT_READ)
            if selector.select(0):
                self._client.close()
