//! A provider that asks to be left alone is left alone for that long, and not called unhealthy for it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use harness::{Behaviour, Dialect, Load, PolicyText, Provider, Upstream};

use crate::health::{UNHEALTHY_THRESHOLD, changes, serving};

/// Headers of a 429, and when it is over.
struct Spelling {
    name: &'static str,
    headers: Vec<(&'static str, String)>,
    over: Until,
}

enum Until {
    /// This long after the answer.
    After(Duration),
    /// At this second of Unix time.
    Second(u64),
}

/// Waits are at least this long, whatever the second that the test falls into.
const WAIT_S: u64 = 2;

fn spellings(now_s: u64) -> Vec<Spelling> {
    let row = |name, over, headers: &[(&'static str, String)]| Spelling {
        name,
        headers: headers.to_vec(),
        over,
    };
    let wait = || Until::After(Duration::from_secs(WAIT_S));
    // Rounded down to a second, the remaining wait may be this short: one more.
    let second = now_s + WAIT_S + 1;
    let time = UNIX_EPOCH + Duration::from_secs(second);
    vec![
        row("seconds", wait(), &[("retry-after", "2".into())]),
        row(
            "date",
            Until::Second(second),
            &[("retry-after", httpdate::fmt_http_date(time))],
        ),
        row("milliseconds", wait(), &[("retry-after-ms", "2000".into())]),
        row(
            "openai",
            wait(),
            &[
                ("x-ratelimit-remaining-requests", "0".into()),
                ("x-ratelimit-reset-requests", "2s".into()),
                ("x-ratelimit-remaining-tokens", "99".into()),
                ("x-ratelimit-reset-tokens", "6m0s".into()),
            ],
        ),
        row(
            "anthropic",
            Until::Second(second),
            &[("anthropic-ratelimit-requests-reset", rfc3339(time))],
        ),
        row(
            "unix",
            Until::Second(second),
            &[("x-ratelimit-reset", second.to_string())],
        ),
        row("capped", wait(), &[("retry-after", "86400".into())]),
    ]
}

/// Far above what a test waits, so that only the wait that was asked for matters.
const CAP: &str = "circuit_breaker: {cooldown_seconds: 60, max_cooldown_seconds: 2}";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_request_reaches_a_rate_limited_provider_before_the_time_is_over() {
    let names = [
        "seconds",
        "date",
        "milliseconds",
        "openai",
        "anthropic",
        "unix",
        "capped",
    ];
    let spare = Provider::start("spare", Dialect::OpenAi).await.unwrap();
    let mut limited = Vec::new();
    let mut upstreams = vec![Upstream::at("spare", &spare, Dialect::OpenAi)];
    let mut groups = String::from("model_groups:\n");
    for name in names {
        let provider = Provider::start(name, Dialect::OpenAi).await.unwrap();
        let upstream = Upstream::at(name, &provider, Dialect::OpenAi);
        upstreams.push(if name == "capped" {
            upstream.with(CAP)
        } else {
            upstream
        });
        groups.push_str(&format!(
            "  - {{name: {name}, strategy: failover, models: [{{provider: {name}, model: m}}, {{provider: spare, model: m}}]}}\n"
        ));
        limited.push(provider);
    }
    let gateway = serving(&PolicyText::over(&upstreams, &groups)).await;

    let spellings = spellings(unix_time(Instant::now()).as_secs());
    assert!(spellings.iter().map(|spelling| spelling.name).eq(names));
    for (spelling, provider) in spellings.iter().zip(&limited) {
        let mut answer = Behaviour::status(429);
        for (header, value) in &spelling.headers {
            answer = answer.with_header(header, value);
        }
        // A worker that has sent before the first answer came gets the same one.
        provider.behave(answer);
    }
    let loads: Vec<Load> = spellings
        .iter()
        .map(|spelling| Load::start(gateway.client(), spelling.name, 20))
        .collect();
    for provider in &limited {
        provider.wait_until(|received| !received.is_empty()).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    for provider in &limited {
        provider.behave(Behaviour::Answer);
    }
    let body = gateway.client().get("/health").await.json();
    for spelling in &spellings {
        let status = &body["providers"][spelling.name];
        assert_eq!(status["status"], "degraded", "{}: {status}", spelling.name);
        assert_eq!(status["reason"], "upstream_rate_limited");
    }
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    for load in loads {
        crate::health_outage::assert_all_served(&load.stop().await);
    }

    for (spelling, provider) in spellings.iter().zip(&limited) {
        let name = spelling.name;
        let arrivals: Vec<Instant> = provider
            .received()
            .iter()
            .map(|request| request.at)
            .collect();
        let first = arrivals[0];
        // Both workers may have asked before the first answer was there.
        let crowd = arrivals
            .iter()
            .take_while(|at| **at - first < Duration::from_millis(100));
        let crowd = crowd.count();
        assert!(
            crowd < UNHEALTHY_THRESHOLD,
            "{name}: {crowd} requests at once"
        );
        let next = *arrivals
            .get(crowd)
            .unwrap_or_else(|| panic!("{name}: no request came back"));
        let (asked, waited) = match spelling.over {
            Until::After(wait) => (wait, next - first),
            Until::Second(second) => (Duration::from_secs(second), unix_time(next)),
        };
        println!("{name}: {asked:?} asked, {waited:?} waited");
        assert!(
            waited + Duration::from_millis(5) >= asked,
            "{name}: {waited:?} of {asked:?}"
        );
        assert!(
            waited < asked + Duration::from_secs(1),
            "{name}: {waited:?} of {asked:?}"
        );
        let states: Vec<String> = changes(&gateway.log())
            .into_iter()
            .filter(|change| change.target == name)
            .map(|change| change.to)
            .collect();
        assert_eq!(states, ["cooling", "closed"], "{name}");
    }
}

fn unix_time(at: Instant) -> Duration {
    let time = SystemTime::now() - at.elapsed();
    time.duration_since(UNIX_EPOCH).unwrap()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` as `1994-11-06T08:49:37Z`.
fn rfc3339(time: SystemTime) -> String {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let text = httpdate::fmt_http_date(time);
    let parts: Vec<&str> = text.split(' ').collect();
    let month = MONTHS.find(parts[2]).unwrap() / 3 + 1;
    format!("{}-{month:02}-{}T{}Z", parts[3], parts[1], parts[4])
}
