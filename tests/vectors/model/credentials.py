"""Which credentials are accepted, and the one that a request presents: OPERATIONS.md, "Credentials"."""

import base64
import re

from . import decoding, names, tokens
from .decoding import Refused
from .headers import USUAL, Header
from .headers import read as read_usual
from .records import folded

MEANT = set(
    "accept authentication-info authorization baggage cache-control connection cookie cookie2 date dpop early-data expect from host "
    "http2-settings keep-alive last-event-id max-forwards origin pragma priority range referer set-cookie signature signature-input te "
    "traceparent tracestate trailer transfer-encoding upgrade upgrade-insecure-requests user-agent via warning www-authenticate".split()
)
MEANT_BEGINNINGS = ("accept-", "access-control-", "content-", "if-", "proxy-", "sec-")
REMOVED = set(
    # Written down from core/src/auth/dangerous_fields.rs, which is data.
    "x-original-url x-original-uri x-original-path x-rewrite-url x-rewrite-path x-override-url x-request-uri x-request-url x-real-uri "
    "x-real-url x-envoy-original-path x-envoy-original-url x-waws-unencoded-url x-middleware-subrequest x-invoke-path x-matched-path "
    "x-script-name x-http-method x-http-method-override x-method-override x-original-method client-cert client-cert-chain x-user "
    "x-webauth-user x-authenticated-user forwarded x-forwarded x-original-host x-host x-real-ip x-client-ip x-cluster-client-ip client-ip "
    "true-client-ip cf-connecting-ip x-original-forwarded-for x-envoy-external-address cf-connecting-ipv6 fly-client-ip fastly-client-ip "
    "front-end-https x-url-scheme proxy x-goog-iap-jwt-assertion x-request-id".split()
)
REMOVED_BEGINNINGS = (
    "x-tokenlatch-", "x-auth-request-", "remote-", "x-remote-", "x-authentik-", "x-goog-authenticated-user-", "cf-access-", "x-amzn-oidc-",
    "x-ms-client-principal", "tailscale-user-", "ssl-client-", "x-ssl-client-", "x-forwarded-",
)
OTHER_SCHEMES = set(
    "aws4-hmac-sha256 basic bearer concealed cpanel digest dpop gnap hoba kerberos mutual negotiate ntlm oauth privatetoken scram-sha-1 "
    "scram-sha-256 vapid whm".split()
)
NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def _way(text):
    """A text as (kind, name), or None."""
    if text in ("bearer", "cpanel", "whm", "basic"):
        return text, text
    if text == "x-api-key":
        return "header", text
    kind, colon, name = text.partition(":")
    if not colon or kind not in ("header", "scheme") or not NAME.fullmatch(name):
        return None
    low = name.lower()
    if kind == "scheme":
        return None if low in OTHER_SCHEMES else (kind, name)
    taken = low in MEANT | REMOVED or low.startswith(MEANT_BEGINNINGS + REMOVED_BEGINNINGS)
    return None if taken else (kind, name)


class Credentials:
    """The credentials that are accepted."""

    def __init__(self, texts=None, path="credentials"):
        texts = USUAL if texts is None else texts
        if not 1 <= len(texts) <= 16:
            raise Refused("credentials_invalid", path)
        self.ways = []
        for at, text in enumerate(texts):
            way = _way(text)
            if way is None or (way[0], way[1].lower()) in [(kind, name.lower()) for kind, name in self.ways]:
                raise Refused("credentials_invalid", f"{path}[{at}]")
            self.ways.append(way)
        self.fields = [name.lower() for kind, name in self.ways if kind == "header"]
        self.schemes = {name.lower(): kind for kind, name in self.ways if kind != "header"}

    def looked_at(self):
        """The names of the fields that matter."""
        first = ["authorization"] if self.schemes else []
        return first + self.fields + (["sec-fetch-site"] if "basic" in self.schemes else [])

    def challenge(self):
        """The value of WWW-Authenticate."""
        shown = []
        for kind, name in self.ways:
            if kind == "header":
                shown.append(f'ApiKey realm="tokenlatch", in="header", name="{name}"')
            elif kind == "scheme":
                shown.append(f'{name} realm="tokenlatch"')
            elif kind in ("bearer", "basic"):
                shown.append(f'{kind.capitalize()} realm="tokenlatch"')
            elif "bearer" not in self.schemes:
                shown.append(f'{kind} realm="tokenlatch"')
        return ", ".join(shown)

    def read(self, fields):
        """The credential that the fields of a request present."""
        def values(name):
            found = [value for key, value in fields if folded(key) == folded(name)]
            return [] if found == [""] else found

        authorization = values("authorization") if self.schemes else []
        keys = [value for name in self.fields for value in values(name)]
        if len(authorization) == 1 and keys:
            scheme = authorization[0].split(" ", 1)[0]
            if TOKEN.fullmatch(scheme) and scheme.lower() not in self.schemes:
                authorization = []
        presented = [(True, one) for one in authorization] + [(False, one) for one in keys]
        if len(presented) != 1:
            return Header(reason="header_repeated" if presented else "header_missing")
        in_authorization, value = presented[0]
        if not in_authorization:
            return _of_token("header", value)
        header = self._scheme(value)
        if header.scheme == "basic":
            site = [value for key, value in fields if folded(key) == folded("sec-fetch-site")]
            if site not in ([], ["same-origin"], ["none"]):
                return Header(reason="cross_site")
        return header

    def _scheme(self, value):
        malformed = Header(reason="header_malformed")
        if len(value.encode()) > 512 or not all(" " <= letter <= "~" for letter in value) or value != value.rstrip(" "):
            return malformed
        name, space, rest = value.partition(" ")
        if not name or not space:
            return malformed
        kind = self.schemes.get(name.lower())
        if kind is None:
            return Header(reason="scheme_unsupported")
        rest = rest.lstrip(" ")
        if kind in ("bearer", "scheme"):
            return _of_token(kind, rest)
        if kind == "basic":
            return _of_basic(rest)
        return read_usual(value)


def _of_token(kind, text, user=None):
    try:
        return Header(kind, user, tokens.read_token(text))
    except Refused:
        return Header(reason="header_malformed")


def _of_basic(text):
    malformed = Header(reason="header_malformed")
    if not BASE64.fullmatch(text) or len(text) % 4:
        return malformed
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        return malformed
    user, colon, token = data.decode("latin-1").partition(":")
    if not colon or (user and not names.is_user(user)):
        return malformed
    return _of_token("basic", token, user or None)


def presented(value, path):
    """What `authorization` says: the credentials that are accepted, and the header."""
    if not isinstance(value, dict):
        return Credentials(), read_usual(value)
    reader = decoding.Reader(value, path)
    texts = reader.take("credentials", decoding.array(decoding.string), None)
    accepted = Credentials(texts, reader.at("credentials"))
    return accepted, accepted.read(reader.take("fields", decoding.anything))


def credentials(reader):
    """The operation."""
    accepted = Credentials(reader.take("credentials", decoding.anything, None))
    return {"fields": accepted.looked_at(), "challenge": accepted.challenge()}

