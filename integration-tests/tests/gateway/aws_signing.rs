//! Bedrock with AWS's own credentials: Envoy signs what the filter has written.
//!
//! Source of the signature: "Signature Version 4 signing process" of the AWS general reference.

use std::fmt::Write as _;

use harness::{Behaviour, Dialect, Gateway, GatewayOptions, PolicyText, Provider, Received};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::json;
use sha2::{Digest as _, Sha256};

const KEY_ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SESSION: &str = "session-token";
const REGION: &str = "eu-west-1";
/// With a colon, which a path shows escaped and a signature escaped once more.
const MODEL: &str = "anthropic.claude-3-5-sonnet-20240620-v1:0";

/// What is signed of a request.
struct Signed<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    /// In the order of their names.
    headers: Vec<(&'a str, &'a str)>,
    body: &'a [u8],
}

impl Signed<'_> {
    /// The signature with `secret` at `time` (`20150830T123600Z`) for a scope such as `20150830/us-east-1/iam/aws4_request`.
    fn signature(&self, secret: &str, time: &str, scope: &str) -> String {
        let mut canonical = format!("{}\n{}\n{}\n", self.method, escaped(self.path), self.query);
        for (name, value) in &self.headers {
            writeln!(canonical, "{name}:{}", value.trim()).unwrap();
        }
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        write!(
            canonical,
            "\n{}\n{}",
            names.join(";"),
            hex(&Sha256::digest(self.body))
        )
        .unwrap();
        let digest = hex(&Sha256::digest(canonical));
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
        let key = scope
            .split('/')
            .fold(format!("AWS4{secret}").into_bytes(), |key, part| {
                mac(&key, part)
            });
        hex(&mac(&key, &to_sign))
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `path` as it was sent, with what is not unreserved escaped (once more).
fn escaped(path: &str) -> String {
    path.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").unwrap(),
        }
        out
    })
}

/// The example of AWS's reference.
#[test]
fn the_signature_of_awss_example() {
    let request = Signed {
        method: "GET",
        path: "/",
        query: "Action=ListUsers&Version=2010-05-08",
        headers: vec![
            (
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            ),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
        ],
        body: b"",
    };
    assert_eq!(
        request.signature(
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "20150830T123600Z",
            "20150830/us-east-1/iam/aws4_request"
        ),
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
}

/// The request is signed, by nobody else, as it is.
fn assert_signed(received: &Received) {
    let authorization = received.header("authorization").unwrap();
    let parts = authorization.strip_prefix("AWS4-HMAC-SHA256 ").unwrap();
    let part = |name: &str| {
        let mut parts = parts.split(", ");
        parts
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
            .unwrap_or_else(|| panic!("{name} in {authorization}"))
    };
    let time = received.header("x-amz-date").unwrap();
    let scope = format!("{}/{REGION}/bedrock/aws4_request", &time[..8]);
    assert_eq!(part("Credential"), format!("{KEY_ID}/{scope}"));
    let names: Vec<&str> = part("SignedHeaders").split(';').collect();
    for name in ["host", "x-amz-date", "x-amz-security-token"] {
        assert!(names.contains(&name), "{name} is not signed: {names:?}");
    }
    let headers = names
        .iter()
        .map(|name| (*name, received.header(name).unwrap()));
    let (path, query) = received
        .path
        .split_once('?')
        .unwrap_or((&received.path, ""));
    let signed = Signed {
        method: &received.method,
        path,
        query,
        headers: headers.collect(),
        body: &received.body,
    };
    assert_eq!(part("Signature"), signed.signature(SECRET, time, &scope));
    assert_eq!(received.header("x-amz-security-token"), Some(SESSION));
    let authorizations = received
        .headers
        .iter()
        .filter(|(name, _)| name == "authorization");
    assert_eq!(authorizations.count(), 1);
}

#[tokio::test]
async fn bedrock_gets_a_signature_over_the_translated_request_and_nobody_else_does() {
    let bedrock = Provider::start("bedrock", Dialect::Bedrock).await.unwrap();
    let other = Provider::start("other", Dialect::OpenAi).await.unwrap();
    let health_check = json!({"enabled": false});
    let targets = json!([
        {"id": "bedrock", "provider": {"base_url": bedrock.base_url(), "type": "bedrock"},
            "aws_sigv4_region": REGION, "health_check": health_check},
        {"id": "other", "provider": {"base_url": other.base_url(), "type": "openai-compatible"},
            "secret_key_ref": {"env": "KEY_OTHER"}, "health_check": health_check},
    ]);
    let to_bedrock = json!({"provider": "bedrock", "model": MODEL});
    let to_other = json!({"provider": "other", "model": "m"});
    let groups = json!([
        {"name": "signed-first", "models": [to_bedrock, to_other]},
        {"name": "signed-last", "models": [to_other, to_bedrock]},
    ]);
    let policy = json!({"providers": {"targets": targets}, "model_groups": groups});
    let policy = PolicyText {
        text: policy.to_string(),
        keys: vec![(String::from("KEY_OTHER"), String::from("sk-provider-other"))],
    };
    let variables = [
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", SESSION),
    ];
    let options = GatewayOptions {
        variables: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        ..GatewayOptions::default()
    };
    let gateway = Gateway::start_with(&policy, &options).await;
    let client = gateway.client();

    other.next([Behaviour::status(500)]);
    for group in ["signed-first", "signed-last"] {
        // A signature of the client's own has to go.
        let forged = [
            ("x-amz-date", "20150830T123600Z"),
            ("x-amz-security-token", "mine"),
        ];
        // More than a connection buffers unless it is told to.
        let content = format!("Hello \"ü\" {}", "x".repeat(3_000_000));
        let body = json!({"model": group, "messages": [{"role": "user", "content": content}]});
        let answer = client
            .send(
                Method::POST,
                "/v1/chat/completions",
                &forged,
                body.to_string().into_bytes(),
            )
            .await;
        assert_eq!(
            (answer.status, answer.provider()),
            (200, "bedrock"),
            "{group}"
        );
    }
    assert_eq!(
        client.chat_stream("signed-first").await.provider(),
        "bedrock"
    );
    let received = bedrock.received();
    let paths: Vec<&str> = received
        .iter()
        .map(|request| request.path.as_str())
        .collect();
    let base = "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0";
    assert_eq!(
        paths,
        [
            format!("{base}/converse"),
            format!("{base}/converse"),
            format!("{base}/converse-stream")
        ]
    );
    received.iter().for_each(assert_signed);

    bedrock.next([Behaviour::status(500)]);
    assert_eq!(client.chat("signed-first").await.provider(), "other");
    let received = other.received();
    let last = received.last().unwrap();
    assert_eq!(
        last.header("authorization"),
        Some("Bearer sk-provider-other")
    );
    let of_aws = last
        .headers
        .iter()
        .find(|(name, _)| name.starts_with("x-amz"));
    assert_eq!(of_aws, None);
}
