"""The page served on this machine until it is stopped."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from video_sft.errors import ConfigError

if TYPE_CHECKING:
    import uvicorn

    from video_sft._viewing.opened import Opened

__all__ = ["check_installed", "listening", "serve", "server_of"]

#: Tried first, so that the address stays the same from one time to the next.
_USUAL_PORT = 8321
_MISSING = "`video-sft view` needs Starlette and uvicorn: pip install 'video-sft[view]'"


def serve(opened: Opened, *, port: int | None, notice: str, tell: Callable[[str], None]) -> None:
    """Serve the page on 127.0.0.1 until Ctrl-C.

    Args:
        opened: what is looked at.
        port: to listen on; 0 is any that is free, None the usual one or else any.
        notice: a sentence at the top of the page.
        tell: is given the page's address, as soon as there is one.

    Raises:
        ConfigError: the port is taken, or the extra `view` is not installed.
    """
    with contextlib.closing(listening(port)) as listener:
        server = server_of(opened, notice=notice)
        tell(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def server_of(opened: Opened, *, notice: str = "") -> uvicorn.Server:
    """Return the server of a page, which does not run yet.

    Raises:
        ConfigError: the extra `view` is not installed.
    """
    check_installed()
    import uvicorn

    from video_sft._viewing.app import PageServer

    quiet: Any = {"log_level": "warning", "access_log": False, "server_header": False}
    app = PageServer(opened, notice=notice).app
    return uvicorn.Server(uvicorn.Config(app, lifespan="off", timeout_graceful_shutdown=1, **quiet))


def check_installed() -> None:
    """Raise a `ConfigError` that says what to install, where something is missing."""
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise ConfigError(_MISSING) from None


def listening(port: int | None) -> socket.socket:
    """Return a socket that this machine alone can speak to.

    Raises:
        ConfigError: the port is taken.
    """
    for wanted in [_USUAL_PORT, 0] if port is None else [port]:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", wanted))
            listener.listen()  # now, so that whoever is told the address is heard
        except (OSError, OverflowError) as error:
            listener.close()
            if port is not None:
                raise ConfigError(f"--port {port} cannot be had: {error}; --port 0 takes any that is free") from None
        else:
            return listener
    raise ConfigError("no port of this machine can be had")
