//! What a gateway needs of the machine before it starts: a free port, places for its files.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use envoy::Admin;

use super::access_log::AccessLog;
use crate::commands::Failure;

const ADMIN_SOCKET: &str = "admin.sock";
/// Unix sockets have no longer names (macOS 103, Linux 107).
const LONGEST_SOCKET_PATH: usize = 103;

/// Envoy shares ports with other Envoys, so it would not notice that somebody else already has this one.
pub(crate) fn check_port(listen: SocketAddr) -> Result<(), Failure> {
    match TcpListener::bind(listen) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(format!(
            "cannot listen on {listen}: the port is taken (choose another with --port or --listen)"
        )
        .into()),
        Err(error) => Err(format!("cannot listen on {listen}: {error}").into()),
    }
}

/// Below the data folder, unless that makes the name of the admin socket too long.
pub(crate) fn run_root(data_folder: &Path) -> PathBuf {
    let root = data_folder.join("run");
    let longest = root.join("4294967295-0").join(ADMIN_SOCKET);
    if longest.as_os_str().len() <= LONGEST_SOCKET_PATH {
        return root;
    }
    std::env::temp_dir().join(format!("keeptrusts-{}", rustix::process::getuid().as_raw()))
}

/// The admin cluster needs the real port, so port 0 is resolved here and not by Envoy.
pub(crate) fn admin_address(listen: Option<SocketAddr>, directory: &Path) -> io::Result<Admin> {
    Ok(match listen {
        None => Admin::Socket(directory.join(ADMIN_SOCKET).to_string_lossy().into_owned()),
        Some(address) if address.port() == 0 => {
            Admin::Loopback(TcpListener::bind(address)?.local_addr()?)
        }
        Some(address) => Admin::Loopback(address),
    })
}

pub(crate) fn access_log(chosen: Option<&str>, data_folder: &Path) -> AccessLog {
    match chosen {
        None => AccessLog::File(data_folder.join("access.log")),
        Some("off") => AccessLog::Off,
        Some("-") => AccessLog::Stdout,
        Some(path) => AccessLog::File(PathBuf::from(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_noticed_though_envoy_would_share_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = check_port(address).unwrap_err().to_string();
        assert!(error.contains("the port is taken"), "{error}");
        drop(taken);
        check_port(address).unwrap();
    }

    #[test]
    fn the_admin_socket_has_a_name_that_the_system_takes() {
        assert_eq!(run_root(Path::new("/data")), PathBuf::from("/data/run"));
        let deep = PathBuf::from("/").join("d".repeat(90));
        assert!(run_root(&deep).starts_with(std::env::temp_dir()));
    }
}
