"""Addresses and address lists, by `ipaddress` with what it allows beyond the contract refused first."""

import ipaddress
import re

from . import decoding
from .decoding import Refused


def _plain(text):
    """An address with IPv4-mapped ones as their IPv4 address."""
    if not re.fullmatch(r"[0-9a-fA-F:.]+", text):
        raise ValueError(text)
    found = ipaddress.ip_address(text)
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found


def network(text):
    """The network that an entry of an address list stands for."""
    host, slash, bits = text.partition("/")
    if not slash:
        return ipaddress.ip_network(_plain(host))
    if not re.fullmatch(r"[0-9a-fA-F:.]+", host) or not re.fullmatch(r"0|[1-9][0-9]{0,2}", bits):
        raise ValueError(text)
    found = ipaddress.ip_network(text, strict=True)
    mapped = getattr(found.network_address, "ipv4_mapped", None)
    if mapped is not None and found.prefixlen >= 96:
        return ipaddress.ip_network((mapped, found.prefixlen - 96))
    return found


def entry(text, path):
    """One entry of an address list, kept as it was given."""
    decoding.string(text, path)
    try:
        network(text)
    except ValueError:
        raise Refused("address_invalid", path) from None
    return text


def entries(value, path):
    """An address list: at most 100 entries."""
    strings = decoding.array(decoding.string)(value, path)
    if len(strings) > 100:
        raise Refused("addresses_too_many", path)
    return decoding.array(entry)(strings, path)


def readable(text):
    """The address a call came from, or None when it is missing or can't be read."""
    try:
        return None if text is None else _plain(text)
    except ValueError:
        return None


def covers(listed, address):
    """Whether any entry of the list holds the address."""
    return any(address in network(text) for text in listed if network(text).version == address.version)
