//! Runs the program `tokenlatch` beside this one.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Runs `tokenlatch NAME` with this program's arguments. On Unix it returns only if that failed.
pub fn run(name: &str) -> ExitCode {
    let program = match beside() {
        Ok(program) => program,
        Err(error) => return failed(name, &format!("cannot find this program's folder: {error}")),
    };
    if !program.is_file() {
        return failed(
            name,
            &format!(
                "there is no `{}`; install `tokenlatch` into the same folder",
                program.display()
            ),
        );
    }
    become_(Command::new(&program).arg(name).args(env::args_os().skip(1)))
        .unwrap_or_else(|error| failed(name, &format!("cannot run `{}`: {error}", program.display())))
}

/// Returns the path of the program. A symbolic link to this program is resolved first.
fn beside() -> io::Result<PathBuf> {
    let own = env::current_exe()?;
    let own = own.canonicalize().unwrap_or(own);
    let folder = own.parent().unwrap_or(Path::new("."));
    Ok(folder.join(format!("tokenlatch{}", env::consts::EXE_SUFFIX)))
}

#[cfg(unix)]
fn become_(command: &mut Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    // Returns only on failure.
    Err(command.exec())
}

#[cfg(not(unix))]
fn become_(command: &mut Command) -> io::Result<ExitCode> {
    let code = command.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn failed(name: &str, message: &str) -> ExitCode {
    eprintln!("{name}: {message}");
    // The shell's exit code for a command that cannot be found.
    ExitCode::from(127)
}
