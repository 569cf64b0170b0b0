//! Verifies a token with the embedded module.

use tokenlatch::core::{Authorization, Call, VerifyRequest};

fn main() -> tokenlatch::Result<()> {
    let module = tokenlatch::Module::embedded()?;
    let verdict = module.verify(&VerifyRequest {
        now: 1_800_000_000,
        authorization: Authorization::from("cpanel alice:ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"),
        record: None, // what your store holds under one of the hashes that `module.identify` gives
        account: None,
        call: Some(Call::default()),
        peppers: Vec::new(),
        catalogue: None,
    })?;
    println!("{} because of {}", verdict.status, verdict.reason.as_str());
    Ok(())
}
