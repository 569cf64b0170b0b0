//! Measures nginx and Caddy with their shipped configurations, each with and without the check.

use tokenlatch_tests::Fault;
use tokenlatch_tests::service::{Background, Place, Proxy, ProxyKind, Server, Stock, free_address};

use crate::Options;
use crate::report;
use crate::target::{self, Target};
use crate::wrk::{Aim, Wrk};

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
    let (good, bad) = (place.file("tokens"), place.file("strangers"));
    stock.write(&good)?;
    stock.fill(place.database())?;
    // Well-formed tokens of the same accounts that are in no database.
    Stock::make(options.accounts, options.token_count().min(1000))?.write(&bad)?;
    drop(stock);
    let server = Server::start(&place, &["--trusted-proxy", "127.0.0.1/32"])?;

    let api = free_address()?;
    let mut command = place.command(std::env::current_exe().map_err(Fault::during("this program"))?)?;
    command.args(["api", &api.to_string()]);
    let _api = Background::start(command, &place.file("api.log"), api)?;

    let mut proxies = Vec::new();
    let mut targets = Vec::new();
    for kind in [ProxyKind::Nginx, ProxyKind::Caddy] {
        let (open, guarded) = (
            Proxy::start_open(kind, &place, api)?,
            Proxy::start(kind, &place, server.account, api)?,
        );
        let (Some(open), Some(guarded)) = (open, guarded) else {
            continue;
        };
        let name = kind.program();
        let call = |proxy: &Proxy, lines| Aim::tokens(proxy.address, lines).at("/execute/Email/list_pops");
        targets.push(Target::first(
            format!("{name} without the check (a)"),
            call(&open, &good),
        ));
        targets.push(Target::new(format!("{name}, admitted"), call(&guarded, &good)));
        targets.push(Target::new(
            format!("{name}, refused (401)"),
            call(&guarded, &bad).refused(),
        ));
        proxies.extend([open, guarded]);
    }
    target::measure(&mut targets, &wrk, options.wrk_rounds())?;
    report::print(&target::rows(&targets), options.json)
}
