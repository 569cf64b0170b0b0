//! The layers of tests, from cheap to dear: what each runs, and which folders' code it contains.

/// A layer.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) name: &'static str,
    /// The folders whose code it runs. A patch of other folders can't fail it.
    runs: &'static [&'static str],
    /// The folders of its tests, beside those within `runs`.
    tests_in: &'static [&'static str],
    /// What is built, one command after another. A failure means that the patch does not compile.
    pub(crate) build: &'static [Step],
    /// The tests, one command after another.
    pub(crate) tests: &'static [Step],
    /// How the first failed test is read from the output of the tests.
    pub(crate) output: Output,
}

/// A command.
#[derive(Debug)]
pub(crate) struct Step {
    /// The folder to run it in, below the tree.
    pub(crate) folder: &'static str,
    /// The program and its arguments, separated by spaces.
    pub(crate) line: &'static str,
}

/// The format of a layer's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// `test NAME ... FAILED`, of Rust's tests. The rest of the tests is not waited for.
    Libtest,
    /// The vector before the first line `expected …`.
    Vectors,
    /// `not ok 1 - NAME`, of Node's tests. The rest of the tests is not waited for.
    Tap,
}

/// A command in the tree's folder.
const fn at_top(line: &'static str) -> Step {
    Step { folder: "", line }
}

/// A command in the npm package's folder.
const fn in_js(line: &'static str) -> Step {
    Step { folder: "js", line }
}

/// The npm package.
const PACKAGE: &[Step] = &[
    in_js("npm install --no-audit --no-fund"),
    at_top("cargo run --package tokenlatch-build -- --out js/dist/module"),
    in_js("npm run --silent build:js"),
];

/// All layers, in the order in which they run. They are a choice of tests: all of them would take an hour.
pub(crate) const LAYERS: &[Layer] = &[
    Layer {
        name: "core",
        runs: &["core"],
        tests_in: &[],
        build: &[at_top("cargo test --package tokenlatch-core --tests --no-run")],
        tests: &[at_top("cargo test --package tokenlatch-core --tests")],
        output: Output::Libtest,
    },
    Layer {
        name: "vectors",
        runs: &["core"],
        tests_in: &["tests"],
        build: &[at_top("cargo test --package tokenlatch-vectors --test native --no-run")],
        tests: &[at_top("cargo test --package tokenlatch-vectors --test native")],
        output: Output::Vectors,
    },
    Layer {
        name: "properties",
        runs: &["core"],
        tests_in: &["tests"],
        build: &[at_top(
            "cargo test --package tokenlatch-tests --no-default-features --test properties --no-run",
        )],
        tests: &[at_top(
            "cargo test --package tokenlatch-tests --no-default-features --test properties",
        )],
        output: Output::Libtest,
    },
    Layer {
        name: "module",
        runs: &["core", "wasm"],
        tests_in: &["wasm/build", "tests"],
        build: &[
            at_top("cargo build --package tokenlatch-tests --no-default-features --bin conformance"),
            at_top("cargo run --package tokenlatch-build"),
        ],
        tests: &[at_top(
            "cargo run --package tokenlatch-tests --no-default-features --bin conformance -- --only wasmtime",
        )],
        output: Output::Vectors,
    },
    Layer {
        name: "differ",
        runs: &["core", "wasm"],
        tests_in: &["wasm/build", "js", "tests"],
        build: &[at_top(
            "cargo test --package tokenlatch-tests --no-default-features --test differ --no-run",
        )],
        tests: &[at_top(
            "cargo test --package tokenlatch-tests --no-default-features --test differ",
        )],
        output: Output::Libtest,
    },
    Layer {
        name: "js",
        runs: &["core", "wasm", "js"],
        tests_in: &["wasm/build"],
        build: PACKAGE,
        tests: &[in_js(JS_TESTS)],
        output: Output::Tap,
    },
    Layer {
        name: "stores",
        runs: &["js"],
        tests_in: &["core", "wasm", "wasm/build"],
        build: PACKAGE,
        tests: &[in_js(
            "node --test --test-reporter=tap --test-timeout=300000 test/stores.test.mjs test/follower.test.mjs",
        )],
        output: Output::Tap,
    },
    Layer {
        name: "host units",
        runs: &["core", "wasm", "host"],
        tests_in: &["wasm/build", "tests/support"],
        build: &[at_top("cargo test --package tokenlatch --lib --no-run")],
        tests: &[at_top("cargo test --package tokenlatch --lib")],
        output: Output::Libtest,
    },
    Layer {
        name: "host",
        runs: &["core", "wasm", "host"],
        tests_in: &["wasm/build", "tests/support"],
        build: &[at_top("cargo test --package tokenlatch --test it --no-run")],
        tests: &[at_top(HOST_TESTS)],
        output: Output::Libtest,
    },
    Layer {
        name: "server units",
        runs: &["core", "wasm", "host", "host/server"],
        tests_in: &["wasm/build"],
        build: &[at_top("cargo test --package tokenlatch-server --lib --no-run")],
        tests: &[at_top("cargo test --package tokenlatch-server --lib")],
        output: Output::Libtest,
    },
    Layer {
        name: "server",
        runs: &["core", "wasm", "host", "host/server"],
        tests_in: &["wasm/build", "tests/support"],
        build: &[at_top("cargo test --package tokenlatch-server --test it --no-run")],
        tests: &[at_top(SERVER_TESTS)],
        output: Output::Libtest,
    },
];

