//! Are Envoy and the filter module there, and of the right kind?

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use super::report::Finding;
use crate::find;
use crate::paths::variable;

/// The first version whose retries may go to another cluster.
const OLDEST: (u32, u32) = (1, 39);
/// What every wasm module begins with.
const MAGIC: [u8; 4] = *b"\0asm";

/// Envoy's binary.
pub(crate) fn envoy() -> Finding {
    const CHECK: &str = "envoy";
    let binary = match find::envoy(&variable, std::env::current_exe().ok().as_deref()) {
        Ok(binary) => binary,
        Err(error) => return Finding::failed(CHECK, error.to_string()),
    };
    let place = binary.display();
    let said = match Command::new(&binary).arg("--version").output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(error) => return Finding::failed(CHECK, format!("cannot run {place}: {error}")),
    };
    match version(&said) {
        Some((text, found)) if found >= OLDEST => Finding::ok(CHECK, format!("{text}, {place}")),
        Some((text, _)) => Finding::failed(
            CHECK,
            format!(
                "{place} is {text}; {}.{} or later is needed",
                OLDEST.0, OLDEST.1
            ),
        ),
        None => Finding::failed(
            CHECK,
            format!("{place} does not say a version: is it Envoy?"),
        ),
    }
}

/// The wasm module.
pub(crate) fn module(named: Option<&Path>) -> Finding {
    const CHECK: &str = "filter module";
    let file = match find::module(named, std::env::current_exe().ok().as_deref()) {
        Ok(file) => file,
        Err(error) => return Finding::failed(CHECK, error.to_string()),
    };
    let mut begin = [0; 4];
    match File::open(&file).and_then(|mut file| file.read_exact(&mut begin)) {
        Ok(()) if begin == MAGIC => Finding::ok(CHECK, file.display().to_string()),
        Ok(()) => Finding::failed(CHECK, format!("{} is no wasm module", file.display())),
        Err(error) => Finding::failed(CHECK, format!("cannot read {}: {error}", file.display())),
    }
}

/// From `envoy  version: COMMIT/1.40.0/Clean/RELEASE/BoringSSL`.
fn version(said: &str) -> Option<(String, (u32, u32))> {
    let text = said.split("version:").nth(1)?.split('/').nth(1)?;
    let mut numbers = text.split('.').map_while(|part| part.parse().ok());
    Some((text.to_owned(), (numbers.next()?, numbers.next()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_envoy_says() {
        let said = "\n/e/envoy  version: 3ff2/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(version(said), Some(("1.40.0".to_owned(), (1, 40))));
        let dev = "envoy  version: 0/1.41.0-dev/Modified/DEBUG/BoringSSL";
        assert_eq!(version(dev).map(|(_, numbers)| numbers), Some((1, 41)));
        assert_eq!(version("GNU bash, version 5.2"), None);
        assert_eq!(version(""), None);
    }
}
