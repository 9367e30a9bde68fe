//! Reads the catalogue's files, checks them, and writes them as constants.
//!
//! `KEEPTRUSTS_EXTRA_PROVIDERS` may name a further folder of provider files.

#![allow(unreachable_pub)] // The library's modules below are public there.
#![allow(clippy::disallowed_methods)] // It reads files and is told by the environment where: it runs at build time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

// The library's own definitions, so that what a file may say and what the tables hold are one.
#[macro_use]
#[path = "src/words.rs"]
#[allow(dead_code)]
mod words;
#[macro_use]
#[path = "src/dialect.rs"]
#[allow(dead_code)]
mod dialect;
#[path = "src/endpoint.rs"]
#[allow(dead_code)]
mod endpoint;
#[path = "src/error_rule.rs"]
#[allow(dead_code)]
mod error_rule;
#[path = "src/fields.rs"]
#[allow(dead_code)]
mod fields;
#[path = "src/upstream.rs"]
#[allow(dead_code)]
mod upstream;

#[path = "build/emit.rs"]
mod emit;
#[path = "build/error_rows.rs"]
mod error_rows;
#[path = "build/models_file.rs"]
mod models_file;
#[path = "build/provider_file.rs"]
mod provider_file;
#[path = "build/source.rs"]
mod source;

use error_rows::ErrorsFile;
use models_file::ModelsFile;
use provider_file::ProviderFile;

/// What stops the build: which file, and why.
type Problem = String;

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    for path in [
        "build.rs",
        "build",
        "errors.toml",
        "models.toml",
        "providers",
        "src",
    ] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=KEEPTRUSTS_EXTRA_PROVIDERS");
    match generate(&root) {
        Ok(tables) => {
            let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
            if let Err(error) = fs::write(out.join("tables.rs"), tables) {
                println!("cargo::error=cannot write the catalogue's tables: {error}");
            }
        }
        Err(problems) => {
            for problem in problems {
                println!("cargo::error={}", problem.replace('\n', " "));
            }
        }
    }
}

fn generate(root: &Path) -> Result<String, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut folders = vec![root.join("providers")];
    folders.extend(env::var_os("KEEPTRUSTS_EXTRA_PROVIDERS").map(PathBuf::from));
    let mut providers: BTreeMap<String, ProviderFile> = BTreeMap::new();
    for file in folders.iter().flat_map(|folder| toml_files(folder)) {
        println!("cargo::rerun-if-changed={}", file.display());
        match read::<ProviderFile>(&file).and_then(|provider| provider.checked(&file)) {
            Ok(provider) => {
                providers.insert(provider.name.clone(), provider);
            }
            Err(problem) => problems.push(problem),
        }
    }
    let models = read::<ModelsFile>(&root.join("models.toml"));
    let names: BTreeSet<&str> = providers.keys().map(String::as_str).collect();
    problems.extend(provider_file::conflicts(&providers));
    let models = models.and_then(|models| models.checked(&names));
    let errors = read::<ErrorsFile>(&root.join("errors.toml")).and_then(ErrorsFile::checked);
    match (models, errors) {
        (Ok(models), Ok(errors)) if problems.is_empty() => {
            emit::tables(&providers, &models, &errors).map_err(|problem| vec![problem])
        }
        (models, errors) => {
            problems.extend(models.err());
            problems.extend(errors.err());
            Err(problems)
        }
    }
}

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    files
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Problem> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    toml::from_str(&text).map_err(|error| format!("{name}: {error}"))
}
