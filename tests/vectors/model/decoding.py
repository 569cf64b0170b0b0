"""How a request is read: closed objects, exact types, and the refusals that follow."""

LARGEST = 2**53 - 1
"""The largest whole number of RFC 7493."""

REQUIRED = object()
"""Marks a key that has no default."""

DEEPEST = 16
"""How deep arrays and objects may nest, the request itself counted as 1."""

DEEPEST_KEPT = 8
"""How deep the value of a record's unknown key may nest."""


class Refused(Exception):
    """An error answer: its stable code and, where one is at fault, the field."""

    def __init__(self, code, field=None):
        super().__init__(code, field)
        self.code = code
        self.field = field


class Reader:
    """Takes the keys of one JSON object one by one, then refuses what is left over."""

    def __init__(self, value, path=""):
        if not isinstance(value, dict):
            raise Refused("type_invalid", path or None)
        self.left = dict(value)
        self.path = path

    def at(self, key):
        """The path of a key, as the errors name it."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key):
        """Whether the key is there and not yet taken."""
        return key in self.left

    def take(self, key, decode, default=REQUIRED):
        """The decoded value of a key, or its default."""
        if key not in self.left:
            if default is REQUIRED:
                raise Refused("field_missing", self.at(key))
            return default
        return decode(self.left.pop(key), self.at(key))

    def done(self):
        """Refuses every key that nothing has asked for."""
        for key in self.left:
            raise Refused("field_unknown", self.at(key))


def anything(value, _path):
    """The value as it stands; its own rule is applied later."""
    return value


def string(value, path):
    """Text."""
    if not isinstance(value, str):
        raise Refused("type_invalid", path)
    return value


def boolean(value, path):
    """True or false, and nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise Refused("type_invalid", path)
    return value


def integer(low=-LARGEST, high=LARGEST, code="value_invalid"):
    """A whole number within bounds; outside them the error is `code`."""

    def decode(value, path):
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
            raise Refused("type_invalid", path)
        if not low <= value <= high:
            raise Refused(code, path)
        return value

    return decode


def one_of(*words):
    """A string of a closed set."""

    def decode(value, path):
        if string(value, path) not in words:
            raise Refused("value_invalid", path)
        return value

    return decode


def array(decode_item):
    """An array of one kind of item."""

    def decode(value, path):
        if not isinstance(value, list):
            raise Refused("type_invalid", path)
        return [decode_item(item, f"{path}[{at}]") for at, item in enumerate(value)]

    return decode


def nullable(decode_value):
    """A value or null."""
    return lambda value, path: None if value is None else decode_value(value, path)


def depth(value):
    """How deep a value nests; a scalar is 0."""
    if isinstance(value, dict):
        return 1 + max((depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(item) for item in value), default=0)
    return 0


def whole(value):
    """Whether every number in a value is whole and safe."""
    if isinstance(value, dict):
        return all(map(whole, value.values()))
    if isinstance(value, list):
        return all(map(whole, value))
    return not isinstance(value, (int, float)) or (value == int(value) and abs(value) <= LARGEST)


def check_depth(request):
    """Refuses a request that nests too deep."""
    if depth(request) > DEEPEST:
        raise Refused("too_deep")
