//! Policy values on the command line.

use std::str::FromStr;

use tokenlatch::core::Policy;

const DAY: i64 = 86_400;

/// A maximum lifetime: days, with or without `d`, or `none`.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime(pub Option<i64>);

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Lifetime, String> {
        if text == "none" {
            return Ok(Lifetime(None));
        }
        let days = text.strip_suffix('d').unwrap_or(text);
        days.parse::<u32>()
            .ok()
            .filter(|days| *days > 0 && days.to_string().len() == text.trim_end_matches('d').len())
            .map(|days| Lifetime(Some(i64::from(days) * DAY)))
            .ok_or_else(|| "give whole days from 1, such as `90d`, or `none`".to_owned())
    }
}

/// A cap: a number, or `default`.
#[derive(Clone, Copy, Debug)]
pub struct Cap(pub Option<i64>);

impl FromStr for Cap {
    type Err = String;

    fn from_str(text: &str) -> Result<Cap, String> {
        match text {
            "default" => Ok(Cap(None)),
            _ => text
                .parse::<u32>()
                .map(|number| Cap(Some(i64::from(number))))
                .map_err(|_| "give a number, or `default`".to_owned()),
        }
    }
}

/// Formats a policy as text.
pub fn policy_text(policy: Policy) -> String {
    let caps = policy.caps;
    let set = [
        (caps.tokens, "tokens"),
        (caps.tokens_per_hour, "tokens an hour"),
        (caps.features, "features"),
        (caps.addresses, "addresses"),
        (caps.record_bytes, "bytes"),
    ];
    let set = set
        .into_iter()
        .filter_map(|(cap, what)| Some(format!("; {} {what}", cap?)));
    std::iter::once(life_text(policy)).chain(set).collect()
}

fn life_text(policy: Policy) -> String {
    let lifetime = policy.max_lifetime.map(|seconds| match seconds % DAY {
        0 => format!("at most {} days", seconds / DAY),
        _ => format!("at most {seconds} seconds"),
    });
    match (lifetime, policy.expiry_required) {
        (Some(lifetime), _) => lifetime,
        (None, true) => "must expire".to_owned(),
        (None, false) => "any".to_owned(),
    }
}
