//! Signing in with an OpenID provider: a browser's way there and back, against a provider of the test's own on loopback.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use collector::{Collector, LoginSettings, Role, Rules, Running};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{API, agent, moment, settings};

const NOW: &str = "2026-11-21T12:00:00Z";

/// An OpenID provider: whoever comes to its authorization endpoint is the person of `claims`.
struct Idp {
    issuer: String,
    claims: Arc<Mutex<Value>>,
    key: Arc<EcdsaKeyPair>,
}

impl Idp {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        let key = Arc::new(EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &random).unwrap());
        let claims = Arc::new(Mutex::new(json!({})));
        let idp = Self {
            issuer,
            claims,
            key,
        };
        let (issuer, claims, key) = (
            idp.issuer.clone(),
            Arc::clone(&idp.claims),
            Arc::clone(&idp.key),
        );
        // Ends with the process: nothing asks it any more by then.
        thread::spawn(move || {
            let mut codes = HashMap::new();
            for connection in listener.incoming() {
                serve(connection.unwrap(), &issuer, &claims, &key, &mut codes);
            }
        });
        idp
    }
}

/// What was asked for with a code: its challenge and its nonce.
type Codes = HashMap<String, (String, String)>;

fn serve(
    mut connection: TcpStream,
    issuer: &str,
    claims: &Mutex<Value>,
    key: &EcdsaKeyPair,
    codes: &mut Codes,
) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 || line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let Some(first) = lines.first() else { return };
    let target = first.split(' ').nth(1).unwrap().to_owned();
    let header = |name: &str| {
        let found = lines.iter().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        });
        found.unwrap_or_default()
    };
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (status, extra, answer) = match path {
        "/.well-known/openid-configuration" => (
            200,
            String::new(),
            json!({
                "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
            }),
        ),
        "/keys" => {
            let point = key.public_key().as_ref();
            let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
            let key = json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": "1", "x": part(1..33), "y": part(33..65)});
            (200, String::new(), json!({"keys": [key]}))
        }
        "/authorize" => {
            let asked = pairs(query);
            assert_eq!(asked["response_type"], "code");
            assert_eq!(asked["code_challenge_method"], "S256");
            assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
            let code = format!("code-{}", codes.len());
            codes.insert(
                code.clone(),
                (asked["code_challenge"].clone(), asked["nonce"].clone()),
            );
            let back = format!(
                "{}?code={code}&state={}",
                asked["redirect_uri"], asked["state"]
            );
            (302, format!("location: {back}\r\n"), Value::Null)
        }
        "/token" => {
            let asked = pairs(std::str::from_utf8(&body).unwrap());
            let expected = format!("Basic {}", STANDARD.encode("console:s%20cret"));
            // A code is good once, and only for whoever began with its challenge.
            let (challenge, nonce) = codes.remove(&asked["code"]).unwrap();
            let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(asked["code_verifier"].as_bytes()));
            if header("authorization") != expected || proof != challenge {
                (400, String::new(), json!({"error": "invalid_grant"}))
            } else {
                let now = moment(NOW) / 1_000;
                let mut said = json!({
                    "iss": issuer, "aud": "console", "sub": "7", "nonce": nonce, "iat": now, "exp": now + 300,
                });
                for (name, value) in claims.lock().unwrap().as_object().unwrap() {
                    said[name] = value.clone();
                }
                let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
                let signed = format!(
                    "{}.{}",
                    encode(&json!({"alg": "ES256", "kid": "1"})),
                    encode(&said)
                );
                let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
                let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
                (
                    200,
                    String::new(),
                    json!({"access_token": "a", "token_type": "Bearer", "id_token": token}),
                )
            }
        }
        other => panic!("nobody asks for {other}"),
    };
    let answer = answer.to_string();
    write!(
        connection,
        "HTTP/1.1 {status} X\r\n{extra}content-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    )
    .unwrap();
}

fn pairs(query: &str) -> HashMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(part[2..].bytes());
    }
    String::from_utf8(bytes).unwrap()
}

/// A collector whose people a provider knows.
struct Console {
    running: Running,
    idp: Idp,
    _dir: tempfile::TempDir,
}

