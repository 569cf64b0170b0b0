//! `tokenlatch whmapi1`: the administrator's functions, WHM API 1, on the command line. RULES.md, 5.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use tokenlatch::core::Shape;
use zeroize::Zeroizing;

use crate::arguments::Arguments;
use crate::context::Context;
use crate::failure::Failure;
use crate::functions;
use crate::remote::{Remote, ServerRequest, segment, unreadable};
use crate::render::Form;
use crate::uapi::print;

const HELP: &str = "\
Arguments are key=value, with the value URL-encoded: %20 for a space, %25 for a percent sign; a + stays a +. key=@FILE reads \
the value from a file, without its last line end; write %40 for a value that begins with @. With `--input=json` the parameters \
are one JSON object on standard input, to which key=value arguments are added. Give the token of \
`api_token_get_details` as token=@FILE: other users of the machine can see arguments.

Without `--url` the functions work on the database. With `--url` they go to that server, with a token from \
TOKENLATCH_TOKEN, `--token-file` or \
`--header-file`.

The reply is always printed. If the function cannot be called, its result is 0 and its errors say why.

Exit codes: 0 if the function answered, even if it failed (see the reply's result); 1 if it could not be called; 2 for an \
invalid command line; 3 to 5 as for other commands.

Examples:
  tokenlatch whmapi1 --user=admin api_token_create \\
    token_name=deploy acl-0=list-accts acl-1=create-acct
  tokenlatch whmapi1 --user=admin --output=jsonpretty api_token_list
  tokenlatch whmapi1 --user=admin api_token_revoke \\
    token_name-0=deploy token_name-1=old
  tokenlatch whmapi1 --url https://host:2087 --header-file ./admin.header \\
    api_token_list";

/// Call a function of WHM API 1, as scripts do.
#[derive(Args)]
#[command(after_help = HELP)]
pub struct Whmapi1 {
    /// Account whose tokens are managed
    #[arg(long, value_name = "NAME", default_value = "root", hide_default_value = true)]
    #[arg(help = "The account whose tokens these are; root by default")]
    user: String,
    /// Output format; YAML by default
    #[arg(long, value_enum, value_name = "FORM")]
    output: Option<Form>,
    #[command(flatten)]
    remote: Remote,
    /// Function, such as api_token_list
    function: String,
    #[command(flatten)]
    arguments: Arguments,
}

impl Whmapi1 {
    /// Runs the command.
    pub async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let reply = match self.reply(context).await {
            Ok(reply) => reply,
            Err(failure) => {
                if let Some(reply) = functions::failed(context, Shape::Whm, &self.function, &failure) {
                    print(context, &reply, self.output)?;
                }
                return Err(failure);
            }
        };
        print(context, &reply, self.output)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn reply(&self, context: &mut Context<'_>) -> Result<Zeroizing<String>, Failure> {
        let parameters = self.arguments.read()?;
        match &self.remote.url {
            Some(_) => {
                let user = || Ok(self.user.clone());
                let module = Context::module()?;
                let authorization = self.remote.authorization(&module, "whm", None, user)?;
                let path = format!("/json-api/{}?api.version=1", segment(&self.function));
                let question = ServerRequest {
                    path: &path,
                    parameters: &parameters,
                };
                let reply = self.remote.ask(&authorization, &question)?;
                match serde_json::from_str::<Value>(&reply) {
                    Ok(Value::Object(_)) => Ok(reply),
                    _ => Err(unreadable()),
                }
            }
            None => functions::whm(context, &self.user, &self.function, parameters.values).await,
        }
    }
}
