#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unreachable,
    clippy::string_slice
)]
//! The rules of Tokenlatch: what a token is, when it is valid, and what it may do.
//!
//! The crate is pure. It has no clock, no randomness and no I/O: callers pass in the time, the entropy, the record
//! and the call, so one request has one answer on every platform. It does *not* look up or store records, speak HTTP
//! or know time zones by name; hosts do that and ask this crate to decide.
//!
//! Hosts that speak JSON use [`call_json`], hosts with [`Value`]s use [`call`]. [`TokenTable`] is the hot path, and
//! [`Snapshot`] is a table signed by an origin. The operations and the formats are described below; the rules behind
//! them are in `core/RULES.md`.
#![doc = include_str!("../OPERATIONS.md")]
#![doc = ""]
#![doc = include_str!("../SNAPSHOT.md")]

extern crate alloc;

mod account;
mod auth;
mod base;
mod dialect;
mod json;
mod operations;
mod snapshot;
mod token;
mod verdict;

pub use account::caps::{Caps, Held};
pub use account::policy::Policy;
pub use account::rights::{Account, Features, METRICS_READ, SNAPSHOT_READ, USAGE_REPORT};
pub use auth::api::Api;
pub use auth::authorization::{Authorization, RequestFields};
pub use auth::call::Call;
pub use auth::catalogue::{Catalogue, Decisive, Function, Unlisted, functions};
pub use auth::dangerous_fields::{
    DANGEROUS_FIELDS, Danger, IDENTITY_FIELDS, PROXY_FIELDS, danger, is_forged, is_plain_field,
};
pub use auth::function_path::{WHM_MODULE, canonical_path, is_api_path, is_function_name, json_api_path, uapi_path};
pub use auth::preflight::Preflights;
pub use auth::presentation::Presentation;
pub use auth::route::Route;
pub use auth::scheme::Scheme;
pub use auth::selector::{API2_SELECTORS, is_doubtful_selector, names_any};
pub use auth::target::{call_of, calls_others, is_sound_path, plain_target};
pub use auth::upgrade::is_safe_upgrade;
pub use base::error::{Error, ErrorCode};
pub use base::reason::Reason;
pub use dialect::parameters::{Parameters, ParametersRequest, parameters};
pub use dialect::reply::{Reply, ReplyRequest, reply};
pub use dialect::sentence::ReplyError;
pub use dialect::shape::Shape;
pub use json::encoder::encode;
pub use json::value::{MAX_SAFE_INTEGER, Value};
pub use operations::create::{CreateRequest, Created, create};
pub use operations::credentials::{Accepted, CredentialsRequest, credentials};
pub use operations::describe::{DescribeRequest, Described, Description, Notice, Status, describe};
pub use operations::dispatch::{MAX_REQUEST_BYTES, answer_json, call, call_json, info, read_json};
pub use operations::identify::{Identified, IdentifyRequest, identify};
pub use operations::info::{ABI_VERSION, Functions, Info};
pub use operations::list::{ListRequest, Listed, SortKey, list};
pub use operations::manageable::{Manageable, ManageableRequest, manageable};
pub use operations::rename::{RenameRequest, Renamed, rename};
pub use operations::revoke::{RevokeRequest, Revoked, revoke};
pub use operations::update::{UpdateRequest, update};
pub use operations::usage::{ReportedUses, Usage, UsageRequest, Uses, usage};
pub use operations::validate::{ValidateRequest, Validated, validate};
pub use operations::verify::{VerifyRequest, verify};
pub use snapshot::floor::{CLOCK_SLACK as SNAPSHOT_CLOCK_SLACK, Floor};
pub use snapshot::head::{BodyState, Inspected, Kind, MESSAGE_HEAD_BYTES, inspect};
pub use snapshot::key::SigningKey;
pub use snapshot::options::SnapshotOptions;
pub use snapshot::publication::{Heading, Publication, renew};
pub use snapshot::state::{Holder, SnapshotState};
pub use snapshot::verifier::Snapshot;
pub use token::access::{Access, Realm};
pub use token::address::MAX_ADDRESSES;
pub use token::expiry::{ExpiryInput, ValidExpiry, default_expiry, end_of_day};
pub use token::feature::MAX_FEATURES;
pub use token::hash::pepper::Pepper;
pub use token::name::MAX_NAME;
pub use token::record::{Extra, Record};
pub use token::secret::SecretString;
pub use token::zone::Zone;
pub use verdict::judgement::Verdict;
pub use verdict::refusal::{Headers, Refusal};
pub use verdict::table::TokenTable;
pub use verdict::table_input::{TableInput, TableUpdate};
