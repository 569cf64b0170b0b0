"""The public client `aiocpanel`, unchanged: functions that the guard passes on, a token that is bad, and ours.

Takes the user, the port and the certificate's file; the token is in the environment. Says `done` at the end.
"""

import asyncio
import os
import ssl
import sys

import aiohttp
from aiocpanel import CpanelApiError, CpanelAuthError, CpanelClient

user, port, certificate = sys.argv[1], int(sys.argv[2]), sys.argv[3]


async def raises(kind, call):
    try:
        await call
    except kind:
        return
    raise AssertionError(f"it isn't told as {kind.__name__}")


async def main(session):
    client = CpanelClient(session, "127.0.0.1", user, os.environ["TOKEN"], port)
    await client.start_autossl_check()
    records = await client.list_dynamic_dns()
    assert [record.domain for record in records] == ["home.example.com"], records
    # What the API itself refuses is the API's failure; a bad token is something else.
    await raises(CpanelApiError, client.create_dynamic_dns("taken.example.com", "x"))
    bad = CpanelClient(session, "127.0.0.1", user, "A" * 32, port)
    await raises(CpanelAuthError, bad.start_autossl_check())

    # It has no methods for tokens: these are its own calls by name.
    made = await client._uapi("Tokens", "create_full_access", name="aio", expires_at="4000000000")
    assert len(made["token"]) == 32, made
    assert [token["name"] for token in await client._uapi("Tokens", "list")].count("aio") == 1
    await raises(CpanelApiError, client._uapi("Tokens", "create_full_access", name="aio"))
    await raises(CpanelApiError, client._uapi("Tokens", "nosuch"))
    assert await client._uapi("Tokens", "rename", name="aio", new_name="aio-2") is None
    assert await client._uapi("Tokens", "revoke", name="aio-2") == 1


async def session():
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=certificate))
    async with aiohttp.ClientSession(connector=connector) as session:
        await main(session)


asyncio.run(session())
print("done")
