"""Names, users, prefixes, token texts and entropy, mostly by `validate`."""

from model import tokens

from .book import NOW, Book, entropy, secret

NAMES = {
    "a_name_of_one_character": ("a", None),
    "a_name_of_fifty_characters": ("a" * 50, None),
    "a_name_of_every_kind_of_character": ("azAZ09-_", None),
    "a_name_that_is_proto": ("__proto__", None),
    "a_name_that_is_constructor": ("constructor", None),
    "a_name_that_is_to_string": ("toString", None),
    "a_name_that_is_has_own_property": ("hasOwnProperty", None),
    "a_name_of_digits": ("0123456789", None),
    "a_name_of_hyphens": ("---", None),
    "a_name_that_reads_null": ("null", None),
    "an_empty_name": ("", "name_empty"),
    "a_name_that_is_a_space": (" ", "name_character"),
    "a_name_with_a_leading_space": (" ci", "name_character"),
    "a_name_with_a_trailing_space": ("ci ", "name_character"),
    "a_name_with_an_inner_space": ("my token", "name_character"),
    "a_name_of_51_characters": ("a" * 51, "name_too_long"),
    "a_name_of_51_bad_characters_is_too_long_first": (" " * 51, "name_too_long"),
    "a_name_of_52_bytes_in_26_characters": ("\u00e9" * 26, "name_character"),
    "a_name_of_50_characters_in_100_bytes": ("\u00e9" * 50, "name_character"),
    "a_name_of_51_characters_in_102_bytes": ("\u00e9" * 51, "name_too_long"),
    "a_name_of_50_characters_outside_the_basic_plane": ("\U0001f511" * 50, "name_character"),
    "a_name_of_51_characters_outside_the_basic_plane": ("\U0001f511" * 51, "name_too_long"),
    "a_name_with_a_cyrillic_a": ("\u0430lice", "name_character"),
    "a_name_with_a_fullwidth_letter": ("\uff41", "name_character"),
    "a_name_with_a_turkish_dotted_i": ("\u0130", "name_character"),
    "a_name_with_a_turkish_dotless_i": ("\u0131", "name_character"),
    "a_name_with_a_kelvin_sign": ("\u212a", "name_character"),
    "a_name_with_a_zero_width_space": ("c\u200bi", "name_character"),
    "a_name_with_a_byte_order_mark": ("\ufeffci", "name_character"),
    "a_name_with_a_bidi_override": ("ci\u202eic", "name_character"),
    "a_name_composed": ("caf\u00e9", "name_character"),
    "a_name_decomposed": ("cafe\u0301", "name_character"),
    "a_name_with_arabic_digits": ("\u0661\u0662", "name_character"),
    "a_name_with_nul": ("ci\u0000", "name_character"),
    "a_name_with_carriage_return": ("ci\r", "name_character"),
    "a_name_with_line_feed": ("ci\n", "name_character"),
    "a_name_with_a_tab": ("c\ti", "name_character"),
    "a_name_with_del": ("ci\u007f", "name_character"),
    "a_name_with_c1_control": ("ci\u0085", "name_character"),
    "a_name_with_a_path": ("../x", "name_character"),
    "a_name_with_a_dot": ("a.b", "name_character"),
    "a_name_with_markup": ("<b>ci</b>", "name_character"),
    "a_name_with_a_double_quote": ('ci"', "name_character"),
    "a_name_with_a_single_quote": ("ci'", "name_character"),
    "a_name_with_a_backslash": ("c\\i", "name_character"),
    "a_name_with_a_colon": ("c:i", "name_character"),
    "a_name_with_a_plus": ("c+i", "name_character"),
    "a_name_with_a_percent_escape": ("c%20i", "name_character"),
}
# What a person is told of a character that can't be seen, or that looks like another. Written by hand.
NAME_RULE = "a name may contain only letters, digits, `-` and `_`"
USER_RULE = "a user may contain only letters, digits, `-`, `_`, `.` and `@`"
ADDRESS_RULE = "an address is an IPv4 or IPv6 address, or a block such as 192.0.2.0/24 with no bits set after its prefix"
CULPRITS = {
    "a_pasted_space_at_the_end": ("name", "ci ", f"{NAME_RULE}; the last character is a space"),
    "a_pasted_space_at_the_start": ("name", " ci", f"{NAME_RULE}; the first character is a space"),
    "a_space_between_words": ("name", "my token", f"{NAME_RULE}; character 3 is a space"),
    "a_pasted_line_break": ("name", "ci\n", f"{NAME_RULE}; the last character is a line break"),
    "a_pasted_tab": ("name", "c\ti", f"{NAME_RULE}; character 2 is a tab"),
    "a_no_break_space": ("name", "ci\u00a0", f"{NAME_RULE}; the last character is a no-break space (U+00A0)"),
    "an_ideographic_space": ("name", "c\u3000i", f"{NAME_RULE}; character 2 is a space (U+3000)"),
    "a_zero_width_space": ("name", "ci\u200b", f"{NAME_RULE}; the last character is a zero-width space (U+200B)"),
    "a_zero_width_joiner": ("name", "c\u200di", f"{NAME_RULE}; character 2 is a zero-width joiner (U+200D)"),
    "a_zero_width_non_joiner": ("name", "c\u200ci", f"{NAME_RULE}; character 2 is a zero-width non-joiner (U+200C)"),
    "a_word_joiner": ("name", "c\u2060i", f"{NAME_RULE}; character 2 is a word joiner (U+2060)"),
    "a_variation_selector": ("name", "c\ufe0fi", f"{NAME_RULE}; character 2 is U+FE0F"),
    "an_invisible_filler": ("name", "c\u3164i", f"{NAME_RULE}; character 2 is U+3164"),
    "a_mark_of_another_script": ("name", "c\u064bi", f"{NAME_RULE}; character 2 is U+064B"),
    "a_letter_with_an_accent": ("name", "caf\u00e9", f"{NAME_RULE}; the last character is `\u00e9` (U+00E9)"),
    "a_byte_order_mark": ("name", "\ufeffci", f"{NAME_RULE}; the first character is a byte order mark (U+FEFF)"),
    "a_text_direction_mark": ("name", "c\u202ei", f"{NAME_RULE}; character 2 is a text direction mark (U+202E)"),
    "a_soft_hyphen": ("name", "c\u00adi", f"{NAME_RULE}; character 2 is a soft hyphen (U+00AD)"),
    "a_combining_mark": ("name", "cafe\u0301", f"{NAME_RULE}; the last character is a combining mark (U+0301)"),
    "a_nul": ("name", "c\u0000i", f"{NAME_RULE}; character 2 is a control character (U+0000)"),
    "a_look_alike": ("name", "\u0430lice", f"{NAME_RULE}; the first character is `\u0430` (U+0430)"),
    "a_character_outside_the_basic_plane": ("name", "c\U0001f511", f"{NAME_RULE}; the last character is U+1F511"),
    "a_plain_dot": ("name", "a.b", f"{NAME_RULE}; character 2 is `.`"),
    "a_space_after_a_user": ("user", "alice ", f"{USER_RULE}; the last character is a space"),
    "a_zero_width_space_in_an_address": ("addresses", ["192.0.2.1\u200b"], f"{ADDRESS_RULE}; the last character is a zero-width space (U+200B)"),
    "no_character_of_an_address_that_is_one_too_long": ("addresses", ["192.0.2.1.1"], ADDRESS_RULE),
}

