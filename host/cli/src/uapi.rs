//! `tokenlatch uapi`: the functions of UAPI on the command line. RULES.md, 3.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use tokenlatch::core::Shape;
use zeroize::Zeroizing;

use crate::acting_user;
use crate::arguments::{Arguments, Parameters};
use crate::context::Context;
use crate::failure::Failure;
use crate::functions;
use crate::remote::{Remote, ServerRequest, segment, unreadable};
use crate::render::{Form, render};

const HELP: &str = "\
Arguments are key=value, with the value URL-encoded: %20 for a space, %25 for a percent sign; a + stays a +. key=@FILE reads \
the value from a file, without its last line end; write %40 for a value that begins with @. With `--input=json` the parameters \
are one JSON object on standard input, to which key=value arguments are added.

Without `--url` the functions of `Tokens` work on the database, as the account: anyone who may open the database may act for \
any account in it. With `--url` every function goes to that server, with a token from TOKENLATCH_TOKEN, `--token-file` or \
`--header-file`.

The reply is always printed. If the function cannot be called, its status is 0 and its errors say why.

Exit codes: 0 if the function answered, even if it failed (see the reply's status); 1 if it could not be called; 2 for an \
invalid command line; 3 to 5 as for other commands.

Examples:
  tokenlatch uapi --user=alice Tokens create_full_access name=mytoken
  tokenlatch uapi --user=alice Tokens create_full_access name=day \\
    expires_at=$(date +%s -d '+24 hours')
  tokenlatch uapi --user=alice Tokens create_limited name=mail \\
    features=popaccts readonly=1
  tokenlatch uapi --user=alice Tokens rename name=day new_name=daily
  tokenlatch uapi --user=alice Tokens list --output=json
  echo '{\"name\":\"ci\",\"readonly\":1}' | \\
    tokenlatch uapi --user=alice --input=json Tokens create_full_access
  tokenlatch uapi --url https://host:2083 --header-file ./account.header \\
    Email list_pops";

/// Call a function of UAPI, as scripts do.
#[derive(Args)]
#[command(after_help = HELP)]
pub struct Uapi {
    /// Account; yours by default; root must name one, also with `--url` and a token without its user
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Output format; YAML by default
    #[arg(long, value_enum, value_name = "FORM")]
    output: Option<Form>,
    #[command(flatten)]
    remote: Remote,
    /// Module, such as Tokens
    #[arg(value_name = "MODULE")]
    of: String,
    /// Function, such as list
    function: String,
    #[command(flatten)]
    arguments: Arguments,
}

impl Uapi {
    /// Runs the command.
    pub async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let reply = match self.reply(context).await {
            Ok(reply) => reply,
            Err(failure) => {
                // Many scripts read only the reply, so it reports the failure too.
                if let Some(flat) = functions::failed(context, Shape::Uapi, &self.function, &failure) {
                    print(context, &self.nested(&flat), self.output)?;
                }
                return Err(failure);
            }
        };
        // The reply contains the result. Clients read it only if the exit code is 0.
        print(context, &reply, self.output)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn reply(&self, context: &mut Context<'_>) -> Result<Zeroizing<String>, Failure> {
        let parameters = self.arguments.read()?;
        if self.remote.url.is_some() {
            return self.ask(&parameters);
        }
        if self.of != "Tokens" {
            return Err(functions::not_ours(&format!("{} {}", self.of, self.function)));
        }
        let user = acting_user::account(self.user.as_deref())?;
        functions::uapi(context, &user, &self.function, parameters.values).await
    }

    fn ask(&self, parameters: &Parameters) -> Result<Zeroizing<String>, Failure> {
        let user = || acting_user::owner(self.user.as_deref());
        let authorization = self
            .remote
            .authorization(&Context::module()?, "cpanel", self.user.as_deref(), user)?;
        let path = format!("/execute/{}/{}", segment(&self.of), segment(&self.function));
        let flat = self.remote.ask(
            &authorization,
            &ServerRequest {
                path: &path,
                parameters,
            },
        )?;
        match serde_json::from_str::<Value>(&flat) {
            Ok(Value::Object(reply)) if reply.contains_key("status") => {}
            _ => return Err(unreadable()),
        }
        Ok(self.nested(&flat))
    }

    /// Converts a server's flat reply to the command line's form, which has the call around it.
    fn nested(&self, flat: &str) -> Zeroizing<String> {
        let (function, module) = (Value::from(self.function.as_str()), Value::from(self.of.as_str()));
        let result = flat.trim();
        Zeroizing::new(format!(
            r#"{{"apiversion":3,"func":{function},"module":{module},"result":{result}}}"#
        ))
    }
}

/// Prints a reply in the requested format.
pub fn print(context: &mut Context<'_>, reply: &str, form: Option<Form>) -> Result<(), Failure> {
    let form = form.unwrap_or(match context.output.wants_json() {
        true => Form::Json,
        false => Form::Yaml,
    });
    let text = render(reply, form)?;
    context.output.line(text.as_str())
}