/// What a browser gets.
struct Answer {
    status: u16,
    location: String,
    /// `name=value` of each cookie that is set.
    cookies: Vec<String>,
    /// The same with its attributes.
    cookie_lines: Vec<String>,
    body: String,
}

impl Console {
    fn start() -> Self {
        let (dir, idp) = (tempfile::tempdir().unwrap(), Idp::start());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let login = LoginSettings {
            issuer: idp.issuer.clone(),
            client_id: "console".to_owned(),
            client_secret: Some("s cret".to_owned()),
            console_url: format!("http://{}", listener.local_addr().unwrap()),
            role_claim: "groups".to_owned(),
            roles: [
                (Role::Viewer, "staff"),
                (Role::Operator, "oncall"),
                (Role::Admin, "platform"),
            ]
            .map(|(role, group)| (role, group.to_owned()))
            .to_vec(),
        };
        login.check().unwrap();
        let running = Collector::open(settings(dir.path(), Rules::default()))
            .unwrap()
            .with_clock(Arc::new(|| moment(NOW)))
            .with_login(login)
            .start(listener)
            .unwrap();
        Self {
            running,
            idp,
            _dir: dir,
        }
    }

    fn call(&self, method: &str, address: &str, cookie: &str, body: &str) -> Answer {
        let url = match address.strip_prefix('/') {
            Some(_) => format!("http://{}{address}", self.running.address()),
            None => address.to_owned(),
        };
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in [("cookie", cookie), ("x-keeptrusts-console", "1")] {
            request = request.header(name, value);
        }
        let browser: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .into();
        let mut answer = browser.run(request.body(body.to_owned()).unwrap()).unwrap();
        let lines = answer.headers().get_all("set-cookie").iter();
        let cookie_lines: Vec<String> = lines
            .map(|line| line.to_str().unwrap().to_owned())
            .collect();
        let pair = |line: &String| line.split(';').next().unwrap().to_owned();
        Answer {
            status: answer.status().as_u16(),
            location: answer
                .headers()
                .get("location")
                .map_or("", |to| to.to_str().unwrap())
                .to_owned(),
            cookies: cookie_lines.iter().map(pair).collect(),
            cookie_lines,
            body: answer.body_mut().read_to_string().unwrap(),
        }
    }

    /// To the provider and back, as somebody with these claims; the answer to the way back.
    fn come_back(&self, claims: Value, to: &str) -> Answer {
        *self.idp.claims.lock().unwrap() = claims;
        let there = self.call("GET", &format!("/login?to={to}"), "", "");
        assert_eq!(there.status, 303, "{}", there.body);
        let back = self.call("GET", &there.location, "", "");
        self.call("GET", &back.location, &there.cookies[0], "")
    }

    fn sign_in(&self, groups: &[&str]) -> String {
        let answer = self.come_back(
            json!({"groups": groups, "email": "ada@example.org"}),
            "/health",
        );
        assert_eq!(
            (answer.status, answer.location.as_str()),
            (303, "/health"),
            "{}",
            answer.body
        );
        answer
            .cookies
            .into_iter()
            .find(|one| one.starts_with("kt_session="))
            .unwrap()
    }
}

#[test]
fn somebody_goes_to_the_provider_and_comes_back_signed_in() {
    let console = Console::start();
    let ways = console.call("GET", "/v1/login", "", "");
    assert_eq!(ways.body, r#"{"token":true,"oidc":true}"#);
    let answer = console.come_back(
        json!({"groups": ["staff"], "email": "ada@example.org"}),
        "/costs",
    );
    let session = &answer.cookie_lines[0];
    for attribute in ["kt_session=", "HttpOnly", "SameSite=Strict"] {
        assert!(session.contains(attribute), "{session}");
    }
    let me = console.call("GET", "/v1/session", &answer.cookies[0], "");
    assert_eq!(
        serde_json::from_str::<Value>(&me.body).unwrap(),
        json!({"role": "viewer", "name": "ada@example.org"})
    );
    // What is said in it cannot be changed.
    let (said, signature) = answer.cookies[0].split_once('.').unwrap();
    let said = said.strip_prefix("kt_session=").unwrap();
    let mut said: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(said).unwrap()).unwrap();
    said["role"] = json!("admin");
    let forged = format!(
        "kt_session={}.{signature}",
        URL_SAFE_NO_PAD.encode(said.to_string())
    );
    assert_eq!(console.call("GET", "/v1/session", &forged, "").status, 401);
}

