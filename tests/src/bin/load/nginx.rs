//! nginx with a static password file. It logs each request, as the service does.

use std::fs;
use std::net::SocketAddr;

use tokenlatch_tests::Fault;
use tokenlatch_tests::service::{Background, Place, free_address, require};

/// Starts nginx, if it is installed.
///
/// # Errors
/// nginx does not start.
pub fn start(place: &Place) -> Result<Option<(Background, SocketAddr)>, Fault> {
    let Some(program) = require("nginx")? else {
        return Ok(None);
    };
    let listen = free_address()?;
    let (users, log, pid) = (place.file("users"), place.file("access.log"), place.file("nginx.pid"));
    fs::write(&users, "load:{PLAIN}password\n").map_err(Fault::during("the file of passwords"))?;
    // The workers may run as another user, who must be able to read the file.
    let (users, log, pid) = (users.display(), log.display(), pid.display());
    let text = format!(
        "user root;\nworker_processes auto;\ndaemon off;\npid {pid};\nerror_log stderr crit;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n  access_log {log};\n  keepalive_requests 100000000;\n  server {{\n    listen {listen};\n    \
         location / {{ auth_basic load; auth_basic_user_file {users}; empty_gif; }}\n  }}\n}}\n"
    );
    let file = place.file("nginx.conf");
    fs::write(&file, text).map_err(Fault::during("nginx's configuration"))?;
    fs::create_dir_all(place.file("logs")).map_err(Fault::during("nginx's folder"))?;
    let mut command = place.command(program)?;
    command.arg("-p").arg(place.folder()).arg("-c").arg(&file);
    let process = Background::start(command, &place.file("nginx.log"), listen)?.leading();
    Ok(Some((process, listen)))
}
