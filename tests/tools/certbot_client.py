"""What the public plugin `certbot-cpanel` does with a zone, unchanged: API 2 through the guard, no version named.

Takes the user; the token is in the environment, and so is the way to port 2083, which it knows no other than. Says `done`
at the end.
"""

import os
import sys

from certbot_dns_cpanel.cpanel_apiv2 import API

user, zone, name = sys.argv[1], "example.com", "_acme-challenge.example.com."
api = API("localhost", user, os.environ["TOKEN"])

# It answers nothing where all is well, and text where it isn't.
assert not api.addZoneRecord(zone, name=name, data="a value+&%", ttl=10)
record = api.fetchZoneRecords(zone, name=name, type_="TXT")
assert record["line"] == 5, record
assert not api.editZoneRecord(zone, name=name, data="another", line=5, ttl=10)
assert not api.removeZoneRecord(zone, line=5)
assert API("localhost", user, "A" * 32).fetchZoneRecords(zone) == "Access denied"
print("done")
