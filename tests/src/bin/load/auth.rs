//! Measures `/auth`, the same server with an empty handler, and nginx with a password file.

use tokenlatch_tests::Fault;
use tokenlatch_tests::service::{Background, Place, Postgres, Server, Stock, free_address};

use crate::Options;
use crate::target::{self, Target};
use crate::wrk::{Aim, Wrk};
use crate::{nginx, report};

/// Measures, and prints the results.
///
/// # Errors
/// A program does not start, or a request has an unexpected answer.
pub fn measure(options: &Options) -> Result<(), Fault> {
    let place = Place::new()?;
    let Some(wrk) = Wrk::find(&place, options.seconds, options.wrk_connections())? else {
        return Ok(());
    };
    eprintln!("making {} tokens", options.token_count());
    let stock = Stock::make(options.accounts, options.token_count())?;
    let lines = place.file("tokens");
    stock.write(&lines)?;

    stock.fill(place.database())?;
    let sqlite = Server::start(&place, &[])?;
    let postgres = Postgres::start()?;
    let elsewhere = match &postgres {
        Some(postgres) => {
            stock.fill(&postgres.url())?;
            let place = Place::over(&postgres.url())?;
            Some((Server::start(&place, &[])?, place))
        }
        None => None,
    };
    drop(stock);
    let (nothing, listen) = (Place::new()?, free_address()?);
    let mut command = nothing.command(std::env::current_exe().map_err(Fault::during("this program"))?)?;
    command.args(["empty", nothing.database(), &listen.to_string()]);
    let _empty = Background::start(command, &nothing.file("log"), listen)?;
    let nginx = nginx::start(&nothing)?;

    let tokens = |address| Aim::tokens(address, &lines);
    let mut targets = vec![Target::first("the same edge, an empty handler (a)", tokens(listen))];
    targets.push(Target::new("/auth on SQLite", tokens(sqlite.account)));
    if let Some((server, _)) = &elsewhere {
        targets.push(Target::new("/auth on PostgreSQL", tokens(server.account)));
    }
    if let Some((_, address)) = &nginx {
        targets.push(Target::new(
            "nginx, auth_basic from a file (b)",
            Aim::password(*address),
        ));
    }
    target::measure(&mut targets, &wrk, options.wrk_rounds())?;
    report::print(&target::rows(&targets), options.json)
}
