//! The catalogue of functions: which feature each belongs to, and whether it writes.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

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

/// The built-in catalogue, sorted by module and function without regard to case. Names are those of the public
/// documentation, and ours beside them (`create_limited`, `get_addresses`, `set_addresses`; WHM's functions have no modules,
/// so theirs is `whm`).
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
    ("Tokens", "get_addresses", BOTH, TOKENS, READS),
    ("Tokens", "list", BOTH, TOKENS, READS),
    ("Tokens", "rename", BOTH, TOKENS, WRITES),
    ("Tokens", "revoke", BOTH, TOKENS, WRITES),
    ("Tokens", "set_addresses", BOTH, TOKENS, WRITES),
    ("Variables", "get_user_information", UAPI, None, READS),
    ("whm", "api_token_create", WHM, TOKENS, WRITES),
    ("whm", "api_token_get_details", WHM, TOKENS, READS),
    ("whm", "api_token_list", WHM, TOKENS, READS),
    ("whm", "api_token_revoke", WHM, TOKENS, WRITES),
    ("whm", "api_token_update", WHM, TOKENS, WRITES),
    ("ZoneEdit", "add_zone_record", &[Api::Api2], Some("zoneedit"), WRITES),
    ("ZoneEdit", "fetchzone_records", &[Api::Api2], Some("zoneedit"), READS),
    ("ZoneEdit", "remove_zone_record", &[Api::Api2], Some("zoneedit"), WRITES),
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

/// Functions in the order of module and name without regard to case, so that a call finds its own quickly.
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
        let order = sorted(given.len(), &|a, b| match (given.get(a), given.get(b)) {
            (Some(a), Some(b)) => a.compare(&b.module, &b.function),
            (a, b) => a.is_some().cmp(&b.is_some()),
        });
        let functions: Vec<Function> = order.into_iter().filter_map(|at| given.get(at).cloned()).collect();
        let clash = functions.iter().enumerate().find(|(at, one)| {
            let others = functions.iter().skip(at.saturating_add(1));
            let mut like = others.take_while(|other| other.compare(&one.module, &one.function).is_eq());
            like.any(|other| one.apis.iter().any(|api| other.apis.contains(api)))
        });
        match clash {
            None => Ok(Catalogue(functions)),
            Some((_, function)) => Err(invalid(format!(
                "the function `{}::{}` is listed twice for one API, perhaps in another case",
                function.module, function.function
            ))),
        }
    }

    /// The function of that name in an API.
    pub(crate) fn find(&self, api: Api, module: &str, function: &str) -> Option<&Function> {
        let mut alike = self.alike(module, function).filter(|f| f.apis.contains(&api));
        alike.find(|f| f.module == module && f.function == function)
    }

    /// The feature of a function that has that name but for the case of its letters, or for another API: a server may carry
    /// that one out.
    pub(crate) fn resembling(&self, api: Api, module: &str, function: &str) -> Option<&str> {
        let alike = || self.alike(module, function);
        let of_the_api = alike().filter(|f| f.apis.contains(&api));
        of_the_api.chain(alike()).find_map(|f| f.feature.as_deref())
    }

    fn alike(&self, module: &str, function: &str) -> impl Iterator<Item = &Function> {
        let first = self.0.partition_point(|f| f.compare(module, function).is_lt());
        let from = self.0.iter().skip(first);
        from.take_while(move |f| f.compare(module, function).is_eq())
    }
}

impl Function {
    /// How its names stand to others, without regard to the case of ASCII letters.
    fn compare(&self, module: &str, function: &str) -> Ordering {
        let modules = folded(&self.module).cmp(folded(module));
        modules.then_with(|| folded(&self.function).cmp(folded(function)))
    }
}

/// The bytes of a name without regard to the case of its ASCII letters.
fn folded(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|byte| byte.to_ascii_lowercase())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_function_is_found() {
        let functions = functions();
        let catalogue = Catalogue(functions.clone());
        for function in &functions {
            for api in &function.apis {
                let find = |module: &str, name: &str| catalogue.find(*api, module, name);
                assert_eq!(find(&function.module, &function.function), Some(function));
                let (module, name) = (
                    function.module.to_ascii_uppercase(),
                    function.function.to_ascii_uppercase(),
                );
                assert_eq!(find(&module, &name), None);
                assert_eq!(catalogue.resembling(*api, &module, &name), function.feature.as_deref());
            }
        }
    }
}
