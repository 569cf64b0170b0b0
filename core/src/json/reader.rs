//! Parses JSON text (RFC 8259) into a [`Value`]. A parser that reads numbers as `f64` would add tables of powers to
//! the module, and only whole numbers are used here.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::value::{MAX_DEPTH, MAX_SAFE_INTEGER, Value, key_repeated, too_deep};
use crate::base::error::{Error, ErrorCode};
use crate::base::sort::first_repeat;

impl Value {
    /// Parses JSON text (RFC 8259) in UTF-8.
    ///
    /// # Errors
    /// `json_invalid`, `field_duplicate` and `too_deep`.
    pub fn from_json(text: &[u8]) -> Result<Value, Error> {
        let whole = core::str::from_utf8(text);
        let mut reader = Reader {
            // Text that isn't UTF-8 is parsed up to the first invalid byte, which gives the position of the error.
            text: whole
                .map_or_else(|fault| text.get(..fault.valid_up_to()), |_| Some(text))
                .unwrap_or_default(),
            at: 0,
        };
        let value = reader.value(MAX_DEPTH)?;
        reader.space();
        if reader.at < text.len() {
            return Err(reader.invalid());
        }
        Ok(value)
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn invalid(&self) -> Error {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let lines = before.split(|byte| *byte == b'\n');
        let (line, column) = lines.fold((0_usize, 0), |(line, _), rest| (line.saturating_add(1), rest.len()));
        Error::new(
            ErrorCode::JsonInvalid,
            format!(
                "the text isn't valid JSON at line {line}, column {}",
                column.saturating_add(1)
            ),
        )
    }

    fn peek(&self) -> u8 {
        // JSON never contains a NUL, so it marks the end.
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// Consumes the byte if it is next, and says whether it was.
    fn passes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == byte;
        if is_next {
            self.step();
        }
        is_next
    }

    fn demand(&mut self, byte: u8) -> Result<(), Error> {
        if self.passes(byte) { Ok(()) } else { Err(self.invalid()) }
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.step();
        }
    }

    /// Parses a value that may nest `left` more levels.
    fn value(&mut self, left: usize) -> Result<Value, Error> {
        self.space();
        match self.peek() {
            b'"' => self.string().map(Value::String),
            b'[' => self.array(left.checked_sub(1).ok_or_else(too_deep)?),
            b'{' => self.object(left.checked_sub(1).ok_or_else(too_deep)?),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Error> {
        for byte in word.bytes() {
            self.demand(byte)?;
        }
        Ok(value)
    }

    fn array(&mut self, left: usize) -> Result<Value, Error> {
        let mut items = Vec::new();
        self.step();
        self.space();
        if self.passes(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(left)?);
            self.space();
            if self.passes(b']') {
                return Ok(Value::Array(items));
            }
            self.demand(b',')?;
        }
    }

    fn object(&mut self, left: usize) -> Result<Value, Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        self.step();
        self.space();
        if self.passes(b'}') {
            return Ok(Value::Object(entries));
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            self.demand(b':')?;
            entries.push((key, self.value(left)?));
            self.space();
            if self.passes(b'}') {
                break;
            }
            self.demand(b',')?;
        }
        let repeated = first_repeat(entries.len(), &|at| entries.get(at).map(|(key, _)| key.as_str()));
        match repeated.and_then(|at| entries.get(at)) {
            Some((key, _)) => Err(key_repeated(key)),
            None => Ok(Value::Object(entries)),
        }
    }

    fn string(&mut self) -> Result<String, Error> {
        self.demand(b'"')?;
        let mut bytes = Vec::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), b'"' | b'\\' | 0..=0x1f) {
                self.step();
            }
            bytes.extend_from_slice(self.text.get(start..self.at).unwrap_or_default());
            if self.passes(b'"') {
                // Substrings of valid UTF-8, and whole characters.
                return String::from_utf8(bytes).map_err(|_| self.invalid());
            }
            // Control characters are allowed only as escapes.
            self.demand(b'\\')?;
            let character = self.escape()?;
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let letter = self.peek();
        self.step();
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut unit = self.unit()?;
                if unit & 0xfc00 == 0xd800 {
                    self.demand(b'\\')?;
                    self.demand(b'u')?;
                    let low = self.unit()?;
                    if low & 0xfc00 != 0xdc00 {
                        return Err(self.invalid());
                    }
                    let above = (unit & 0x3ff) << 10 | low & 0x3ff;
                    unit = above.saturating_add(0x1_0000);
                }
                char::from_u32(unit).ok_or_else(|| self.invalid())?
            }
            _ => return Err(self.invalid()),
        })
    }

    /// Parses four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, Error> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.peek()).to_digit(16).ok_or_else(|| self.invalid())?;
            unit = unit << 4 | digit;
            self.step();
        }
        Ok(unit)
    }

    /// Parses a number exactly: `18e8` and `1800000000.0` are 1800000000.
    fn number(&mut self) -> Result<Value, Error> {
        let mut read = Number::default();
        let negative = self.passes(b'-');
        if !self.passes(b'0') {
            self.digits(&mut read, 0)?;
        }
        if self.passes(b'.') {
            self.digits(&mut read, 1)?;
        }
        let mut exponent = Number::default();
        if self.passes(b'e') || self.passes(b'E') {
            let down = self.passes(b'-');
            if !down {
                self.passes(b'+');
            }
            self.digits(&mut exponent, 0)?;
            if down {
                exponent.value = exponent.value.saturating_neg();
            }
        }
        Ok(match read.whole(exponent.value) {
            Some(value) => Value::Int(if negative { value.saturating_neg() } else { value }),
            None => Value::OtherNumber,
        })
    }

    /// Parses one or more digits, each of which moves the decimal point by `moved`.
    fn digits(&mut self, number: &mut Number, moved: i64) -> Result<(), Error> {
        let start = self.at;
        while let Some(digit) = char::from(self.peek()).to_digit(10) {
            number.push(digit, moved);
            self.step();
        }
        if self.at == start { Err(self.invalid()) } else { Ok(()) }
    }
}

/// The digits parsed so far, and the power of ten to divide them by.
#[derive(Default)]
struct Number {
    value: i64,
    places: i64,
    cut: bool,
}

impl Number {
    fn push(&mut self, digit: u32, moved: i64) {
        let more = self.value.saturating_mul(10).saturating_add(digit.into());
        if more < i64::MAX / 10 {
            self.value = more;
            self.places = self.places.saturating_add(moved);
        } else {
            // Too long to be exact. The number can still be whole and safe if zeros follow the point.
            self.cut |= digit != 0;
            self.places = self.places.saturating_add(moved).saturating_sub(1);
        }
    }

    /// The number, if it is whole and safe.
    fn whole(&self, exponent: i64) -> Option<i64> {
        let mut value = self.value;
        if value == 0 {
            return Some(0);
        }
        let mut places = self.places.saturating_sub(exponent);
        while places > 0 {
            if value % 10 != 0 {
                return None;
            }
            value /= 10;
            places = places.saturating_sub(1);
        }
        while places < 0 {
            value = value.checked_mul(10)?;
            places = places.saturating_add(1);
        }
        (value <= MAX_SAFE_INTEGER && !self.cut).then_some(value)
    }
}
