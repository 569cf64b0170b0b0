//! The core compiled for this machine, and the module in wasmtime.

use std::fmt::Display;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use sha2::{Digest, Sha256};
use tokenlatch::{ENTROPY_BYTES, Entropy, Module, Snapshot, SystemEntropy, Table};
use tokenlatch_core::{
    Authorization, Call, Catalogue, CreateRequest, Realm, Route, TableInput, TokenTable, Verdict, VerifyRequest,
    create, verify,
};
use tokenlatch_tests::Fault;
use tokenlatch_tests::runtimes::wasmtime_version;

use crate::guest::{Guest, Lap};
use crate::input::{HOT, Input, NOW, owner, request};

/// Runs a case the given number of times. Returns the number of calls with the expected result.
type Run = Box<dyn FnMut(u64) -> Result<u64, Fault>>;

/// Cases in this process.
pub(crate) struct Native {
    input: Rc<Input>,
    /// `None` for the native core.
    module: Option<Rc<Module>>,
    version: String,
    ready: Vec<(String, Run)>,
}

impl Native {
    /// The native core.
    pub(crate) fn new(input: Rc<Input>) -> Self {
        Native {
            input,
            module: None,
            version: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
            ready: Vec::new(),
        }
    }

    /// The module in wasmtime.
    pub(crate) fn wasmtime(input: Rc<Input>) -> Result<Self, Fault> {
        let module = Module::embedded().map_err(Fault::during("the module"))?;
        Ok(Native {
            module: Some(Rc::new(module)),
            version: wasmtime_version(),
            ..Native::new(input)
        })
    }

    /// Presents tokens in order. `judge` gets the number of each.
    fn presented(&self, within: usize, mut judge: impl FnMut(&Input, usize) -> Result<bool, Fault> + 'static) -> Run {
        let input = Rc::clone(&self.input);
        let mut turn = 0;
        Box::new(move |calls| {
            let mut good = 0;
            for _ in 0..calls {
                turn = (turn + 1) % input.order.len();
                good += u64::from(judge(&input, input.order[turn] as usize % within)?);
            }
            Ok(good)
        })
    }

    fn table(&self, within: usize) -> Result<Run, Fault> {
        let during = || Fault::during("the table");
        let call = listing();
        let Some(module) = &self.module else {
            let mut table = TokenTable::new(self.input.table()).map_err(during())?;
            let call = table.prepare(&call).map_err(during())?;
            return Ok(self.presented(within, move |input, number| {
                let header = black_box(&input.headers[number]);
                let code = table.verify(call, header.as_bytes(), None, NOW);
                Ok((0..1 << 32).contains(&code))
            }));
        };
        let mut table = Table::new(module, &self.input.table()).map_err(Fault::during("the table"))?;
        let call = table.prepare(&call).map_err(Fault::during("the table"))?;
        Ok(self.presented(within, move |input, number| {
            let decision = table.verify(call, input.headers[number].as_bytes(), None, NOW);
            Ok(decision.map_err(Fault::during("wasmtime"))?.is_allowed())
        }))
    }

    /// A table with this number of routes, which are asked for in turn by their paths.
    fn routes(&self, count: usize) -> Result<Run, Fault> {
        let during = || Fault::during("the table");
        let input = TableInput {
            catalogue: Some(catalogue(count)),
            ..self.input.table()
        };
        let paths: Vec<String> = (0..4096).map(|number| path(number * 7919 % count, number)).collect();
        let mut turn = 0;
        let mut next = move || {
            turn = (turn + 1) % paths.len();
            black_box(paths[turn].clone())
        };
        let Some(module) = &self.module else {
            let mut table = TokenTable::new(input).map_err(during())?;
            return Ok(self.presented(HOT, move |input, number| {
                let call = table.route(Realm::Account, b"GET", next().as_bytes());
                let code = table.verify(call, black_box(&input.headers[number]).as_bytes(), None, NOW);
                Ok((0..1 << 32).contains(&code))
            }));
        };
        let mut table = Table::new(module, &input).map_err(Fault::during("the table"))?;
        Ok(self.presented(HOT, move |input, number| {
            let call = table.route(Realm::Account, "GET", &next());
            let call = call.map_err(Fault::during("wasmtime"))?;
            let decision = table.verify(call, input.headers[number].as_bytes(), None, NOW);
            Ok(decision.map_err(Fault::during("wasmtime"))?.is_allowed())
        }))
    }

