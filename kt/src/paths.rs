//! Where the user's files are, by the conventions of the system.

use std::path::PathBuf;

/// Looks up environment variables; empty ones count as not set.
pub(crate) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's own environment.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Store, run directories and generated keys.
pub(crate) fn data_folder(variables: Variables) -> PathBuf {
    user_folder(variables, "XDG_DATA_HOME", ".local/share")
}

/// Keys by name, one file each. `KEEPTRUSTS_SECRETS_DIR` names the folder; without it, it is below a data folder that
/// the user chose, or else in the user's configuration folder.
pub(crate) fn secrets_folder(variables: Variables, chosen_data_folder: Option<PathBuf>) -> PathBuf {
    match (variables("KEEPTRUSTS_SECRETS_DIR"), chosen_data_folder) {
        (Some(folder), _) => PathBuf::from(folder),
        (None, Some(data)) => data.join("secrets"),
        (None, None) => user_folder(variables, "XDG_CONFIG_HOME", ".config").join("secrets"),
    }
}

fn user_folder(variables: Variables, xdg: &str, below_home: &str) -> PathBuf {
    let base = match (variables(xdg), variables("HOME")) {
        (Some(folder), _) => PathBuf::from(folder),
        (None, Some(home)) => PathBuf::from(home).join(below_home),
        // A service without a home.
        (None, None) => std::env::temp_dir(),
    };
    base.join("keeptrusts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_explicit_choice_wins() {
        let all = |name: &str| match name {
            "HOME" => Some("/home/u".to_owned()),
            "XDG_CONFIG_HOME" => Some("/conf".to_owned()),
            "KEEPTRUSTS_SECRETS_DIR" => Some("/run/secrets".to_owned()),
            _ => None,
        };
        let home = |name: &str| all(name).filter(|_| name == "HOME");
        let none = |_: &str| None;
        let chosen = || Some(PathBuf::from("/data"));
        assert_eq!(
            secrets_folder(&all, chosen()),
            PathBuf::from("/run/secrets")
        );
        assert_eq!(
            secrets_folder(&home, chosen()),
            PathBuf::from("/data/secrets")
        );
        assert_eq!(
            secrets_folder(&home, None),
            PathBuf::from("/home/u/.config/keeptrusts/secrets")
        );
        assert_eq!(
            data_folder(&all),
            PathBuf::from("/home/u/.local/share/keeptrusts")
        );
        assert_eq!(data_folder(&none), std::env::temp_dir().join("keeptrusts"));
    }
}
