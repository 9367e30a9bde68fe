use super::*;

#[test]
fn versions_are_read_as_people_write_them() {
    for (text, expected) in [
        ("1.36", Ok("1.36.0")),
        ("1.36.4", Ok("1.36.4")),
        ("v1.40.0", Ok("1.40.0")),
        ("2.0", Ok("2.0.0")),
        (
            "1.35.9",
            Err("Envoy 1.35.9 is too old: expected 1.36.0 or later"),
        ),
        (
            "1",
            Err("expected an Envoy version such as 1.39 or 1.36.4, found \"1\""),
        ),
        (
            "1.39.x",
            Err("expected an Envoy version such as 1.39 or 1.36.4, found \"1.39.x\""),
        ),
        (
            "1.2.3.4",
            Err("expected an Envoy version such as 1.39 or 1.36.4, found \"1.2.3.4\""),
        ),
    ] {
        let found: Result<EnvoyVersion, _> = text.parse();
        let found = found.map(|version| version.to_string());
        assert_eq!(
            found.map_err(|error| error.to_string()),
            expected.map(str::to_owned).map_err(str::to_owned),
            "{text}"
        );
    }
}

#[test]
fn envoy_says_which_version_it_is() {
    for (output, expected) in [
        (
            "\nenvoy  version: 3f2a/1.40.0/Clean/RELEASE/BoringSSL\n",
            Some("1.40.0"),
        ),
        (
            "envoy  version: 3f2a/1.41.0-dev/Clean/RELEASE/BoringSSL",
            Some("1.41.0"),
        ),
        ("envoy 1.40", None),
        ("", None),
    ] {
        let found = EnvoyVersion::of_output(output).map(|version| version.to_string());
        assert_eq!(found.as_deref(), expected, "{output}");
    }
}

#[test]
fn an_older_envoy_takes_the_hop() {
    for (version, expected) in [
        ("1.36.4", AttemptRouting::Hop),
        ("1.38.3", AttemptRouting::Hop),
        ("1.39.0", AttemptRouting::Direct),
        ("1.40.0", AttemptRouting::Direct),
    ] {
        let version: EnvoyVersion = version.parse().unwrap();
        assert_eq!(version.attempt_routing(), expected, "{version}");
    }
}
