#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unreachable,
    clippy::string_slice
)]
//! Every rule of Tokenlatch: what a token is, when it is good, and what it may do.
//!
//! The crate is pure. It has no clock, no randomness and no I/O: the time, the entropy, the record and the call are
//! all given to it, so one request has one answer on every platform. It does *not* look records up, keep them, speak
//! HTTP or know any time zone by name; hosts do that and ask this crate to decide.
//!
//! [`call_json`] is the one door for hosts that speak JSON, [`call`] the same with [`Value`]s, and [`TokenTable`] the
//! hot path. [`Snapshot`] is a table that an origin has signed. The operations and the format are described below.
#![doc = include_str!("../OPERATIONS.md")]
#![doc = ""]
#![doc = include_str!("../SNAPSHOT.md")]

extern crate alloc;

mod access;
mod account;
mod address;
mod authorization;
mod budget;
mod call;
mod calls;
mod catalogue;
mod character;
mod create;
mod creator;
mod decode;
mod describe;
mod dispatch;
mod encode;
mod error;
mod expiry;
mod hash;
mod header;
mod identify;
mod info;
mod json;
mod list;
mod name;
mod now;
mod order;
mod parameters;
mod presentation;
mod reason;
mod record;
mod rename;
mod reply;
mod revoke;
mod secret;
mod sentence;
mod snapshot;
mod table;
mod target;
mod text;
mod update;
mod usage;
mod validate;
mod value;
mod verify;
mod zone;

pub use access::{Access, MAX_FEATURES, Realm};
pub use account::{Account, Features, METRICS_READ, SNAPSHOT_READ, USAGE_REPORT};
pub use address::MAX_ADDRESSES;
pub use authorization::{Authorization, Scheme};
pub use budget::{Caps, Held};
pub use call::{Api, Call};
pub use catalogue::{Function, functions};
pub use create::{CreateRequest, Created, Policy, create};
pub use creator::{Manageable, ManageableRequest, manageable};
pub use describe::{DescribeRequest, Described, Description, Notice, Status, describe};
pub use dispatch::{MAX_REQUEST_BYTES, answer_json, call, call_json, read_json};
pub use encode::encode;
pub use error::{Error, ErrorCode};
pub use expiry::{ExpiryInput, default_expiry, end_of_day};
pub use hash::Pepper;
pub use header::{DANGEROUS_FIELDS, Danger, IDENTITY_FIELDS, PROXY_FIELDS, danger, is_forged, is_plain_field};
pub use identify::{Identified, IdentifyRequest, identify};
pub use info::{ABI_VERSION, Functions, Info, info};
pub use list::{ListRequest, Listed, SortKey, list};
pub use name::MAX_NAME;
pub use parameters::{Parameters, ParametersRequest, parameters};
pub use presentation::Presentation;
pub use reason::Reason;
pub use record::{Extra, Record};
pub use rename::{RenameRequest, Renamed, rename};
pub use reply::{Reply, ReplyRequest, Shape, reply};
pub use revoke::{RevokeRequest, Revoked, revoke};
pub use secret::SecretString;
pub use sentence::ReplyError;
pub use snapshot::{
    BodyState, CLOCK_SLACK as SNAPSHOT_CLOCK_SLACK, Floor, Heading, Holder, Inspected, Kind, MESSAGE_HEAD_BYTES,
    Publication, SigningKey, Snapshot, SnapshotOptions, SnapshotState, inspect, renew,
};
pub use table::{TableInput, TableUpdate, TokenTable};
pub use target::{
    API2_SELECTORS, WHM_MODULE, call_of, calls_others, canonical_path, is_api_path, is_doubtful_selector,
    is_function_name, is_sound_path, json_api_path, names_any, plain_target, uapi_path,
};
pub use update::{UpdateRequest, update};
pub use usage::{ReportedUses, Usage, UsageRequest, Uses, usage};
pub use validate::{ValidExpiry, ValidateRequest, Validated, validate};
pub use value::{MAX_SAFE_INTEGER, Value};
pub use verify::{Headers, Refusal, Verdict, VerifyRequest, verify};
pub use zone::Zone;
