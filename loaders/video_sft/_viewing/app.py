"""The server of the page: rows, pictures and videos by row number, to browsers on this machine alone."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from video_sft._viewing.opened import Opened
from video_sft._viewing.playing import MOST_SECONDS, Kept, as_mp4, plan_of, sheet_of
from video_sft._viewing.row_text import brief, full, moments_of, plain
from video_sft.errors import VideoError, VideoSftError, one_line
from video_sft.video import Clip
from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._bytes.media_bytes import media_bytes
from video_sft.video._frames import facts_in_words

__all__ = ["HOSTS", "PageServer", "byte_range"]

#: The names by which browsers may call this server. Another one in the `Host` header means that a site has made its own
#: name point here (DNS rebinding), to read what it is not to see.
HOSTS = ("127.0.0.1", "localhost")
_PAGE = Path(__file__).with_name("page")
_FILES = {"view.js": "text/javascript", "view.css": "text/css", "icon.svg": "image/svg+xml"}
_ROWS_EACH, _MOST_ROWS = 20, 100
_MADE_BYTES, _PICTURE_BYTES = 256 << 20, 64 << 20
_CLIPS = 8
_SENT_AT_ONCE = 1 << 18
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class PageServer:
    """The page over what was opened, as an ASGI application in `app`.

    Media are found by the number of their row: no address has a path in it, and nothing is written.
    """

    def __init__(self, opened: Opened, *, notice: str = "") -> None:
        self._opened = opened
        self._notice = notice
        self._made, self._pictures = Kept(_MADE_BYTES), Kept(_PICTURE_BYTES)
        # What is learnt of a file stays with its clip: a player asks for it many times.
        self._clip = functools.lru_cache(maxsize=_CLIPS)(lambda split, number: _clip(opened.row(split, number)))
        at = "/{split}/{number:int}"
        routes = {
            "/": self._page,
            "/static/{name}": self._static,
            "/report": self._report,
            "/api/about": self._about,
            "/api/rows": self._rows,
            f"/api/row{at}": self._row,
            f"/api/upstream{at}": self._upstream,
            f"/api/medium{at}": self._medium,
            f"/video{at}": self._video,
            f"/sheet{at}": self._sheet,
            f"/thumb{at}": self._thumb,
            f"/image{at}": self._image,
        }
        # A split of a folder of several configs has a slash in its name.
        named = {path.replace("{split}", "{split:path}"): made for path, made in routes.items()}
        self.app = Starlette(
            routes=[Route(path, _answering(made), methods=["GET"]) for path, made in named.items()],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False)],
        )

    def _page(self, request: Request) -> Response:
        return FileResponse(_PAGE / "index.html", media_type="text/html")

    def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _FILES:
            raise IndexError("no such file")
        return FileResponse(_PAGE / name, media_type=_FILES[name])

    def _report(self, request: Request) -> Response:
        if self._opened.mixture is None:
            raise IndexError("this is no mixture")
        from video_sft.mixing import describe

        page = describe(self._opened.mixture, hours=False).to_html()
        return HTMLResponse(page, headers={"Content-Security-Policy": _REPORT_POLICY})

    def _about(self, request: Request) -> Response:
        opened = self._opened
        about = {"title": opened.title, "splits": opened.splits, "notice": self._notice}
        return JSONResponse({**about, "mixture": opened.mixture is not None})

    def _rows(self, request: Request) -> Response:
        """Answer with one page of the rows that the filters let through, and the values there are to choose by."""
        asked = request.query_params
        rows = self._opened.rows(asked.get("split") or self._opened.splits[0])
        query = asked.get("q", "")
        known = [name for name in rows.facets if name in asked]
        filters = {name: asked.getlist(name) for name in known}
        size = min(max(1, _whole(asked.get("size"), _ROWS_EACH)), _MOST_ROWS)
        matching = rows.matching(filters, query)
        pages = max(1, -(-len(matching) // size))
        page = min(max(0, _whole(asked.get("page"), 0)), pages - 1)
        numbers = matching[page * size : (page + 1) * size].tolist()
        listed = zip(numbers, rows.listed(numbers), strict=True)
        shown = [brief(row, number, medium) for number, (row, medium) in listed]
        for row in shown:
            row["fate"] = rows.fate(row["number"])
        facets = {
            name: [{"value": word, "rows": count} for word, count in counts if count or word in filters.get(name, ())]
            for name, counts in rows.counts(filters, query).items()
        }
        found = {"all": len(rows), "total": len(matching), "page": page, "pages": pages, "size": size}
        return JSONResponse({**found, "rows": shown, "facets": facets})

    def _row(self, request: Request) -> Response:
        split, number = _asked(request)
        rows = self._opened.rows(split)
        row = self._opened.row(split, number)
        own = brief(row, number, next((kind for kind in ("video", "image") if row.get(kind) is not None), None))
        return JSONResponse({**own, **full(row), "fate": rows.fate(number), "count": len(rows), "shared": rows.shared})

    def _upstream(self, request: Request) -> Response:
        row = self._opened.upstream(*_asked(request))
        if row is None:
            return JSONResponse({"fields": None, "moments": []})
        return JSONResponse({"fields": {name: plain(value) for name, value in row.items()}, "moments": moments_of(row)})

    def _medium(self, request: Request) -> Response:
        """Answer with how a row's medium is shown; this opens its file."""
        row = self._opened.row(*_asked(request))
        if row.get("video") is None:
            kind = "none" if row.get("image") is None else "image"
            return JSONResponse({"kind": kind})
        plan = plan_of(self._clip(*_asked(request)), anew="anew" in request.query_params)
        facts = plan.facts
        limits = {"offset": plan.offset, "begin": plan.begin, "end": plan.end}
        file = {"fileBegin": facts.begin_seconds, "fileEnd": facts.end_seconds}
        cut = MOST_SECONDS if plan.cut else None
        return JSONResponse(
            {"kind": "video", "way": plan.way, **limits, **file, "facts": facts_in_words(facts), "cut": cut}
        )

    def _video(self, request: Request) -> Response:
        clip = self._clip(*_asked(request))
        plan = plan_of(clip, anew="anew" in request.query_params)
        if plan.way == "direct":
            return _ranged(request, clip._file.source.open(), plan.media_type)
        key = ("video", plan.way, clip if plan.way == "converted" else clip._file)
        data = self._made.get(key, functools.partial(as_mp4, clip, plan))
        return _ranged(request, data, plan.media_type)

    def _sheet(self, request: Request) -> Response:
        clip = self._clip(*_asked(request))
        return Response(self._pictures.get(("sheet", clip), lambda: sheet_of(clip)), media_type="image/jpeg")

    def _thumb(self, request: Request) -> Response:
        """Answer with one small picture of a row."""
        row = self._opened.row(*_asked(request))
        if row.get("video") is None:
            return Response(_small_picture(row["image"], 160), media_type="image/jpeg")
        clip = self._clip(*_asked(request))
        return Response(self._pictures.get(("thumb", clip), lambda: _frame_of(clip)), media_type="image/jpeg")

    def _image(self, request: Request) -> Response:
        row = self._opened.row(*_asked(request))
        if row.get("image") is None:
            raise IndexError("this row has no image")
        return Response(_small_picture(row["image"], 1_600), media_type="image/jpeg")


