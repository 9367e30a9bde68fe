//! Where the system keeps its certificate authorities.

use std::path::Path;

/// Looked at in this order, after `SSL_CERT_FILE`: Debian, Red Hat (two), Alpine and macOS, SUSE.
pub const CA_FILES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

/// The first file that is there. `ssl_cert_file` is the variable of that name, the convention of OpenSSL: who sets it
/// means it, so it is not passed over when it names nothing.
pub fn find_ca_file(
    ssl_cert_file: Option<&str>,
    is_file: impl Fn(&Path) -> bool,
) -> Option<String> {
    match ssl_cert_file.filter(|path| !path.is_empty()) {
        Some(path) => is_file(Path::new(path)).then(|| path.to_owned()),
        None => CA_FILES
            .iter()
            .find(|path| is_file(Path::new(path)))
            .map(|path| (*path).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_and_is_not_passed_over() {
        let here = |path: &Path| path == Path::new("/mine.pem") || path == Path::new(CA_FILES[3]);
        let cases: [(Option<&str>, Option<&str>); 4] = [
            (None, Some(CA_FILES[3])),
            (Some(""), Some(CA_FILES[3])),
            (Some("/mine.pem"), Some("/mine.pem")),
            (Some("/gone.pem"), None),
        ];
        for (variable, expected) in cases {
            assert_eq!(
                find_ca_file(variable, here).as_deref(),
                expected,
                "{variable:?}"
            );
        }
    }
}
