use std::time::Duration;

use ureq::Timeout;
use ureq::unversioned::transport::time;

use super::*;

#[test]
fn metadata_services_are_refused_however_they_are_written() {
    for url in [
        "http://169.254.169.254/latest/meta-data/",
        "http://169.254.170.2/",
        "http://169.254.0.1:8080/",
        "https://[fd00:ec2::254]/",
        "http://[fd20:ce::254]/",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[::169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://METADATA.google.INTERNAL./",
        "http://metadata/",
        "http://100.100.100.200/",
        "http://168.63.129.16/machine",
        "http://user:secret@169.254.169.254/",
    ] {
        assert_eq!(parse(url), Err(InvalidDestination::Metadata), "{url}");
    }
    for url in [
        "https://hooks.example.com/services/T0/B0",
        "http://127.0.0.1:9093/",
        "http://10.0.0.7/hook?a=b",
        "https://[2001:db8::1]:8443/",
        "http://metadata.example.com/",
    ] {
        assert!(parse(url).is_ok(), "{url}");
    }
    for url in [
        "",
        "ftp://h/",
        "http://",
        "/path",
        "https:///x",
        "http://a b/",
    ] {
        assert_eq!(parse(url), Err(InvalidDestination::NotHttp), "{url}");
    }
}

#[test]
fn what_a_name_resolves_to_counts() {
    // Numbers that systems take for addresses stand for names here: no name server is asked.
    let resolve = |url: &str| {
        let uri: Uri = url.parse().unwrap();
        let after = time::Duration::Exact(Duration::from_secs(5));
        let timeout = NextTimeout {
            after,
            reason: Timeout::Global,
            per_read: None,
            per_write: None,
        };
        GuardedResolver::default().resolve(&uri, &Config::default(), timeout)
    };
    for url in [
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://169.254.43518/",
    ] {
        assert!(parse(url).is_ok(), "{url}: not yet known what it is");
        let error = resolve(url).unwrap_err();
        assert!(
            shown_error(&error).contains("no metadata service"),
            "{url}: {error}"
        );
        assert!(check_behind_proxy(&url.parse().unwrap()).is_err(), "{url}");
    }
    assert!(resolve("http://127.0.0.1:1/").is_ok());
    assert!(check_behind_proxy(&"http://127.0.0.1:1/".parse().unwrap()).is_ok());
}

#[test]
fn no_secret_of_a_url_is_shown() {
    let uri =
        parse("https://user:pass@hooks.example.com:8443/services/T0/secret?token=secret").unwrap();
    assert_eq!(shown(&uri), "https://hooks.example.com:8443");
    let error = ureq::Error::BadUri("https://user:pass@h/secret".to_owned());
    let text = shown_error(&error);
    assert!(!text.contains("pass") && !text.contains("secret"), "{text}");
}
