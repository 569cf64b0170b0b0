//! The catalogue of functions: which feature each belongs to, and whether it writes.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::access::FEATURE_RULE;
use crate::account::TOKENS_FEATURE;
use crate::call::Api;
use crate::decode::{Fields, FromValue, deserialize_by_value};
use crate::error::{Error, ErrorCode};
use crate::name::is_feature;
use crate::order::sorted;
use crate::value::Value;

/// A function that a token may call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// Its module, such as `Email`.
    pub module: String,
    /// Its name, such as `list_pops`.
    pub function: String,
    /// The APIs that have it.
    pub apis: Vec<Api>,
    /// The feature that it belongs to; a function without one is open to unrestricted tokens only.
    pub feature: Option<String>,
    /// Whether it changes anything.
    pub writes: bool,
}

impl FromValue for Function {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let function = Function {
            module: fields.required("module"),
            function: fields.required("function"),
            apis: fields.required("apis"),
            feature: fields.nullable("feature"),
            writes: fields.required("writes"),
        };
        fields.finish()?;
        Ok(function)
    }
}
deserialize_by_value!(Function);

const UAPI: &[Api] = &[Api::Uapi];
const BOTH: &[Api] = &[Api::Uapi, Api::Api2];
const WHM: &[Api] = &[Api::Whm];
const TOKENS: Option<&str> = Some(TOKENS_FEATURE);
const READS: bool = false;
const WRITES: bool = true;

type Row = (&'static str, &'static str, &'static [Api], Option<&'static str>, bool);

/// The built-in catalogue, sorted by module and function. Names are those of the public documentation, and ours beside them
/// (`create_limited`, `set_addresses`; WHM's functions have no modules, so theirs is `whm`).
const BUILT_IN: &[Row] = &[
    ("Backup", "fullbackup_to_homedir", UAPI, Some("backup"), WRITES),
    ("Backup", "list_backups", UAPI, Some("backup"), READS),
    ("DNS", "mass_edit_zone", UAPI, Some("zoneedit"), WRITES),
    ("DNS", "parse_zone", UAPI, Some("zoneedit"), READS),
    ("DomainInfo", "domains_data", UAPI, None, READS),
    ("DomainInfo", "list_domains", UAPI, None, READS),
    ("Email", "add_forwarder", UAPI, Some("forwarders"), WRITES),
    ("Email", "add_pop", UAPI, Some("popaccts"), WRITES),
    ("Email", "addpop", &[Api::Api2], Some("popaccts"), WRITES),
    ("Email", "delete_forwarder", UAPI, Some("forwarders"), WRITES),
    ("Email", "delete_pop", UAPI, Some("popaccts"), WRITES),
    ("Email", "delpop", &[Api::Api2], Some("popaccts"), WRITES),
    ("Email", "list_forwarders", UAPI, Some("forwarders"), READS),
    ("Email", "list_pops", UAPI, Some("popaccts"), READS),
    ("Email", "listpops", &[Api::Api2], Some("popaccts"), READS),
    ("Email", "passwd_pop", UAPI, Some("popaccts"), WRITES),
    ("Fileman", "get_file_content", UAPI, Some("filemanager"), READS),
    ("Fileman", "list_files", UAPI, Some("filemanager"), READS),
    ("Fileman", "save_file_content", UAPI, Some("filemanager"), WRITES),
    ("Fileman", "upload_files", UAPI, Some("filemanager"), WRITES),
    ("Ftp", "add_ftp", UAPI, Some("ftpaccts"), WRITES),
    ("Ftp", "delete_ftp", UAPI, Some("ftpaccts"), WRITES),
    ("Ftp", "list_ftp", UAPI, Some("ftpaccts"), READS),
    ("Mysql", "create_database", UAPI, Some("mysql"), WRITES),
    ("Mysql", "create_user", UAPI, Some("mysql"), WRITES),
    ("Mysql", "delete_database", UAPI, Some("mysql"), WRITES),
    ("Mysql", "list_databases", UAPI, Some("mysql"), READS),
    ("Quota", "get_quota_info", UAPI, None, READS),
    ("SSL", "install_ssl", UAPI, Some("sslinstall"), WRITES),
    ("SSL", "installed_hosts", UAPI, Some("sslinstall"), READS),
    ("SubDomain", "addsubdomain", BOTH, Some("subdomains"), WRITES),
    ("Tokens", "create_full_access", BOTH, TOKENS, WRITES),
    ("Tokens", "create_limited", BOTH, TOKENS, WRITES),
    ("Tokens", "list", BOTH, TOKENS, READS),
    ("Tokens", "rename", BOTH, TOKENS, WRITES),
    ("Tokens", "revoke", BOTH, TOKENS, WRITES),
    ("Tokens", "set_addresses", BOTH, TOKENS, WRITES),
    ("Variables", "get_user_information", UAPI, None, READS),
    ("ZoneEdit", "add_zone_record", &[Api::Api2], Some("zoneedit"), WRITES),
    ("ZoneEdit", "fetchzone_records", &[Api::Api2], Some("zoneedit"), READS),
    ("ZoneEdit", "remove_zone_record", &[Api::Api2], Some("zoneedit"), WRITES),
    ("whm", "api_token_create", WHM, TOKENS, WRITES),
    ("whm", "api_token_get_details", WHM, TOKENS, READS),
    ("whm", "api_token_list", WHM, TOKENS, READS),
    ("whm", "api_token_revoke", WHM, TOKENS, WRITES),
    ("whm", "api_token_update", WHM, TOKENS, WRITES),
];

