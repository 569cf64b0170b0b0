//! JSON: values, their text, and typed requests and answers.

pub(crate) mod decoder;
pub(crate) mod encoder;
pub(crate) mod reader;
pub(crate) mod value;
