//! ID tokens: OpenID Connect Core 1.0 section 3.1.3.7, in JWS compact form (RFC 7515) with the keys of RFC 7517.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use serde_json::Value;

/// Clocks may differ by this many seconds.
const LEEWAY_SECONDS: u64 = 60;

/// Why a token does not say who somebody is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadToken {
    #[error("it is no signed JWT")]
    Malformed,
    #[error("its algorithm {0:?} is none of RS256, RS384, RS512, PS256, ES256, ES384, EdDSA")]
    Algorithm(String),
    #[error("the provider has no key {0:?} for it")]
    UnknownKey(String),
    #[error("its signature is wrong")]
    Signature,
    #[error("its claim {claim} is not as expected: {found}")]
    Claim { claim: &'static str, found: Value },
}

/// The provider's keys, as its `jwks_uri` answers.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct KeySet {
    keys: Vec<Value>,
}

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) nonce: &'a str,
    /// Unix time.
    pub(crate) now_seconds: u64,
}

/// How a signature is checked, and the type of key that it takes.
enum Algorithm {
    Rsa(&'static RsaParameters),
    /// Curve, and the first byte of its points: 4 before two coordinates, none before one.
    Point(
        &'static str,
        &'static str,
        &'static dyn VerificationAlgorithm,
    ),
}

fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        "PS256" => Algorithm::Rsa(&RSA_PSS_2048_8192_SHA256),
        "ES256" => Algorithm::Point("EC", "P-256", &ECDSA_P256_SHA256_FIXED),
        "ES384" => Algorithm::Point("EC", "P-384", &ECDSA_P384_SHA384_FIXED),
        "EdDSA" => Algorithm::Point("OKP", "Ed25519", &ED25519),
        _ => return None,
    })
}

/// The claims of a token that one of `keys` signed and that says what is expected.
pub(crate) fn verify(
    token: &str,
    keys: &KeySet,
    expected: Expected<'_>,
) -> Result<Value, BadToken> {
    let (signed, signature) = token.rsplit_once('.').ok_or(BadToken::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(BadToken::Malformed)?;
    let header: Value = json(header)?;
    let signature = decode(signature)?;
    let name = header
        .get("alg")
        .and_then(Value::as_str)
        .unwrap_or_default();
    // What must be understood and is not.
    if header.get("crit").is_some() {
        return Err(BadToken::Malformed);
    }
    let algorithm = algorithm(name).ok_or_else(|| BadToken::Algorithm(name.to_owned()))?;
    let id = header.get("kid").and_then(Value::as_str);
    let mut is_known = false;
    let mut is_signed = false;
    for key in &keys.keys {
        let of_key = |name: &str| key.get(name).and_then(Value::as_str);
        let is_for_signatures = of_key("use").is_none_or(|purpose| purpose == "sig");
        let is_meant = id.is_none_or(|id| of_key("kid") == Some(id));
        let is_of_algorithm = of_key("alg").is_none_or(|alg| alg == name);
        if !(is_for_signatures && is_meant && is_of_algorithm) {
            continue;
        }
        if let Some(is_good) = check(&algorithm, key, signed.as_bytes(), &signature) {
            is_known = true;
            is_signed |= is_good;
        }
    }
    if !is_known {
        return Err(BadToken::UnknownKey(id.unwrap_or_default().to_owned()));
    }
    if !is_signed {
        return Err(BadToken::Signature);
    }
    let claims: Value = json(payload)?;
    check_claims(&claims, expected)?;
    Ok(claims)
}

/// `None` for a key of another type.
fn check(algorithm: &Algorithm, key: &Value, signed: &[u8], signature: &[u8]) -> Option<bool> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let bytes = |name: &str| decode(text(name)?).ok();
    match algorithm {
        Algorithm::Rsa(parameters) => {
            if text("kty") != Some("RSA") {
                return None;
            }
            let public = RsaPublicKeyComponents {
                n: bytes("n")?,
                e: bytes("e")?,
            };
            Some(public.verify(parameters, signed, signature).is_ok())
        }
        Algorithm::Point(kind, curve, algorithm) => {
            if text("kty") != Some(kind) || text("crv") != Some(curve) {
                return None;
            }
            let mut point = bytes("x")?;
            if *kind == "EC" {
                point.insert(0, 4);
                point.extend(bytes("y")?);
            }
            let public = UnparsedPublicKey::new(*algorithm, point);
            Some(public.verify(signed, signature).is_ok())
        }
    }
}

