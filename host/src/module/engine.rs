//! The engine, the compiled code, and the ticker that ends calls which run too long.

use std::thread;
use std::time::Duration;

use wasmtime::{
    Config, Engine, EngineWeak, InstanceAllocationStrategy, InstancePre, Linker, PoolingAllocationConfig,
    ResourceLimiter, StoreLimits,
};

use super::limits::{Limits, Options};
use crate::error::ModuleError;

/// The interval at which the engine's epoch advances, and so the resolution of the time limit.
const TICK: Duration = Duration::from_millis(10);

/// The data of a wasmtime store.
pub(crate) struct State {
    pub(crate) limits: StoreLimits,
    /// Whether the instance tried to exceed its memory limit.
    pub(crate) full: bool,
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = self.limits.memory_growing(current, desired, maximum)?;
        self.full |= !allowed;
        Ok(allowed)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.full = true;
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}

/// A module, compiled and linked. Instances are created from it.
pub(crate) struct Compiled {
    pub(crate) engine: Engine,
    pub(crate) pre: InstancePre<State>,
}

impl Compiled {
    pub(crate) fn new(bytes: &[u8], options: &Options) -> Result<Compiled, ModuleError> {
        let engine = engine(options)?;
        let module = wasmtime::Module::from_binary(&engine, bytes).map_err(invalid)?;
        let mut linker = Linker::new(&engine);
        // The plain ABI needs no imports, so a call of one is a fault and must trap.
        linker.define_unknown_imports_as_traps(&module).map_err(invalid)?;
        let pre = linker.instantiate_pre(&module).map_err(invalid)?;
        tick(engine.weak())?;
        Ok(Compiled { engine, pre })
    }
}

/// Returns the time limit in ticks.
pub(crate) fn ticks(limits: &Limits) -> u64 {
    // One more than the quotient, because the tick in progress when the call begins is not a whole one.
    u64::try_from(limits.time.as_millis() / TICK.as_millis())
        .unwrap_or(u64::MAX - 1)
        .saturating_add(1)
}

fn engine(options: &Options) -> Result<Engine, ModuleError> {
    let mut config = base(options);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(&options.limits)));
    // The pool reserves address space for every slot. If that is limited, instances are allocated one by one.
    Engine::new(&config)
        .or_else(|_| Engine::new(&base(options)))
        .map_err(invalid)
}

fn base(options: &Options) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .cache(options.cache.open());
    config
}

fn pooling(limits: &Limits) -> PoolingAllocationConfig {
    let slots = u32::try_from(limits.instances.saturating_add(limits.tables)).unwrap_or(u32::MAX);
    let mut pooling = PoolingAllocationConfig::new();
    pooling
        .total_core_instances(slots)
        .total_memories(slots)
        .total_tables(slots);
    pooling
}

/// Starts the thread that advances the epoch. It holds a weak reference to the engine and ends with it.
fn tick(engine: EngineWeak) -> Result<(), ModuleError> {
    thread::Builder::new()
        .name("tokenlatch-epoch".to_owned())
        .spawn(move || {
            loop {
                thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })
        .map(drop)
        .map_err(|error| ModuleError::Invalid(format!("no thread for the time limit: {error}")))
}

fn invalid(error: wasmtime::Error) -> ModuleError {
    ModuleError::Invalid(format!("{error:#}"))
}
