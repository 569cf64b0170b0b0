//! Builds the module and tells the crate where it is.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let built = tokenlatch_build::build(&tokenlatch_build::Options::default())?;
    built.print_cargo_directives();
    println!("cargo:rustc-env=TOKENLATCH_MODULE={}", built.wasm.display());
    Ok(())
}