/// Tests of the stores, the archive, accounts and the verifier, without those that need PostgreSQL or the programs, or fill a table.
const HOST_TESTS: &str = "cargo test --package tokenlatch --test it -- store:: store_archive:: service_accounts:: verifier:: \
    --skip postgres --skip with_every_commit --skip under_load --skip left_out --skip full_table --skip without_a_table --skip many_tokens --skip thousands";

/// Tests of raw requests, client addresses, the guard's wire and forged forms.
const SERVER_TESTS: &str =
    "cargo test --package tokenlatch-server --test it -- framing:: client_address:: guard_wire:: web_forged::";

/// The package's tests that need Node only. Those of the stores and of followers run in every runtime, in the next layer.
const JS_TESTS: &str = "node --test --test-reporter=tap --test-timeout=120000 test/abi.test.mjs test/broken.test.mjs \
    test/follower-hostile.test.mjs test/forward.test.mjs test/functions.test.mjs test/guard-hostile.test.mjs \
    test/hostile.test.mjs test/latch.test.mjs test/middleware.test.mjs test/module.test.mjs test/persistence.test.mjs \
    test/plain.test.mjs test/snapshot.test.mjs test/table.test.mjs test/text.test.mjs";

/// The folders that the layers name, each before those within it. The first one is that of `Cargo.toml`.
const FOLDERS: [&str; 9] = [
    "",
    "core",
    "wasm",
    "wasm/build",
    "host",
    "host/server",
    "js",
    "tests",
    "tests/support",
];

/// The folder of [`FOLDERS`] that a file belongs to: the innermost one.
pub(crate) fn folder_of(path: &str) -> &'static str {
    let holds = |folder: &&&str| path.strip_prefix(**folder).is_some_and(|rest| rest.starts_with('/'));
    FOLDERS.iter().rev().find(holds).copied().unwrap_or("")
}

/// The layers whose code contains one of the files, in order.
pub(crate) fn reached<'p>(paths: impl IntoIterator<Item = &'p str>) -> Vec<&'static Layer> {
    let folders: Vec<&str> = paths.into_iter().map(folder_of).collect();
    let layers = LAYERS.iter();
    layers
        .filter(|layer| folders.iter().any(|folder| layer.runs.contains(folder)))
        .collect()
}

impl Layer {
    /// The folders that its results depend on.
    pub(crate) fn reads(&self) -> Vec<&'static str> {
        [&[""], self.runs, self.tests_in].concat()
    }
}
