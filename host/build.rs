//! Builds the module and sets the variables through which the crate finds it.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let built = tokenlatch_build::build(&tokenlatch_build::Options::default())?;
    built.print_cargo_directives();
    println!("cargo:rustc-env=TOKENLATCH_MODULE={}", built.wasm.display());
    Ok(())
}
