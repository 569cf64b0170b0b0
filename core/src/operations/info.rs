//! Describes the module.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::auth::catalogue::Function;
use crate::base::error::ErrorCode;
use crate::base::reason::Reason;

/// The version of the plain ABI.
pub const ABI_VERSION: u32 = 1;

/// The answer of [`info`](crate::info).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The version of the plain ABI.
    pub abi: u32,
    /// The version of the module.
    pub version: String,
    /// Every operation.
    pub operations: Vec<String>,
    /// Every error code.
    pub errors: Vec<String>,
    /// Every reason of a verdict, in the order of their numbers.
    pub reasons: Vec<String>,
}

/// The answer of `functions`: the built-in catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Functions {
    /// The functions.
    pub functions: Vec<Function>,
}

impl Info {
    /// Describes the module that has these operations.
    pub(crate) fn of<'n>(operations: impl Iterator<Item = &'n str>) -> Info {
        Info {
            abi: ABI_VERSION,
            version: env!("CARGO_PKG_VERSION").into(),
            operations: operations.map(Into::into).collect(),
            errors: ErrorCode::ALL.iter().map(|code| code.as_str().into()).collect(),
            reasons: Reason::ALL.iter().map(|reason| reason.as_str().into()).collect(),
        }
    }
}
