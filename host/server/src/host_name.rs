//! Names of hosts.

use std::net::IpAddr;

/// Normalises a host name or address: lower case, without brackets or a trailing dot. `None` if it is neither.
pub(crate) fn host_name(text: &str) -> Option<String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(text).parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let sound = !name.is_empty() && name.len() <= 253 && name.bytes().all(fits) && !name.contains("..");
    sound.then_some(name)
}
