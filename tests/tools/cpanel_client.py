"""The public client `cpanel-api`, unchanged, through a token's whole life over UAPI and API 2.

Takes the user and the port; the token is in the environment. Says `done` at the end.
"""

import os
import sys

from cpanel_api import CPanelApi, Unauthorized

user, port = sys.argv[1], int(sys.argv[2])


def client(token):
    return CPanelApi("127.0.0.1", user, token, port, auth_type="utoken")


def refused(token):
    try:
        client(token).uapi.Tokens.list()
    except Unauthorized:
        return True
    return False


def names(tokens):
    return [token.name for token in tokens]


mine = client(os.environ["TOKEN"])

made = mine.uapi.Tokens.create_full_access(name="from-uapi")
assert made.status == 1 and made.errors is None and made.metadata == {}, made.errors
assert len(made.data.token) == 32 and isinstance(made.data.create_time, int)
listed = client(made.data.token).uapi.Tokens.list()
assert listed.status == 1 and listed.metadata.transformed == 1
assert "from-uapi" in names(listed.data)
again = mine.uapi.Tokens.create_full_access({"name": "from-uapi"})
assert again.status == 0 and again.data is None and len(again.errors) == 1

renamed = mine.uapi.Tokens.rename(name="from-uapi", new_name="renamed")
assert renamed.status == 1 and renamed.data is None
assert client(made.data.token).uapi.Tokens.list().status == 1
assert mine.uapi.Tokens.revoke(name="renamed").data == 1
assert refused(made.data.token)

made = mine.cpanel2.Tokens.create_full_access(name="from-api2").cpanelresult
assert made.event.result == 1 and made.apiversion == 2 and made.func == "create_full_access"
token = made.data[0].token
listed = client(token).cpanel2.Tokens.list().cpanelresult
assert "from-api2" in names(listed.data)
again = mine.cpanel2.Tokens.create_full_access(name="from-api2").cpanelresult
assert again.event.result == 0 and again.error
assert mine.cpanel2.Tokens.revoke(name="from-api2").cpanelresult.event.result == 1
assert refused(token)
assert refused("A" * 32)

print("done")
