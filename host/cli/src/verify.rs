//! `tokenlatch token verify`.

use std::io;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use tokenlatch::core::{Api, Call};

use crate::context::Context;
use crate::failure::Failure;
use crate::header_lines::next_header;
use crate::realm::RealmArg;

/// The end of the help text.
pub const HELP: &str = "\
Each line is the value of one `Authorization` header: `cpanel USER:TOKEN`, `whm USER:TOKEN` or `Bearer TOKEN`. Tokens are \
read from standard input only, so they don't end up in the shell's history or in the list of processes.

Without `--function` and `--feature`, only full tokens that may write are admitted.

Examples:
  echo 'cpanel alice:TOKEN' |
    tokenlatch token verify --module Email --function list_pops
  tokenlatch token verify --feature popaccts --reads \\
    --address 192.0.2.7 < headers.txt";

/// The options of a verification.
#[derive(Args)]
pub struct Verify {
    /// Module of the called function, such as `Email`
    #[arg(long, requires = "function", conflicts_with_all = ["feature", "writes", "reads"])]
    module: Option<String>,
    /// Called function, such as `list_pops`
    #[arg(long, requires = "module")]
    function: Option<String>,
    /// Feature that is used, instead of a function
    #[arg(long)]
    feature: Option<String>,
    /// The call writes (the default)
    #[arg(long, conflicts_with = "reads")]
    writes: bool,
    /// The call only reads
    #[arg(long)]
    reads: bool,
    /// API of the call
    #[arg(long, value_enum)]
    api: Option<ApiArg>,
    /// Address that the request comes from
    #[arg(long)]
    address: Option<String>,
    /// Port that received the request
    #[arg(long, value_enum)]
    realm: Option<RealmArg>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ApiArg {
    Uapi,
    Api2,
    Api1,
    Whm,
}

impl From<ApiArg> for Api {
    fn from(api: ApiArg) -> Api {
        match api {
            ApiArg::Uapi => Api::Uapi,
            ApiArg::Api2 => Api::Api2,
            ApiArg::Api1 => Api::Api1,
            ApiArg::Whm => Api::Whm,
        }
    }
}

impl Verify {
    /// Verifies each line. The exit code reports whether all were admitted.
    pub async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let service = context.open().await?;
        let call = self.call();
        let (mut lines, mut admitted) = (0_u64, 0_u64);
        let mut input = io::stdin().lock();
        while let Some(header) = next_header(&mut input)? {
            let verdict = service.verify(&header, &call).await?;
            lines += 1;
            admitted += u64::from(verdict.allowed);
            context.output.json(&verdict)?;
        }
        if lines == 0 {
            context
                .output
                .remark("Nothing to verify: give `Authorization` values on standard input, one per line.");
        } else {
            context.output.remark(format_args!("{admitted} of {lines} admitted"));
        }
        Ok(if lines > 0 && admitted == lines {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn call(&self) -> Call {
        Call {
            api: self.api.map(Api::from),
            module: self.module.clone(),
            function: self.function.clone(),
            feature: self.feature.clone(),
            writes: match (self.writes, self.reads) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            },
            address: self.address.clone(),
            realm: self.realm.map(Into::into),
            ..Call::default()
        }
    }
}
