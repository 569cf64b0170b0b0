//! Every access of this crate to a JavaScript value from the caller. A getter or a proxy may throw at any of them, so each
//! import is `catch`: an uncaught exception would leave this module in the middle of its work.

use js_sys::{Array, JsString, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

#[wasm_bindgen]
extern "C" {
    /// Returns the value's own enumerable string keys.
    #[wasm_bindgen(js_namespace = Object, js_name = keys, catch)]
    fn object_keys(value: &JsValue) -> Result<Array, JsValue>;

    /// Whether the value is an array of any realm. Throws for a revoked proxy.
    #[wasm_bindgen(js_namespace = Array, js_name = isArray, catch)]
    fn array_is_array(value: &JsValue) -> Result<bool, JsValue>;

    /// Whether the value is a view of bytes. This checks an internal slot, so no object can pretend.
    #[wasm_bindgen(js_namespace = ArrayBuffer, js_name = isView, catch)]
    fn array_buffer_is_view(value: &JsValue) -> Result<bool, JsValue>;

    /// A plain copy of bytes. Copying reads internal slots only, never a property that the caller may have redefined.
    #[wasm_bindgen(js_name = Uint8Array)]
    type PlainBytes;

    #[wasm_bindgen(constructor, js_class = "Uint8Array", catch)]
    fn copy(value: &JsValue) -> Result<PlainBytes, JsValue>;

    #[wasm_bindgen(js_namespace = Reflect, js_name = get, catch)]
    fn reflect_get(target: &JsValue, key: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Reflect, js_name = get, catch)]
    fn reflect_get_index(target: &JsValue, key: u32) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Reflect, js_name = ownKeys, catch)]
    fn reflect_own_keys(target: &JsValue) -> Result<Array, JsValue>;

    #[wasm_bindgen(js_namespace = Reflect, js_name = isExtensible, catch)]
    fn reflect_is_extensible(target: &JsValue) -> Result<bool, JsValue>;

    #[wasm_bindgen(thread_local_v2, js_namespace = Object, js_name = prototype)]
    static OBJECT_PROTOTYPE: JsValue;

    #[wasm_bindgen(thread_local_v2, js_namespace = Array, js_name = prototype)]
    static ARRAY_PROTOTYPE: JsValue;

    #[wasm_bindgen(js_namespace = Reflect, js_name = getPrototypeOf, catch)]
    fn reflect_get_prototype_of(target: &JsValue) -> Result<JsValue, JsValue>;
}

/// The error of a read that threw. The thrown value is dropped, because it is the caller's and may hold anything.
pub(crate) struct Threw;

impl From<JsValue> for Threw {
    fn from(_: JsValue) -> Self {
        Threw
    }
}

/// Returns the own enumerable string keys of an object.
pub(crate) fn keys(object: &JsValue) -> Result<Array, Threw> {
    Ok(object_keys(object)?)
}

/// Reads a property of an object once.
pub(crate) fn property(object: &JsValue, key: &JsValue) -> Result<JsValue, Threw> {
    Ok(reflect_get(object, key)?)
}

/// Reads an item of an array once.
pub(crate) fn item(array: &JsValue, index: u32) -> Result<JsValue, Threw> {
    Ok(reflect_get_index(array, index)?)
}

/// Whether the value is an array.
pub(crate) fn is_array(value: &JsValue) -> Result<bool, Threw> {
    Ok(array_is_array(value)?)
}

/// Whether the object's prototype is null or the `Object.prototype` of any realm. That one has no prototype itself, and a class
/// that extends `null` lacks its keys.
pub(crate) fn is_plain(object: &JsValue) -> Result<bool, Threw> {
    let prototype = reflect_get_prototype_of(object)?;
    if prototype.is_null() || OBJECT_PROTOTYPE.with(|own| *own == prototype) {
        return Ok(true);
    }
    Ok(reflect_get_prototype_of(&prototype)?.is_null()
        && reflect_own_keys(&prototype)?.iter().any(|key| key == *"isPrototypeOf"))
}

/// The number of own keys of `Object.prototype` (ECMA-262, 20.1.3 and B.2.2).
const OBJECT_PROTOTYPE_KEYS: u32 = 12;

/// Whether assigning a property to a new object or array certainly defines it. It does not if `Object.prototype` has a new
/// setter or read-only property or is frozen, or if `Array.prototype` has an item.
pub(crate) fn assignment_defines() -> bool {
    let plain = || -> Result<bool, Threw> {
        let object = OBJECT_PROTOTYPE.with(|prototype| -> Result<bool, Threw> {
            Ok(reflect_own_keys(prototype)?.length() == OBJECT_PROTOTYPE_KEYS && reflect_is_extensible(prototype)?)
        })?;
        // Indexes come before all other keys (ECMA-262, 10.1.11); without any, the first key is `length`.
        let first = ARRAY_PROTOTYPE.with(reflect_own_keys)?.get(0);
        Ok(object && first == JsValue::from_str("length"))
    };
    plain().unwrap_or(false)
}

/// Returns the bytes of a `Uint8Array` of at most `most` bytes; `None` for anything else.
pub(crate) fn bytes(value: &JsValue, most: u32) -> Result<Option<Vec<u8>>, Threw> {
    if !array_buffer_is_view(value)? || !value.is_instance_of::<Uint8Array>() {
        return Ok(None);
    }
    let copy = PlainBytes::copy(value)?.unchecked_into::<Uint8Array>();
    Ok((copy.length() <= most).then(|| copy.to_vec()))
}

/// The text of a JavaScript string.
pub(crate) enum Text {
    /// Valid Unicode text.
    Whole(String),
    /// The string contains an unpaired surrogate, so it is not valid text.
    LoneSurrogate,
    /// The string exceeds the limit. It was not copied.
    TooLong,
}

/// Returns the text of a JavaScript string of at most `most` UTF-16 units; `None` for a value that is not a string.
pub(crate) fn text(value: &JsValue, most: u32) -> Option<Text> {
    let string = value.dyn_ref::<JsString>()?;
    if string.length() > most {
        return Some(Text::TooLong);
    }
    let text = value.as_string()?;
    // A lone surrogate arrives as U+FFFD. Only if there is one, compare with the original to tell them apart.
    let replaced = text.as_bytes().windows(3).any(|bytes| bytes == "\u{FFFD}".as_bytes());
    if replaced && JsValue::from_str(&text) != *value {
        return Some(Text::LoneSurrogate);
    }
    Some(Text::Whole(text))
}