USERS = {
    "a_user_of_one_character": ("a", None),
    "a_user_of_64_characters": ("u" * 64, None),
    "a_user_that_is_an_address": ("alice@example.com", None),
    "a_user_of_every_kind_of_character": ("azAZ09-_.@", None),
    "a_user_that_is_proto": ("__proto__", None),
    "an_empty_user": ("", "user_empty"),
    "a_user_of_65_characters": ("u" * 65, "user_too_long"),
    "a_user_of_65_bad_characters_is_too_long_first": (":" * 65, "user_too_long"),
    "a_user_of_64_characters_in_128_bytes": ("\u00e9" * 64, "user_character"),
    "a_user_with_a_colon": ("a:b", "user_character"),
    "a_user_with_a_space": ("a b", "user_character"),
    "a_user_with_a_slash": ("a/b", "user_character"),
    "a_user_with_a_cyrillic_a": ("\u0430lice", "user_character"),
    "a_user_with_nul": ("alice\u0000", "user_character"),
    "a_user_with_line_feed": ("alice\nroot", "user_character"),
}

PREFIXES = {
    "a_prefix_of_two_characters": ("tl", None),
    "a_prefix_of_sixteen_characters": ("a123456789abcdef", None),
    "an_empty_prefix": ("", "prefix_invalid"),
    "a_prefix_of_one_character": ("t", "prefix_invalid"),
    "a_prefix_of_seventeen_characters": ("a" * 17, "prefix_invalid"),
    "a_prefix_that_starts_with_a_digit": ("1tl", "prefix_invalid"),
    "a_prefix_in_capitals": ("TL", "prefix_invalid"),
    "a_prefix_with_a_hyphen": ("t-l", "prefix_invalid"),
    "a_prefix_with_a_letter_beyond_ascii": ("t\u00e9", "prefix_invalid"),
}