def _answering(answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Return what answers a request in any case: with a sentence where something is wrong."""

    def safe(request: Request) -> Response:
        try:
            response = answer(request)
        except (IndexError, KeyError) as error:
            response = JSONResponse({"error": one_line(error)}, 404)
        except VideoError as error:
            response = JSONResponse({"error": str(error)}, 422)
        except VideoSftError as error:
            response = JSONResponse({"error": str(error)}, 400)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return safe


def _asked(request: Request) -> tuple[str, int]:
    return request.path_params["split"], request.path_params["number"]


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else default


def _clip(row: Mapping[str, Any]) -> Clip:
    """Return the clip of a row; its own limits go before those of the columns."""
    if row.get("video") is None:
        raise IndexError("this row has no video")
    clip = Clip(row["video"])
    if clip.start_seconds is None and clip.stop_seconds is None:
        return clip.part(row.get("start_seconds"), row.get("stop_seconds"))
    return clip


def _frame_of(clip: Clip) -> bytes:
    from PIL import Image

    frames = clip.frames(count=1, size=96, on_error="nearest")
    made = io.BytesIO()
    Image.fromarray(frames.data[0]).save(made, "JPEG", quality=75)
    return made.getvalue()


def _small_picture(cell: Mapping[str, Any], longest_side: int) -> bytes:
    """Return a row's image as a JPEG picture, whatever it is stored as; nothing else of the file is sent."""
    from PIL import Image, UnidentifiedImageError

    source = media_bytes(cell)
    with closing(source.open()) as file:
        data = file.read_at(0, file.size)
    made = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data)) as image:
            picture = image.convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise VideoError(source.name, f"is no image that can be read: {one_line(error)}") from error
    picture.thumbnail((longest_side, longest_side))
    picture.save(made, "JPEG", quality=88)
    return made.getvalue()


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return first and last byte of what a `Range` header asks for; None for all of it, or where it is none.

    Raises:
        IndexError: it begins behind the end.
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size - 1
    begin, end = int(first), min(int(last), size - 1) if last else size - 1
    if begin >= size:
        raise IndexError(header)
    return (begin, end) if begin <= end else None


def _ranged(request: Request, content: ByteSource | bytes, media_type: str) -> Response:
    """Answer with a file or the part of it that is asked for, read as it is sent."""
    size = len(content) if isinstance(content, bytes) else content.size
    headers = {"Accept-Ranges": "bytes"}
    try:
        wanted = byte_range(request.headers.get("range"), size)
    except IndexError:
        if not isinstance(content, bytes):
            content.close()
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    begin, end = wanted or (0, size - 1)
    headers["Content-Length"] = str(end + 1 - begin)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {begin}-{end}/{size}"
    status = 200 if wanted is None else 206
    if isinstance(content, bytes):
        return Response(content[begin : end + 1], status, headers, media_type)
    return StreamingResponse(_pieces(content, begin, end + 1), status, headers, media_type)


def _pieces(file: ByteSource, begin: int, end: int) -> Iterator[bytes]:
    with closing(file):
        for first in range(begin, end, _SENT_AT_ONCE):
            yield file.read_at(first, min(_SENT_AT_ONCE, end - first))