fn check_claims(claims: &Value, expected: Expected<'_>) -> Result<(), BadToken> {
    let Expected {
        issuer,
        client_id,
        nonce,
        now_seconds,
    } = expected;
    let claim = |name: &str| claims.get(name).unwrap_or(&Value::Null);
    let must = |name: &'static str, holds: bool| {
        let found = claim(name).clone();
        let bad = BadToken::Claim { claim: name, found };
        if holds { Ok(()) } else { Err(bad) }
    };
    must("iss", claim("iss") == issuer)?;
    let others = match claim("aud") {
        Value::Array(all) => {
            must("aud", all.iter().any(|one| one == client_id))?;
            all.len() > 1
        }
        one => {
            must("aud", one == client_id)?;
            false
        }
    };
    // Where others are meant as well, it must have been made for this client.
    let authorized = claim("azp");
    must(
        "azp",
        authorized == client_id || (authorized.is_null() && !others),
    )?;
    let seconds = |name: &str| claim(name).as_f64();
    #[allow(clippy::cast_precision_loss)]
    let (now, leeway) = (now_seconds as f64, LEEWAY_SECONDS as f64);
    must("exp", seconds("exp").is_some_and(|at| at > now - leeway))?;
    must("iat", seconds("iat").is_some_and(|at| at < now + leeway))?;
    must("nbf", seconds("nbf").is_none_or(|at| at < now + leeway))?;
    must("nonce", claim("nonce") == nonce)?;
    must(
        "sub",
        claim("sub").as_str().is_some_and(|name| !name.is_empty()),
    )
}

fn decode(text: &str) -> Result<Vec<u8>, BadToken> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| BadToken::Malformed)
}

fn json(text: &str) -> Result<Value, BadToken> {
    serde_json::from_slice(&decode(text)?).map_err(|_| BadToken::Malformed)
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_800_000_000;
    const EXPECTED: Expected<'_> = Expected {
        issuer: "https://id",
        client_id: "console",
        nonce: "n",
        now_seconds: NOW,
    };

    struct Signer(EcdsaKeyPair);

    impl Signer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
            Self(EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &random).unwrap())
        }

        fn keys(&self) -> KeySet {
            let point = self.0.public_key().as_ref();
            let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
            let key = json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": part(1..33), "y": part(33..65)});
            KeySet { keys: vec![key] }
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
            let signed = format!("{}.{}", encode(header), encode(claims));
            let signature = self
                .0
                .sign(&SystemRandom::new(), signed.as_bytes())
                .unwrap();
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
        }
    }

    fn claims() -> Value {
        json!({"iss": "https://id", "aud": "console", "sub": "1", "nonce": "n", "exp": NOW + 300, "iat": NOW})
    }

    #[test]
    fn a_good_token_tells_its_claims() {
        let signer = Signer::new();
        let header = json!({"alg": "ES256", "kid": "k"});
        let token = signer.sign(&header, &claims());
        assert_eq!(verify(&token, &signer.keys(), EXPECTED), Ok(claims()));
        let mut several = claims();
        several["aud"] = json!(["other", "console"]);
        several["azp"] = json!("console");
        let token = signer.sign(&json!({"alg": "ES256"}), &several);
        assert_eq!(verify(&token, &signer.keys(), EXPECTED), Ok(several));
    }

    #[test]
    fn what_it_must_say_and_does_not_is_named() {
        let signer = Signer::new();
        for (claim, value) in [
            ("iss", json!("https://other")),
            ("aud", json!("other")),
            ("aud", json!(["other"])),
            ("azp", json!("other")),
            ("exp", json!(NOW - 61)),
            ("exp", Value::Null),
            ("iat", json!(NOW + 61)),
            ("nbf", json!(NOW + 61)),
            ("nonce", json!("other")),
            ("nonce", Value::Null),
            ("sub", json!("")),
        ] {
            let mut changed = claims();
            changed[claim] = value.clone();
            let token = signer.sign(&json!({"alg": "ES256", "kid": "k"}), &changed);
            let found = BadToken::Claim {
                claim,
                found: value,
            };
            assert_eq!(verify(&token, &signer.keys(), EXPECTED), Err(found));
        }
    }

    #[test]
    fn only_the_providers_signature_counts() {
        let signer = Signer::new();
        let header = json!({"alg": "ES256", "kid": "k"});
        let token = signer.sign(&header, &claims());
        let other = Signer::new();
        assert_eq!(
            verify(&token, &other.keys(), EXPECTED),
            Err(BadToken::Signature)
        );
        let (signed, _) = token.rsplit_once('.').unwrap();
        let unsigned = format!("{signed}.");
        assert_eq!(
            verify(&unsigned, &signer.keys(), EXPECTED),
            Err(BadToken::Signature)
        );
        for (header, expected) in [
            (json!({"alg": "none"}), BadToken::Algorithm("none".into())),
            (
                json!({"alg": "HS256", "kid": "k"}),
                BadToken::Algorithm("HS256".into()),
            ),
            (
                json!({"alg": "RS256", "kid": "k"}),
                BadToken::UnknownKey("k".into()),
            ),
            (
                json!({"alg": "ES256", "kid": "x"}),
                BadToken::UnknownKey("x".into()),
            ),
            (
                json!({"alg": "ES256", "crit": ["b64"]}),
                BadToken::Malformed,
            ),
        ] {
            let token = signer.sign(&header, &claims());
            assert_eq!(verify(&token, &signer.keys(), EXPECTED), Err(expected));
        }
        for text in ["", "a.b", "a.b.c", "....", "e30.e30.e30"] {
            assert!(verify(text, &signer.keys(), EXPECTED).is_err(), "{text}");
        }
    }
}