/// The built-in catalogue.
#[must_use]
pub fn functions() -> Vec<Function> {
    BUILT_IN
        .iter()
        .map(|(module, function, apis, feature, writes)| Function {
            module: (*module).to_owned(),
            function: (*function).to_owned(),
            apis: apis.to_vec(),
            feature: feature.map(ToOwned::to_owned),
            writes: *writes,
        })
        .collect()
}

/// Functions in the order of module and name, so that a call finds its own quickly.
#[derive(Clone, Debug)]
pub(crate) struct Catalogue(Vec<Function>);

impl Catalogue {
    /// The given functions, or the built-in ones.
    ///
    /// # Errors
    /// `catalogue_invalid` and `feature_invalid`, at the index of the function.
    pub(crate) fn new(given: Option<Vec<Function>>) -> Result<Self, Error> {
        let Some(given) = given else {
            return Ok(Catalogue(functions()));
        };
        for (index, function) in given.iter().enumerate() {
            check(function).map_err(|error| error.under_index(index))?;
        }
        let order = sorted(given.len(), &|a, b| given.get(a).map(key).cmp(&given.get(b).map(key)));
        let functions: Vec<Function> = order.into_iter().filter_map(|at| given.get(at).cloned()).collect();
        let clash = functions
            .iter()
            .zip(functions.iter().skip(1))
            .find(|(a, b)| key(a) == key(b) && a.apis.iter().any(|api| b.apis.contains(api)));
        match clash {
            None => Ok(Catalogue(functions)),
            Some((function, _)) => Err(invalid(format!(
                "the function `{}::{}` is listed twice for one API",
                function.module, function.function
            ))),
        }
    }

    /// The function of that name in an API.
    pub(crate) fn find(&self, api: Api, module: &str, function: &str) -> Option<&Function> {
        let first = self.0.partition_point(|f| key(f) < (module, function));
        self.0
            .iter()
            .skip(first)
            .take_while(|f| key(f) == (module, function))
            .find(|f| f.apis.contains(&api))
    }
}

fn key(function: &Function) -> (&str, &str) {
    (&function.module, &function.function)
}

fn invalid(message: impl Into<alloc::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorCode::CatalogueInvalid, message)
}

fn check(function: &Function) -> Result<(), Error> {
    if function.module.is_empty() || function.function.is_empty() {
        return Err(invalid("a function needs a module and a name"));
    }
    if function.apis.is_empty() || function.apis.contains(&Api::Api1) {
        return Err(invalid("a function needs one or more of the APIs `uapi`, `api2` and `whm`").under("apis"));
    }
    match &function.feature {
        Some(feature) if !is_feature(feature) => Err(Error::at(ErrorCode::FeatureInvalid, "feature", FEATURE_RULE)),
        _ => Ok(()),
    }
}
