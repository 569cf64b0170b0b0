"""Address lists: what may stand in one, and whom it lets in."""

from .book import NOW, Book, account, header, record

WRONG = {
    "an_empty_text": "",
    "a_host_name": "example.com",
    "three_numbers": "10.0.0",
    "five_numbers": "10.0.0.0.1",
    "a_number_of_256": "10.0.0.256",
    "a_leading_zero": "010.0.0.1",
    "a_hexadecimal_number": "0x0a.0.0.1",
    "one_whole_number": "167772161",
    "a_port": "10.0.0.1:80",
    "brackets": "[::1]",
    "brackets_and_a_port": "[::1]:80",
    "a_zone": "fe80::1%eth0",
    "a_zone_and_a_prefix": "fe80::%eth0/64",
    "two_double_colons": "1::2::3",
    "nine_groups": "1:2:3:4:5:6:7:8:9",
    "a_group_of_five_digits": "12345::",
    "a_leading_space": " 10.0.0.1",
    "a_trailing_space": "10.0.0.1 ",
    "a_line_feed": "10.0.0.1\n",
    "nul": "10.0.0.1\u0000",
    "fullwidth_digits": "\uff11\uff10.0.0.1",
    "host_bits_of_ipv4": "10.0.0.1/8",
    "host_bits_of_ipv4_by_one": "10.0.0.1/31",
    "host_bits_of_ipv6": "2001:db8::1/32",
    "a_prefix_length_of_33": "10.0.0.0/33",
    "a_prefix_length_of_129": "::/129",
    "a_negative_prefix_length": "10.0.0.0/-1",
    "an_empty_prefix_length": "10.0.0.0/",
    "a_signed_prefix_length": "10.0.0.0/+8",
    "a_net_mask": "10.0.0.0/255.0.0.0",
    "two_prefix_lengths": "10.0.0.0/8/8",
    "a_star": "10.0.0.*",
    "a_range": "10.0.0.1-10.0.0.9",
    "the_word_any": "any",
    "a_prefix_length_alone": "/8",
    "a_mapped_block_of_95_bits": "::ffff:0:0/95",
    "a_mapped_block_of_no_bits": "::ffff:0.0.0.0/0",
}

RIGHT = {
    "an_ipv4_address": "203.0.113.7",
    "an_ipv4_block": "10.0.0.0/8",
    "every_ipv4_address": "0.0.0.0/0",
    "an_ipv4_block_of_one": "203.0.113.7/32",
    "an_ipv4_block_of_two": "203.0.113.6/31",
    "an_ipv6_address": "2001:db8::1",
    "an_ipv6_address_in_capitals": "2001:DB8::A",
    "an_ipv6_address_in_full": "2001:0db8:0000:0000:0000:0000:0000:0001",
    "an_ipv6_block": "2001:db8::/32",
    "every_ipv6_address": "::/0",
    "an_ipv6_block_of_one": "::1/128",
    "an_ipv4_mapped_address": "::ffff:203.0.113.7",
    "an_ipv4_mapped_address_in_hexadecimal": "::ffff:cb00:7107",
    "every_ipv4_mapped_address": "::ffff:0:0/96",
}