#[test]
fn each_role_does_what_it_may() {
    let console = Console::start();
    let (viewer, operator, admin) = (
        console.sign_in(&["staff"]),
        console.sign_in(&["oncall", "staff"]),
        console.sign_in(&["platform"]),
    );
    let threshold = json!({"panel": "latency", "value": 9_000.0}).to_string();
    let key = json!({"name": "k"}).to_string();
    for (method, path, body, allowed) in [
        (
            "GET",
            "/v1/events?metrics=request_count",
            "",
            [200, 200, 200],
        ),
        ("PUT", "/v1/thresholds", threshold.as_str(), [403, 204, 204]),
        ("POST", "/v1/tokens", key.as_str(), [403, 403, 201]),
        ("DELETE", "/v1/budgets/none", "", [403, 403, 404]),
    ] {
        for (cookie, status) in [&viewer, &operator, &admin].into_iter().zip(allowed) {
            let answer = console.call(method, path, cookie, body);
            assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        }
    }
}

#[test]
fn nobody_gets_in_whom_the_provider_does_not_vouch_for() {
    let console = Console::start();
    for (claims, word) in [
        (
            json!({"groups": ["others"], "email": "eve@example.org"}),
            "eve@example.org has no role",
        ),
        (json!({"groups": ["platform"], "aud": "another"}), "aud"),
        (json!({"groups": ["platform"], "nonce": "another"}), "nonce"),
        (json!({"groups": ["platform"], "exp": 1}), "exp"),
        (
            json!({"groups": ["platform"], "iss": "https://another"}),
            "iss",
        ),
    ] {
        let answer = console.come_back(claims, "/");
        assert!(
            answer.status == 403 && answer.body.contains(word),
            "{}",
            answer.body
        );
        assert!(answer.cookies.is_empty());
    }
    // Somebody else's way back, in a browser that never left, or left for another one.
    let there = console.call("GET", "/login", "", "");
    let back = console.call("GET", &there.location, "", "").location;
    let other = console.call("GET", "/login", "", "").cookies.remove(0);
    for cookie in ["", other.as_str()] {
        let answer = console.call("GET", &back, cookie, "");
        assert!(
            answer.status == 403 && answer.cookies.is_empty(),
            "{}",
            answer.body
        );
    }
    // A refusal of the provider comes back as a word, not as a page.
    let refused = format!(
        "/login/callback?error=access_denied&state={}",
        pairs(there.location.split_once('?').unwrap().1)["state"]
    );
    let answer = console.call("GET", &refused, &there.cookies[0], "");
    assert!(
        answer.status == 403 && answer.body.contains("access_denied"),
        "{}",
        answer.body
    );
}

#[test]
fn a_provider_that_is_down_lets_nobody_in_and_keeps_nobody_with_the_token_out() {
    let mut console = Console::start();
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let login = LoginSettings {
        issuer: format!("http://{gone}"),
        client_id: "console".to_owned(),
        client_secret: None,
        console_url: "http://localhost".to_owned(),
        role_claim: "groups".to_owned(),
        roles: vec![(Role::Viewer, "*".to_owned())],
    };
    console.running = Collector::open(settings(dir.path(), Rules::default()))
        .unwrap()
        .with_login(login)
        .start(TcpListener::bind("127.0.0.1:0").unwrap())
        .unwrap();
    let answer = console.call("GET", "/login", "", "");
    assert!(
        answer.status == 502 && answer.body.contains("cannot be asked"),
        "{}",
        answer.body
    );
    let url = format!("http://{}/v1/session", console.running.address());
    let token = json!({"token": API}).to_string();
    assert_eq!(agent().post(&url).send(token).unwrap().status(), 204);
}
