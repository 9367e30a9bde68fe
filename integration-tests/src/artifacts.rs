//! Where the built parts are.

use std::path::{Path, PathBuf};

/// Root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// A binary of this workspace, built beside the test that asks: `target/<profile>/<name>`. `KT_BIN` overrides `kt`.
///
/// # Panics
/// It is not there; the message says how to build it.
pub fn tool(name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(format!("{}_BIN", name.to_uppercase())) {
        return PathBuf::from(path);
    }
    let test = std::env::current_exe().unwrap_or_default();
    let beside = test
        .ancestors()
        .skip(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    let Some(path) = beside else {
        panic!(
            "`{name}` is not built: run `cargo build --workspace` first, or `make test`, which does"
        );
    };
    path
}
