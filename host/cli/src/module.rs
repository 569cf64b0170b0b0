//! `tokenlatch module`.

use std::process::ExitCode;

use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;

#[derive(Serialize)]
struct Document<'a> {
    sha256: &'a str,
    size: usize,
    version: &'a str,
    abi: u32,
    operations: usize,
}

/// Prints the module's digest, size and versions.
pub fn run(context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    let module = Context::module()?;
    let info = module.info()?;
    if context.output.wants_json() {
        context.output.json(&Document {
            sha256: module.sha256(),
            size: module.size(),
            version: &info.version,
            abi: tokenlatch::ABI_VERSION,
            operations: info.operations.len(),
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    context.output.line(format_args!("sha256      {}", module.sha256()))?;
    context
        .output
        .line(format_args!("size        {} bytes", module.size()))?;
    context.output.line(format_args!("version     {}", info.version))?;
    context
        .output
        .line(format_args!("ABI         {}", tokenlatch::ABI_VERSION))?;
    context
        .output
        .line(format_args!("operations  {}", info.operations.len()))?;
    Ok(ExitCode::SUCCESS)
}
