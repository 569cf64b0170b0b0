"""The sentences of the compatible interfaces: the tables under `reply` of OPERATIONS.md."""

import re

NAMES = [
    ("name names token_name", "name", "token_name"),
    ("newName new_name", "new_name", "new_name"),
    ("expires expires_at", "expires_at", "expires_at"),
    ("readOnly readonly", "readonly", "readonly"),
    ("addresses whitelist_ip", "addresses", "whitelist_ip"),
    ("access features acl", "features", "acl"),
    ("token", "token", "token"),
]
"""Words of a field, the UAPI parameter and the WHM parameter."""

SENTENCES = {
    "field_missing": "% is missing.",
    "field_unknown": "% was given in a form that this function does not have.",
    "field_duplicate": "% is given more than once.",
    "type_invalid": "% has a value of the wrong type.",
    "value_invalid": "% has a value that is not allowed.",
    "name_empty": "% must not be empty.",
    "name_too_long": "% may have at most 50 characters.",
    "name_character": '% may contain only letters, digits, "-" and "_".',
    "name_taken": "You already have a token named by %.",
    "token_unknown": "You have no token named by %.",
    "expiry_invalid": "% must be whole Unix seconds.",
    "expiry_past": "% must lie in the future.",
    "expiry_out_of_range": "% must lie before the year 10000.",
    "expiry_too_late": "% is later than the administrator allows.",
    "expiry_required": "% is required by the administrator.",
    "expiry_fixed": "% cannot be changed after creation.",
    "feature_invalid": "% may contain only names of features, each once.",
    "feature_not_in_account": "% may contain only features that your account has.",
    "address_invalid": "% may contain only IP addresses and CIDR blocks.",
    "features_too_many": "% lists more features than the administrator allows.",
    "addresses_too_many": "% lists more addresses than are allowed.",
    "record_too_large": "The token would be larger than the administrator allows; give it fewer features or addresses.",
    "tokens_too_many": "You have as many tokens as the administrator allows; revoke one first.",
    "creations_too_many": "You have created as many tokens within an hour as the administrator allows; try again later.",
    "access_exceeds_creator": "The token that asks may not give more than it has itself.",
    "account_unknown": "There is no such account.",
    "account_suspended": "Your account is suspended.",
    "tokens_disabled": "The administrator has disabled API tokens for your account.",
    "record_revoked": "The token has been revoked.",
}
"""`%` stands for the parameter."""

UNTOLD = "The request could not be carried out; try again later."


def sentence(code, field, is_whm, function):
    """What an interface says of a coded error."""
    pattern = SENTENCES.get(code, UNTOLD)
    if "%" not in pattern:
        return pattern
    if field is None:
        changes = code == "name_taken" and function in ("rename", "api_token_update")
        field = "newName" if changes else "name" if code in ("name_taken", "token_unknown") else ""
    word = re.split(r"[.\[]", field)[0]
    for words, uapi, whm in NAMES:
        if word in words.split():
            the = "The" if pattern.startswith("%") else "the"
            return pattern.replace("%", f'{the} parameter "{whm if is_whm else uapi}"')
    return UNTOLD
