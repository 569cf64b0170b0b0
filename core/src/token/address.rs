//! Lists of addresses: IPv4, IPv6 and CIDR blocks. RULES.md, 2: if a token has any, other and unknown addresses are
//! refused.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use crate::base::character::with_culprit;
use crate::base::error::{Error, ErrorCode};

/// The most addresses that a token may list.
pub const MAX_ADDRESSES: usize = 100;

const ADDRESS_RULE: &str =
    "an address is an IPv4 or IPv6 address, or a block such as 192.0.2.0/24 with no bits set after its prefix";

/// A block of addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    v4: bool,
    /// The address in the low 32 or 128 bits.
    network: u128,
    /// The number of low bits after the prefix.
    free: u32,
}

impl Block {
    /// Parses an address or a block. An IPv4-mapped IPv6 address becomes its IPv4 address (RFC 4291, 2.5.5.2).
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            None => (text, None),
            Some((address, length)) => (address, Some(parse_length(length)?)),
        };
        let given: IpAddr = address.parse().ok()?;
        let width = if given.is_ipv4() { 32 } else { 128 };
        let mut free = 0;
        if let Some(length) = length {
            free = u32::checked_sub(width, length)?;
        }
        let address = given.to_canonical();
        if given.is_ipv6() && address.is_ipv4() && free > 32 {
            return None;
        }
        let (v4, network) = bits(&address);
        Block::checked(v4, network, free)
    }

    fn checked(v4: bool, network: u128, free: u32) -> Option<Self> {
        let whole = network.checked_shr(free).unwrap_or(0);
        let block = Block { v4, network, free };
        (whole.checked_shl(free).unwrap_or(0) == network).then_some(block)
    }

    /// A block with a prefix of `length` bits; `None` if bits are set after the prefix, or if it is too long.
    pub(crate) fn new(v4: bool, network: u128, length: u32) -> Option<Self> {
        Block::checked(v4, network, u32::checked_sub(if v4 { 32 } else { 128 }, length)?)
    }

    /// The family, the address, and the length of the prefix.
    pub(crate) fn parts(&self) -> (bool, u128, u32) {
        let width = if self.v4 { 32_u32 } else { 128 };
        (self.v4, self.network, width.saturating_sub(self.free))
    }

    fn contains(&self, v4: bool, bits: u128) -> bool {
        v4 == self.v4 && (bits ^ self.network).checked_shr(self.free).unwrap_or(0) == 0
    }
}

/// Parses a prefix length: no sign, no leading zero.
fn parse_length(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

fn bits(address: &IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(address) => (true, address.to_bits().into()),
        IpAddr::V6(address) => (false, address.to_bits()),
    }
}

/// Parses the list of a record.
///
/// # Errors
/// `addresses_too_many` at `addresses`, `address_invalid` at `addresses[…]`.
pub(crate) fn parse_list(addresses: &[String]) -> Result<Vec<Block>, Error> {
    if addresses.len() > MAX_ADDRESSES {
        return Err(Error::at(
            ErrorCode::AddressesTooMany,
            "addresses",
            format!("a token may list at most {MAX_ADDRESSES} addresses"),
        ));
    }
    let mut blocks = Vec::with_capacity(addresses.len());
    for (index, text) in addresses.iter().enumerate() {
        let Some(block) = Block::parse(text) else {
            let message = with_culprit(ADDRESS_RULE, text, |character| {
                character.is_ascii_hexdigit() || matches!(character, '.' | ':' | '/')
            });
            let error = Error::new(ErrorCode::AddressInvalid, message);
            return Err(error.under_index(index).under("addresses"));
        };
        blocks.push(block);
    }
    Ok(blocks)
}

/// Parses the address of a client.
pub(crate) fn parse_address(text: &[u8]) -> Option<IpAddr> {
    let address: IpAddr = core::str::from_utf8(text).ok()?.parse().ok()?;
    Some(address.to_canonical())
}

/// Whether one of the blocks contains the address.
pub(crate) fn contains(list: &[Block], address: &IpAddr) -> bool {
    let (v4, bits) = bits(address);
    list.iter().any(|block| block.contains(v4, bits))
}

/// Whether every inner block lies within one of the outer ones.
pub(crate) fn within(outer: &[Block], inner: &[Block]) -> bool {
    let holds = |outer: &Block, inner: &Block| outer.free >= inner.free && outer.contains(inner.v4, inner.network);
    inner.iter().all(|inner| outer.iter().any(|outer| holds(outer, inner)))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn an_error_names_the_character_that_no_address_has() {
        let message = |text: &str| parse_list(&[text.into()]).err().map(|error| error.message.to_string());
        let ends = |text, end: &str| message(text).is_some_and(|message| message.ends_with(end));
        assert!(ends("192.0.2.x", "the last character is `x`"));
        // None of these characters is wrong in itself.
        for text in ["192.0.2.256", "2001:db8::/129", "1.2.3.4/a"] {
            assert!(ends(text, "after its prefix"), "{text}");
        }
    }
}