    fn snapshot(&self) -> Result<Run, Fault> {
        let during = || Fault::during("the snapshot");
        let (options, message) = (self.input.snapshot.options(), &self.input.snapshot.message);
        let call = listing();
        let Some(module) = &self.module else {
            let mut snapshot = tokenlatch_core::Snapshot::new(options).map_err(during())?;
            snapshot.apply(message, NOW).map_err(during())?;
            let call = snapshot.prepare(&call).map_err(during())?;
            return Ok(self.presented(usize::MAX, move |input, number| {
                let header = black_box(&input.headers[number]);
                let code = snapshot.verify(call, header.as_bytes(), None, NOW);
                Ok((0..1 << 32).contains(&code))
            }));
        };
        let mut snapshot = Snapshot::new(module, &options).map_err(Fault::during("the snapshot"))?;
        snapshot.apply(message, NOW).map_err(Fault::during("the snapshot"))?;
        let call = snapshot.prepare(&call).map_err(Fault::during("the snapshot"))?;
        Ok(self.presented(usize::MAX, move |input, number| {
            let decision = snapshot.verify(call, input.headers[number].as_bytes(), None, NOW);
            Ok(decision.map_err(Fault::during("wasmtime"))?.is_allowed())
        }))
    }

    fn record(&self) -> Run {
        let module = self.module.clone();
        self.presented(usize::MAX, move |input, number| {
            let request = VerifyRequest {
                now: NOW,
                authorization: Authorization::One(input.headers[number].as_str().into()),
                record: Some(input.records[number].clone()),
                account: Some(input.accounts[owner(number)].clone()),
                call: Some(listing()),
                peppers: Vec::new(),
                catalogue: None,
            };
            let verdict: Verdict = match &module {
                None => verify(request).map_err(Fault::during("native"))?,
                Some(module) => module.verify(&request).map_err(Fault::during("wasmtime"))?,
            };
            Ok(verdict.allowed)
        })
    }

    fn create(&self) -> Run {
        let module = self.module.clone();
        self.presented(usize::MAX, move |_, number| {
            let mut entropy = [0; ENTROPY_BYTES];
            SystemEntropy.fill(&mut entropy).map_err(Fault::during("entropy"))?;
            let request: CreateRequest = request(number, &entropy);
            let created = match &module {
                None => create(&request).map_err(Fault::during("native"))?,
                Some(module) => module.create(&request).map_err(Fault::during("wasmtime"))?,
            };
            Ok(created.token.expose().len() == 32)
        })
    }
}

/// A catalogue with this number of routes.
fn catalogue(count: usize) -> Catalogue {
    let route = |number: usize| Route {
        method: "GET".into(),
        path: path(number, "{id}"),
        feature: Some(format!("feature{}", number % 20)),
        ..Route::default()
    };
    Catalogue {
        routes: (0..count).map(route).collect(),
        ..Catalogue::default()
    }
}

/// The path of a route.
fn path(route: usize, id: impl Display) -> String {
    format!("/v1/resource{route}/{id}")
}

/// The call that every other case verifies.
fn listing() -> Call {
    Call {
        module: Some("Tokens".into()),
        function: Some("list".into()),
        ..Call::default()
    }
}

impl Guest for Native {
    fn version(&self) -> &str {
        &self.version
    }

    fn prepare(&mut self, case: &str) -> Result<Option<String>, Fault> {
        let run = match case {
            "empty" => self.presented(usize::MAX, |input, number| {
                Ok(black_box(&input.headers[number]).len() > 32)
            }),
            "sha256-block" if self.module.is_some() => return Ok(Some("the module exports no bare hash".into())),
            "sha256-block" => self.presented(HOT, |input, number| {
                let header = input.headers[number].as_bytes();
                let digest = Sha256::digest(&header[header.len() - 32..]);
                Ok(black_box(digest).len() == 32)
            }),
            "table" => self.table(usize::MAX)?,
            "table-hot" => self.table(HOT)?,
            "routes-10" => self.routes(10)?,
            "routes-1000" => self.routes(1000)?,
            "snapshot" => self.snapshot()?,
            "record" => self.record(),
            "create" => self.create(),
            _ => return Ok(Some("a JavaScript package".into())),
        };
        self.ready.push((case.into(), run));
        Ok(None)
    }

    fn run(&mut self, case: &str, calls: u64) -> Result<Lap, Fault> {
        let run = self.ready.iter_mut().find(|(name, _)| name == case);
        let (_, run) = run.ok_or_else(|| Fault::new(format!("{case} isn't ready")))?;
        let started = Instant::now();
        let good = run(calls)?;
        Ok(Lap {
            nanoseconds: started.elapsed().as_secs_f64() * 1e9,
            good,
        })
    }
}
