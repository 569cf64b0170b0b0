//! `tokenlatch whmapi1`: the administrator's functions, WHM API 1, on the command line. RULES.md, 5.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use tokenlatch::core::Shape;
use zeroize::Zeroizing;

use crate::arguments::Given;
use crate::context::Context;
use crate::failure::Failure;
use crate::functions;
use crate::remote::{Question, Remote, segment, unreadable};
use crate::render::Form;
use crate::uapi::print;

const HELP: &str = "\
Arguments are written key=value. Write a value URI-escaped: %20 for a space, %25 for a percent sign; a + stays a +.
key=@FILE takes the file as it is, but for one line end at its end; write %40 for a value that begins with @.
Give a token to `api_token_get_details` so, as token=@FILE: other people on the machine can see arguments.

Without --url the functions work on the database. With --url they go to that server, with a token from TOKENLATCH_TOKEN,
--token-file or --header-file. The reply is printed whether the function succeeded or not, and where it could not be
called: its result is 0 then.

With --input=json the parameters are one JSON object on standard input, to which KEY=VALUE may add.

Exit codes: 0 when the function has answered, whether it succeeded or not: the reply's result says which; 1 when it could
not be called; 2 when the command line is wrong; 3 to 5 as with other commands.

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
    given: Given,
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
        let parameters = self.given.read()?;
        match &self.remote.url {
            Some(_) => {
                let user = || Ok(self.user.clone());
                let module = Context::module()?;
                let authorization = self.remote.authorization(&module, "whm", None, user)?;
                let path = format!("/json-api/{}?api.version=1", segment(&self.function));
                let question = Question {
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
