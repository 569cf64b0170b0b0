//! Every way this crate reaches into a JavaScript value that the caller made. A getter or a proxy may throw at any of
//! them, so each is `catch`: an exception that isn't caught would leave this module in the middle of its work.

use js_sys::{Array, JsString, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

#[wasm_bindgen]
extern "C" {
    /// The value's own enumerable string keys.
    #[wasm_bindgen(js_namespace = Object, js_name = keys, catch)]
    fn object_keys(value: &JsValue) -> Result<Array, JsValue>;

    /// Whether the value is an array, of whichever realm; throws for a revoked proxy.
    #[wasm_bindgen(js_namespace = Array, js_name = isArray, catch)]
    fn array_is_array(value: &JsValue) -> Result<bool, JsValue>;

    /// Whether the value really is a view of bytes; looks at an internal slot, so no object can pretend.
    #[wasm_bindgen(js_namespace = ArrayBuffer, js_name = isView, catch)]
    fn array_buffer_is_view(value: &JsValue) -> Result<bool, JsValue>;

    /// A plain copy of real bytes. Reads internal slots only, never a property that the caller may have redefined.
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

/// Reading the value threw. What was thrown is dropped: it is the caller's, and may hold anything.
pub(crate) struct Threw;

impl From<JsValue> for Threw {
    fn from(_: JsValue) -> Self {
        Threw
    }
}

/// The own enumerable string keys of an object.
pub(crate) fn keys(object: &JsValue) -> Result<Array, Threw> {
    Ok(object_keys(object)?)
}

/// A property of an object, read once.
pub(crate) fn property(object: &JsValue, key: &JsValue) -> Result<JsValue, Threw> {
    Ok(reflect_get(object, key)?)
}

/// An item of an array, read once.
pub(crate) fn item(array: &JsValue, index: u32) -> Result<JsValue, Threw> {
    Ok(reflect_get_index(array, index)?)
}

/// Whether the value is an array.
pub(crate) fn is_array(value: &JsValue) -> Result<bool, Threw> {
    Ok(array_is_array(value)?)
}

/// Whether the object has no prototype or `Object.prototype`, be it that of another realm: nothing is above that one, and
/// a class that extends `null` doesn't have its keys.
pub(crate) fn is_plain(object: &JsValue) -> Result<bool, Threw> {
    let prototype = reflect_get_prototype_of(object)?;
    if prototype.is_null() || OBJECT_PROTOTYPE.with(|own| *own == prototype) {
        return Ok(true);
    }
    Ok(reflect_get_prototype_of(&prototype)?.is_null()
        && reflect_own_keys(&prototype)?.iter().any(|key| key == *"isPrototypeOf"))
}

/// How many own keys the language gives to `Object.prototype` (ECMA-262, 20.1.3 and B.2.2).
const OBJECT_PROTOTYPE_KEYS: u32 = 12;

/// Whether a property assigned to a new object or array is surely defined on it. It isn't when `Object.prototype` was
/// given a setter or a read-only property, or was frozen, or `Array.prototype` was given an item.
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

/// The bytes of a real `Uint8Array`, if the value is one of at most `most` bytes; `None` for anything else.
pub(crate) fn bytes(value: &JsValue, most: u32) -> Result<Option<Vec<u8>>, Threw> {
    if !array_buffer_is_view(value)? || !value.is_instance_of::<Uint8Array>() {
        return Ok(None);
    }
    let copy = PlainBytes::copy(value)?.unchecked_into::<Uint8Array>();
    Ok((copy.length() <= most).then(|| copy.to_vec()))
}

/// What a JavaScript string turned out to be.
pub(crate) enum Text {
    /// Text of Unicode characters.
    Whole(String),
    /// A half of a surrogate pair stands alone in it: there is no such text.
    LoneSurrogate,
    /// Longer than was allowed; it wasn't copied.
    TooLong,
}

/// The text of a JavaScript string of at most `most` UTF-16 units; `None` for anything else.
pub(crate) fn text(value: &JsValue, most: u32) -> Option<Text> {
    let string = value.dyn_ref::<JsString>()?;
    if string.length() > most {
        return Some(Text::TooLong);
    }
    let text = value.as_string()?;
    // A lone surrogate arrives as U+FFFD. Only when there is such a character can the way back tell.
    let replaced = text.as_bytes().windows(3).any(|bytes| bytes == "\u{FFFD}".as_bytes());
    if replaced && JsValue::from_str(&text) != *value {
        return Some(Text::LoneSurrogate);
    }
    Some(Text::Whole(text))
}
