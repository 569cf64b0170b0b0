//! Random values, all from one seed.

use serde_json::{Map, Value, json};

/// The time of most cases: 2027-01-15T08:00:00Z.
pub(super) const NOW: i64 = 1_800_000_000;
const EARLIEST: i64 = 1_577_836_800;
const LATEST: i64 = 253_402_300_799;
const LARGEST: i64 = (1 << 53) - 1;

/// Draws from a seeded generator.
#[derive(Debug)]
pub(super) struct Draw(fastrand::Rng);

impl Draw {
    /// Case `number` of a kind, in a run with this seed: the same on every machine.
    pub(super) fn of_case(seed: u64, kind: &str, number: u64) -> Self {
        let mut mixed = seed;
        for byte in kind.bytes().chain(number.to_le_bytes()) {
            mixed = (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        }
        Draw(fastrand::Rng::with_seed(mixed))
    }

    /// A number below `end`, which is above 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.usize(..end)
    }

    /// True once in `times`.
    pub(super) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(super) fn flag(&mut self) -> bool {
        self.0.bool()
    }

    pub(super) fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }

    /// An index below `few`, and once in four times below `all`.
    pub(super) fn mostly_below(&mut self, few: usize, all: usize) -> usize {
        let end = if self.one_in(4) { all } else { few };
        self.below(end.min(all).max(1))
    }

    /// Up to `most` of the items, each once, in any order.
    pub(super) fn some<T: Clone>(&mut self, items: &[T], most: usize) -> Vec<T> {
        let mut items = items.to_vec();
        self.0.shuffle(&mut items);
        items.truncate(self.below(most + 1));
        items
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        self.0.shuffle(items);
    }

    /// A time that is often at, just before or just after another.
    pub(super) fn time_near(&mut self, time: i64) -> i64 {
        const STEPS: [i64; 16] = [
            0,
            0,
            1,
            -1,
            60,
            61,
            -60,
            299,
            300,
            -300,
            -301,
            3_600,
            86_400,
            -86_400,
            31_536_000,
            1_000_000_000,
        ];
        time + self.pick(&STEPS)
    }

    /// A time of a request, at times out of range.
    pub(super) fn now(&mut self) -> i64 {
        match self.below(24) {
            0 => *self.pick(&[
                EARLIEST - 1,
                EARLIEST,
                LATEST,
                LATEST + 1,
                0,
                -1,
                LARGEST,
                1_582_934_400,
            ]),
            1..=6 => self.time_near(NOW),
            _ => NOW,
        }
    }

    pub(super) fn whole(&mut self) -> i64 {
        *self.pick(&[
            0,
            1,
            -1,
            2,
            7,
            20,
            100,
            1_000,
            1_001,
            3_650,
            1 << 31,
            1 << 32,
            LARGEST,
            -LARGEST,
        ])
    }

    /// A text that some rule may stumble over.
    pub(super) fn odd_text(&mut self) -> String {
        const TEXTS: [&str; 44] = [
            "",
            " ",
            "a",
            "-",
            "_",
            ".",
            "é",
            "İ",
            "\u{212a}",
            "а",
            "\u{0}",
            "\n",
            "\u{7f}",
            "\u{200b}",
            "\u{202e}x",
            "😀",
            "__proto__",
            "constructor",
            "full",
            "all",
            "any",
            "never",
            "UTC",
            "uapi",
            "api1",
            "+14:00",
            "-00:00",
            "+24:00",
            "2027-02-29",
            "2028-02-29",
            "0000-01-01",
            "9999-12-31",
            "10000-01-01",
            "2027-01-15T08:00:01Z",
            "2027-01-15t08:00:00.5z",
            "2027-01-15T23:59:60Z",
            "1800000001",
            "0",
            "::ffff:10.0.0.0/104",
            "10.0.0.1/8",
            "fe80::1%eth0",
            "01.2.3.4",
            "0.0.0.0/0",
            "::/0",
        ];
        match self.below(8) {
            0 => "a".repeat(*self.pick(&[50, 51, 64, 65, 513])),
            1 => "ж".repeat(*self.pick(&[25, 26, 50, 51])),
            _ => (*self.pick(&TEXTS)).to_owned(),
        }
    }

    /// A value that some rule may stumble over.
    pub(super) fn odd_value(&mut self) -> Value {
        match self.below(12) {
            0 => Value::Null,
            1 => json!(self.flag()),
            8 => json!(0.5),
            // About what a record may keep, and what a request may nest.
            9 => (0..6 + self.below(12)).fold(json!([]), |inner, _| json!([inner])),
            2 | 3 => json!(self.whole()),
            4 => json!([]),
            5 => json!({}),
            6 => json!([self.odd_text()]),
            7 => json!({ "features": [self.odd_text()] }),
            _ => json!(self.odd_text()),
        }
    }

    /// JSON text with the keys of every object in a random order.
    pub(super) fn text(&mut self, value: &Value) -> String {
        let mut out = String::new();
        self.write(value, &mut out);
        out
    }

    fn write(&mut self, value: &Value, out: &mut String) {
        match value {
            Value::Object(map) => {
                let mut keys: Vec<_> = map.iter().collect();
                self.shuffle(&mut keys);
                out.push('{');
                for (index, (key, value)) in keys.into_iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    out.push_str(&json!(key).to_string());
                    out.push(':');
                    self.write(value, out);
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.write(item, out);
                }
                out.push(']');
            }
            other => out.push_str(&other.to_string()),
        }
    }
}

/// An object of the entries that are given.
pub(super) fn object<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    let given = entries
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(given.collect::<Map<_, _>>())
}
