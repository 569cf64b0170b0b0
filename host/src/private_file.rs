//! Small text files that hold a secret: peppers, the key of snapshots, the token that an edge presents.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

/// Some editors put it before the text of a file; it belongs to no secret.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of a file that other users can't read or write, without a byte order mark.
///
/// # Errors
/// Why it can't be used, in words that follow a colon and hold nothing of its content.
pub(crate) fn read_private(path: &Path, most: u64) -> Result<Zeroizing<String>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    check_private(&file)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(512));
    file.take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| error.kind().to_string())?;
    if bytes.len() as u64 > most {
        return Err(format!("it is longer than {most} bytes"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "it isn't UTF-8".to_owned())?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    Ok(Zeroizing::new(text.to_owned()))
}

/// Refuses a file that other users can read or write, or its group can write.
#[cfg(unix)]
fn check_private(file: &File) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let mode = file.metadata().map_err(|error| error.to_string())?.mode();
    if mode & 0o027 == 0 {
        Ok(())
    } else {
        Err(format!(
            "other users can get at it (mode {:03o}); run `chmod 600` on it",
            mode & 0o777
        ))
    }
}

/// Elsewhere the standard library does not tell who can read a file.
#[cfg(not(unix))]
fn check_private(_: &File) -> Result<(), String> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (bytes, text) in [
            (&b"\xef\xbb\xbfp1:00\n"[..], Some("p1:00\n")),
            (b"p1:00\n", Some("p1:00\n")),
            (b"", Some("")),
            (b"\xff\xfe", None),
            (b"12345678901", None),
        ] {
            std::fs::write(&path, bytes).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            let read = read_private(&path, 10);
            assert_eq!(read.ok().as_ref().map(|read| read.as_str()), text);
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read_private(&path, 64).unwrap_err().contains("chmod 600"));
    }
}