def _token_texts():
    bare = secret("ci")
    text = tokens.token_text(bare, "tl")
    wrong_letter = "B" if bare[0] == "A" else "A"
    wrong_digit = "1" if text[-1] == "0" else "0"
    return {
        "a_bare_token": (bare, None),
        "a_token_of_letters_alone": ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF", None),
        "a_token_of_digits_alone": ("01234567890123456789012345678901", None),
        "a_token_with_a_prefix": (text, None),
        "a_token_with_the_longest_prefix": (tokens.token_text(bare, "a123456789abcdef"), None),
        "an_empty_token": ("", "token_length"),
        "a_token_of_31_characters": (bare[:31], "token_length"),
        "a_token_of_33_characters": (bare + "A", "token_length"),
        "a_token_of_31_characters_in_32_bytes": (bare[:30] + "\u00e9", "token_length"),
        "a_token_of_32_characters_in_33_bytes": (bare[:31] + "\u00e9", "token_character"),
        "a_token_in_lower_case": (bare.lower(), "token_character"),
        "a_token_with_a_hyphen": ("-" + bare[1:], "token_character"),
        "a_token_with_a_trailing_space": (bare[:31] + " ", "token_character"),
        "a_token_with_a_line_feed": (bare[:31] + "\n", "token_character"),
        "a_token_with_nul": (bare[:31] + "\u0000", "token_character"),
        "a_token_with_a_fullwidth_digit": (bare[:31] + "\uff11", "token_character"),
        "a_token_that_is_the_decoy": ("_" * 32, "token_prefix"),
        "a_token_with_an_empty_prefix": ("_" + text.split("_")[1], "token_prefix"),
        "a_token_with_a_prefix_of_one_character": (tokens.token_text(bare, "t"), "token_prefix"),
        "a_token_with_a_prefix_of_seventeen_characters": (tokens.token_text(bare, "t" * 17), "token_prefix"),
        "a_token_with_a_prefix_in_capitals": (tokens.token_text(bare, "TL"), "token_prefix"),
        "a_token_with_a_prefix_that_starts_with_a_digit": (tokens.token_text(bare, "1tl"), "token_prefix"),
        "a_token_with_two_separators": (tokens.token_text(bare, "t_l"), "token_prefix"),
        "a_token_with_a_bad_prefix_and_length_names_the_prefix": ("T_" + bare, "token_prefix"),
        "a_prefixed_token_without_checksum": ("tl_" + bare, "token_length"),
        "a_prefixed_token_one_short": (text[:-1], "token_length"),
        "a_prefixed_token_one_long": (text + "0", "token_length"),
        "a_prefixed_token_with_a_small_letter": (text[:3] + "a" + text[4:], "token_character"),
        "a_prefixed_token_with_a_small_letter_in_its_checksum": (text[:-1] + "a", "token_character"),
        "a_prefixed_token_with_another_secret": ("tl_" + wrong_letter + text[4:], "token_checksum"),
        "a_prefixed_token_with_another_prefix": ("tk" + text[2:], "token_checksum"),
        "a_prefixed_token_with_another_checksum": (text[:-1] + wrong_digit, "token_checksum"),
        "a_prefixed_token_with_the_checksum_of_its_secret_alone": (f"tl_{bare}{tokens.checksum(bare)}", "token_checksum"),
        "a_prefixed_token_with_a_checksum_beyond_32_bits": (f"tl_{bare}ZZZZZZZ", "token_checksum"),
    }


def _validated(book, key, table, verb):
    for what, (text, problem) in table.items():
        name = f"{'refuses' if problem else verb}_{what}"
        like = {"valid": problem is None} | ({"problems.0.code": problem, "problems.0.field": key} if problem else {})
        book.ok(name, {"op": "validate", key: text}, like)


def _create(label, **changes):
    return {"op": "create", "now": NOW, "entropy": entropy(label), "user": "alice", "name": "ci", "access": "full"} | changes