MATCHES = [
    ("the_same_ipv4_address", ["203.0.113.7"], "203.0.113.7", "ok"),
    ("another_ipv4_address", ["203.0.113.7"], "203.0.113.8", "address_refused"),
    ("the_first_address_of_a_block", ["10.0.0.0/8"], "10.0.0.0", "ok"),
    ("the_last_address_of_a_block", ["10.0.0.0/8"], "10.255.255.255", "ok"),
    ("the_address_after_a_block", ["10.0.0.0/8"], "11.0.0.0", "address_refused"),
    ("the_address_before_a_block", ["10.0.0.0/8"], "9.255.255.255", "address_refused"),
    ("the_last_of_a_block_of_31_bits", ["203.0.113.6/31"], "203.0.113.7", "ok"),
    ("the_next_of_a_block_of_31_bits", ["203.0.113.6/31"], "203.0.113.8", "address_refused"),
    ("any_ipv4_address", ["0.0.0.0/0"], "255.255.255.255", "ok"),
    ("an_ipv6_address_by_every_ipv4_address", ["0.0.0.0/0"], "2001:db8::1", "address_refused"),
    ("an_ipv4_address_by_every_ipv6_address", ["::/0"], "10.0.0.1", "address_refused"),
    ("any_ipv6_address", ["::/0"], "2001:db8::1", "ok"),
    ("the_last_address_of_an_ipv6_block", ["2001:db8::/33"], "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff", "ok"),
    ("the_address_after_an_ipv6_block", ["2001:db8::/33"], "2001:db8:8000::", "address_refused"),
    ("an_ipv6_address_written_otherwise", ["2001:DB8:0:0:0:0:0:1"], "2001:db8::1", "ok"),
    ("an_ipv6_address_with_a_dotted_end", ["2001:db8::7f00:1"], "2001:db8::127.0.0.1", "ok"),
    ("a_mapped_address_by_its_ipv4_address", ["203.0.113.7"], "::ffff:203.0.113.7", "ok"),
    ("a_mapped_address_by_an_ipv4_block", ["203.0.113.0/24"], "::ffff:cb00:7107", "ok"),
    ("an_ipv4_address_by_a_mapped_entry", ["::ffff:203.0.113.7"], "203.0.113.7", "ok"),
    ("an_ipv4_address_by_a_mapped_block", ["::ffff:203.0.113.0/120"], "203.0.113.9", "ok"),
    ("any_ipv4_address_by_every_mapped_one", ["::ffff:0.0.0.0/96"], "255.255.255.255", "ok"),
    ("an_ipv6_address_by_every_mapped_one", ["::ffff:0.0.0.0/96"], "2001:db8::1", "address_refused"),
    ("an_ipv4_address_outside_a_mapped_block", ["::ffff:203.0.113.0/120"], "203.0.114.9", "address_refused"),
    ("a_mapped_address_outside_the_list", ["203.0.113.7"], "::ffff:203.0.113.8", "address_refused"),
    ("an_ipv4_compatible_address", ["203.0.113.7"], "::203.0.113.7", "address_refused"),
    ("the_last_entry_of_a_list", ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"], "192.0.2.1", "ok"),
    ("an_address_in_no_entry_of_a_list", ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"], "192.0.2.2", "address_refused"),
]


def books():
    """addresses.json."""
    book = Book("addresses", "Address lists by `validate` and `verify`; networks and membership by Python's ipaddress.")
    for what, text in WRONG.items():
        like = {"valid": False, "problems.0.code": "address_invalid"}
        book.ok(f"finds_address_invalid_in_{what}", {"op": "validate", "addresses": [text]}, like)
    for what, text in RIGHT.items():
        book.ok(f"lists_{what}", {"op": "validate", "addresses": [text]}, {"valid": True})
    book.ok("lists_no_address", {"op": "validate", "addresses": []}, {"valid": True})
    hundred = [f"192.0.2.{at}" for at in range(100)]
    book.ok("lists_100_addresses", {"op": "validate", "addresses": hundred}, {"valid": True})
    many = {"op": "validate", "addresses": hundred + ["192.0.2.100"]}
    book.ok("finds_addresses_too_many_in_101", many, {"problems.0.code": "addresses_too_many"})
    book.error("refuses_one_text_as_addresses", {"op": "validate", "addresses": "10.0.0.1"}, "type_invalid", field="addresses")
    book.error("refuses_a_number_among_addresses", {"op": "validate", "addresses": [1]}, "type_invalid", field="addresses[0]")
    for what, listed, address, reason in MATCHES:
        verb = "admits" if reason == "ok" else "refuses"
        book.verdict(f"{verb}_{what}", reason, record=record(addresses=listed), call={"address": address})
    listed = record(addresses=["10.0.0.0/8"])
    for what, call in {
        "no_call": None,
        "no_address": {},
        "an_empty_address": {"address": ""},
        "a_block_for_an_address": {"address": "10.0.0.0/8"},
        "a_block_of_one_for_an_address": {"address": "10.0.0.1/32"},
        "an_address_with_a_port": {"address": "10.0.0.1:443"},
        "an_address_with_a_zone": {"address": "fe80::1%eth0"},
        "an_address_with_a_space": {"address": "10.0.0.1 "},
        "an_address_with_a_leading_zero": {"address": "010.0.0.1"},
        "the_word_unknown": {"address": "unknown"},
    }.items():
        request = {} if call is None else {"call": call}
        book.verdict(f"finds_address_unknown_with_{what}", "address_unknown", record=listed, **request)
    book.verdict("admits_any_address_without_a_list", "ok", call={"address": "198.51.100.9"})
    book.verdict("admits_an_unreadable_address_without_a_list", "ok", call={"address": "unknown"})
    whole = {"op": "verify", "now": NOW, "authorization": header(), "account": account(), "record": record(addresses=["10.0.0.1/8"])}
    book.error("refuses_a_record_with_host_bits_in_its_list", whole, "address_invalid", field=False)
    return [book]
