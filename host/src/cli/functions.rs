//! The functions of the compatible interfaces over the database.

use zeroize::Zeroizing;

use super::context::Context;
use super::failure::Failure;

/// A function that only a server has.
pub fn not_ours(name: &str) -> Failure {
    Failure::Own {
        code: "function_unknown",
        message: format!(
            "`{}` isn't a function of the database; `--url` asks a server that has it",
            name.escape_debug()
        ),
        exit: 1,
    }
}

/// A function of UAPI's `Tokens`.
pub async fn uapi(
    _context: &mut Context<'_>,
    _user: &str,
    function: &str,
    _parameters: Vec<(String, String)>,
) -> Result<Zeroizing<String>, Failure> {
    Err(not_ours(function))
}

/// A function of WHM API 1.
pub async fn whm(
    _context: &mut Context<'_>,
    _user: &str,
    function: &str,
    _parameters: Vec<(String, String)>,
) -> Result<Zeroizing<String>, Failure> {
    Err(not_ours(function))
}
