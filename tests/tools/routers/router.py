"""
Python's `http.server` with `urllib.parse` and the routes of a file, for a test: `python3 router.py PORT ROUTES`. It answers with the
index of the route.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

ROUTES = json.load(open(sys.argv[2], encoding="utf-8"))


def fits(route, parts):
    """Whether a route has the segments of a path."""
    for at, segment in enumerate(unquote(one) for one in route.split("/")):
        if segment.startswith("{*"):
            return any(parts[at:])
        if at >= len(parts) or not (parts[at] if segment.startswith("{") else parts[at] == segment):
            return False
    return len(route.split("/")) == len(parts)


class Handler(BaseHTTPRequestHandler):
    """Answers with the name of the route."""

    protocol_version = "HTTP/1.1"

    def serve(self):
        """Looks for the first route that fits."""
        parts = [unquote(part) for part in urlsplit(self.path).path.split("/")]
        method = "GET" if self.command == "HEAD" else self.command
        fitting = (at for at, one in enumerate(ROUTES) if one["method"] in (method, "*") and fits(one["path"], parts))
        found = next(fitting, None)
        self.send_response(404 if found is None else 200)
        if found is not None:
            self.send_header("X-Route", str(found))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def log_message(self, *_):
        """Says nothing."""


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
