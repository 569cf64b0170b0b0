"""The public client `pycpanel`, unchanged: WHM's token functions, and what the guard passes on from port 2087.

Takes the user and the certificate's file; the token is in the environment, and so is the way to port 2087, which the
client knows no other than. Says `done` at the end.
"""

import os
import sys

import pycpanel

user, certificate = sys.argv[1], sys.argv[2]
VERSION = {"api.version": 1}


def conn(token):
    # As it begins, it asks for the list of functions.
    return pycpanel.conn("localhost", user, hash=token, verify=certificate)


def result(reply):
    assert reply["metadata"]["result"] == 1, reply
    return reply.get("data")


whm = conn(os.environ["TOKEN"])
assert whm.json_list() == ["applist", "listaccts"], whm.json_list()
assert [pop["email"] for pop in whm.cpanel_api("Email", "listpops", "alice")] == ["a@example.com"]

made = result(whm.api("api_token_create", VERSION | {"token_name": "pyc", "acl": ["list-accts", "create-acct"]}))
assert made["acls"] == ["list-accts", "create-acct"], made["acls"]
assert result(whm.api("api_token_list", VERSION))["tokens"]["pyc"]["acls"].keys() == set(made["acls"])
again = whm.api("api_token_create", VERSION | {"token_name": "pyc"})["metadata"]
assert again["result"] == 0 and again["reason"], again
result(whm.api("api_token_update", VERSION | {"token_name": "pyc", "new_name": "pyc-2"}))
result(whm.api("api_token_revoke", VERSION | {"token_name": "pyc-2"}))

# A token that is bad fails the connection itself.
try:
    conn("A" * 32)
except Exception as error:
    assert "Access denied" in str(error), error
else:
    raise AssertionError("a bad token connects")
print("done")