def books():
    """names.json and secrets.json."""
    how = " Expected values come from the model in tests/vectors/model, made by hand from OPERATIONS.md."
    names_book = Book("names", "Names, users and prefixes by `validate`, each boundary of its own." + how)
    _validated(names_book, "name", NAMES, "accepts")
    _validated(names_book, "user", USERS, "accepts")
    _validated(names_book, "prefix", PREFIXES, "accepts")
    for what, (key, text, message) in CULPRITS.items():
        names_book.ok(f"names_{what}", {"op": "validate", key: text}, {"valid": False})
        names_book.vectors[-1]["expect"]["ok"]["problems"][0]["message"] = message
    many = {"op": "validate", "now": NOW, "prefix": "X", "addresses": ["10.0.0.1/8"], "expires": "soon", "token": "x"}
    many |= {"user": "", "name": ""}
    names_book.ok("lists_every_problem_in_the_documented_order", many, {"valid": False, "problems.5.code": "prefix_invalid"})
    good = {"op": "validate", "now": NOW, "prefix": "tl", "addresses": ["10.0.0.0/8", "::1"], "expires": "never", "token": secret("ci")}
    good |= {"user": "alice", "name": "ci"}
    names_book.ok("finds_nothing_wrong_with_good_parts", good, {"valid": True, "expires": "never", "hint": secret("ci")[-4:]})
    names_book.ok("validates_nothing_at_all", {"op": "validate"}, {"valid": True, "expires": None, "hint": None})
    names_book.error("refuses_to_validate_a_null_name", {"op": "validate", "name": None}, "type_invalid", field="name")
    names_book.error("refuses_to_validate_a_number_as_name", {"op": "validate", "name": 7}, "type_invalid", field="name")
    names_book.error("refuses_to_validate_an_array_as_token", {"op": "validate", "token": []}, "type_invalid", field="token")
    names_book.error("refuses_to_validate_an_unknown_part", {"op": "validate", "email": "a"}, "field_unknown", field="email")

    secrets_book = Book("secrets", "Token texts, prefixes with checksums, and secrets drawn from entropy." + how + " CRCs are zlib.crc32's.")
    _validated(secrets_book, "token", _token_texts(), "accepts")
    for what, bytes_ in _entropies().items():
        secrets_book.ok(f"draws_{what}", _create("x", entropy=bytes_.hex()))
    for what, bytes_ in _weak().items():
        secrets_book.error(f"refuses_entropy_{what}", _create("x", entropy=bytes_.hex()), "entropy_weak", field="entropy")
    for what, text in {
        "of_63_bytes": entropy("x")[:126],
        "of_65_bytes": entropy("x") + "00",
        "that_is_empty": "",
        "of_127_digits": entropy("x")[:127],
        "with_a_letter_beyond_hex": "g" + entropy("x")[1:],
        "with_a_space": " " + entropy("x")[1:],
        "with_a_sign": "+" + entropy("x")[1:],
    }.items():
        secrets_book.error(f"refuses_entropy_{what}", _create("x", entropy=text), "entropy_length", field="entropy")
    secrets_book.error("refuses_entropy_that_is_an_array", _create("x", entropy=[1, 2]), "type_invalid", field="entropy")
    secrets_book.ok("reads_entropy_in_capital_digits", _create("x", entropy=entropy("x").upper()))
    for what in ("one", "two", "three", "four", "five", "six", "seven", "eight"):
        secrets_book.ok(f"draws_the_secret_of_sample_{what}", _create(f"sample {what}"))
    for prefix in ("tl", "a123456789abcdef", "cp2"):
        like = {"token": tokens.token_text(secret("sample"), prefix), "record.hash": tokens.hash_of(secret("sample"))}
        secrets_book.ok(f"makes_a_token_with_prefix_{prefix}", _create("sample", prefix=prefix), like)
    return [names_book, secrets_book]


def _counting(*, first=b"", length=64):
    """Bytes that never repeat within eight."""
    return (first + bytes(at * 37 % 251 for at in range(64)))[:length]


def _entropies():
    return {
        "the_first_letter_from_zero_and_36": bytes([0, 36, 35, 71, 251, 215]) + _counting(length=58),
        "nothing_from_bytes_of_252_and_above": bytes([252, 253, 254, 255, 251]) + _counting(length=59),
        "thirty_two_letters_when_twenty_bytes_are_rejected": bytes([252, 253, 254, 255] * 5) + _counting(length=44),
        "its_last_letter_from_byte_51": _counting(length=31) + bytes([252, 254] * 10) + b"\x07" + _counting(length=12),
        "from_a_run_of_seven_equal_bytes": b"\x01" * 7 + _counting(length=57),
        "its_id_from_a_run_of_seven_equal_bytes_at_the_end": _counting(length=57) + b"\x05" * 7,
        "its_id_from_bytes_of_252_and_above": _counting(length=52) + bytes([252, 253, 254, 255] * 3),
        "nothing_from_bytes_after_the_thirty_second_letter": _counting(length=32) + bytes([9, 8] * 10) + _counting(length=12),
    }


def _weak():
    return {
        "of_zeros": bytes(64),
        "of_ones": b"\xff" * 64,
        "with_a_run_of_eight_at_the_start": b"\x01" * 8 + _counting(length=56),
        "with_a_run_of_eight_at_the_end": _counting(length=56) + b"\x01" * 8,
        "with_a_run_of_eight_across_secret_and_id": _counting(length=48) + b"\xee" * 8 + _counting(length=8),
        "with_a_run_of_eight_after_the_letters": _counting(length=40) + bytes(8) + _counting(first=b"\x01", length=16),
        "that_gives_only_31_letters": bytes([252, 253, 254] * 7) + _counting(length=43),
        "that_gives_no_letter": bytes([252, 253, 254, 255] * 13) + _counting(length=12),
    }
