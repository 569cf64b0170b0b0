//! Corrects reported uses of tokens: an impossible value becomes the nearest possible one and is not refused.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::base::error::Error;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::time::check_now;

/// The most uses of one token in one report.
const MAX_USES: i64 = 4_294_967_295;

/// A request to correct reported uses.
#[derive(Clone, Debug, Serialize)]
pub struct UsageRequest {
    /// Unix seconds.
    pub now: i64,
    /// The uses.
    pub uses: Vec<ReportedUses>,
}

/// The reported uses of one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportedUses {
    /// When the token was created, in Unix seconds.
    pub created: i64,
    /// When it was last used, in Unix seconds.
    pub last_used: i64,
    /// The number of uses.
    pub uses: i64,
}

/// Corrected uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// One for each that was reported, in the same order.
    pub uses: Vec<Uses>,
}

/// The corrected uses of one token, to be added to the stored ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Uses {
    /// When it was last used, in Unix seconds: not before the token's creation and not after now.
    pub last_used: i64,
    /// The number of uses, 0 to 2³² − 1.
    pub uses: i64,
}

impl FromValue for UsageRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = UsageRequest {
            now: fields.required("now"),
            uses: fields.required("uses"),
        };
        fields.finish()?;
        Ok(request)
    }
}

impl FromValue for ReportedUses {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let uses = ReportedUses {
            created: fields.required("created"),
            last_used: fields.required("lastUsed"),
            uses: fields.required("uses"),
        };
        fields.finish()?;
        Ok(uses)
    }
}

/// Corrects reported uses.
///
/// # Errors
/// `now_invalid`.
pub fn usage(request: &UsageRequest) -> Result<Usage, Error> {
    check_now(request.now)?;
    let possible = |reported: &ReportedUses| Uses {
        // A token created after now, because a clock was set back, was last used now.
        last_used: reported.last_used.max(reported.created).min(request.now),
        uses: reported.uses.clamp(0, MAX_USES),
    };
    Ok(Usage {
        uses: request.uses.iter().map(possible).collect(),
    })
}
