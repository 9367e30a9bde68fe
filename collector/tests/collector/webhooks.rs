//! Webhooks: told once, signed, and again when nobody listened.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use collector::{Api as _, BudgetPeriod, NewBudget, NewWebhook, WebhookEvent};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Service, decision, health};

struct Message {
    signature: String,
    body: String,
}

/// Answers with these statuses in turn, then with 200, and hands on what it got.
fn receiver(statuses: &'static [u16]) -> (String, Receiver<Message>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, messages) = channel();
    std::thread::spawn(move || {
        for (number, connection) in listener.incoming().enumerate() {
            let mut connection = connection.unwrap();
            let mut reader = BufReader::new(connection.try_clone().unwrap());
            let (mut length, mut signature) = (0, String::new());
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim_end();
                if line.is_empty() {
                    break;
                }
                if let Some((name, value)) = line.split_once(": ") {
                    match name.to_ascii_lowercase().as_str() {
                        "content-length" => length = value.parse().unwrap(),
                        "x-keeptrusts-signature" => signature = value.to_owned(),
                        _ => {}
                    }
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let status = statuses.get(number).copied().unwrap_or(200);
            write!(
                connection,
                "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            .unwrap();
            let body = String::from_utf8(body).unwrap();
            if sender.send(Message { signature, body }).is_err() {
                return;
            }
        }
    });
    (url, messages)
}

fn next(messages: &Receiver<Message>) -> Value {
    let message = messages.recv_timeout(Duration::from_secs(30)).unwrap();
    serde_json::from_str(&message.body).unwrap()
}

#[test]
fn a_change_of_health_is_told_once_and_signed() {
    let service = Service::start();
    let (url, messages) = receiver(&[]);
    let created = service
        .remote()
        .create_webhook(&NewWebhook {
            url,
            event_types: vec![WebhookEvent::HealthChanged],
        })
        .unwrap();
    let change = health(1, "2026-11-21T11:00:00Z", "openai", "unhealthy");
    service.deliver(&[
        change.clone(),
        decision(2, "2026-11-21T11:00:00Z", json!({})),
    ]);
    // A repeat is no news.
    service.deliver(std::slice::from_ref(&change));
    service.deliver(&[health(3, "2026-11-21T11:01:00Z", "openai", "healthy")]);
    let first = messages.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&first.body).unwrap(), change);
    let (time, digest) = first.signature.split_once(",v1=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(created.secret.as_bytes()).unwrap();
    mac.update(format!("{}.{}", time.strip_prefix("t=").unwrap(), first.body).as_bytes());
    assert_eq!(events::key_hash_hex(&mac.finalize().into_bytes()), digest);
    assert_eq!(next(&messages)["to"], "healthy", "nothing in between");
    let listed = serde_json::to_string(&service.remote().webhooks().unwrap()).unwrap();
    assert!(!listed.contains(&created.secret));
    service
        .remote()
        .delete_webhook(&created.webhook.id)
        .unwrap();
    assert!(service.remote().webhooks().unwrap().is_empty());
}

#[test]
fn who_does_not_answer_well_is_told_again() {
    let service = Service::start();
    let (url, messages) = receiver(&[500]);
    let hook = NewWebhook {
        url,
        event_types: Vec::new(),
    };
    service.remote().create_webhook(&hook).unwrap();
    service.deliver(&[health(1, "2026-11-21T11:00:00Z", "openai", "unhealthy")]);
    assert_eq!(next(&messages), next(&messages), "the same message twice");
}

#[test]
fn a_budget_tells_each_threshold_once_a_period() {
    let service = Service::start();
    let (url, messages) = receiver(&[]);
    let api = service.remote();
    let hook = NewWebhook {
        url,
        event_types: vec![WebhookEvent::BudgetThresholdReached],
    };
    api.create_webhook(&hook).unwrap();
    api.create_budget(&NewBudget {
        provider: "openai".into(),
        limit_usd: 10.0,
        period: BudgetPeriod::Daily,
        allow_unknown: false,
    })
    .unwrap();
    let spend = |number, at, usd: f64| {
        service.deliver(&[decision(number, at, json!({"actual_cost_usd": usd}))]);
    };
    spend(1, "2026-11-21T11:00:00Z", 7.99);
    spend(2, "2026-11-21T11:00:00Z", 0.01);
    let first = next(&messages);
    assert_eq!(
        (
            &first["threshold_percent"],
            &first["spent_usd"],
            &first["provider"]
        ),
        (&json!(80), &json!(8.0), &json!("openai"))
    );
    spend(3, "2026-11-21T11:00:00Z", 1.0);
    spend(4, "2026-11-21T11:00:00Z", 5.0);
    assert_eq!(next(&messages)["threshold_percent"], 100);
    service.set_clock("2026-11-22T01:00:00Z");
    spend(5, "2026-11-22T00:30:00Z", 8.5);
    let again = next(&messages);
    assert_eq!(
        (&again["threshold_percent"], &again["spent_usd"]),
        (&json!(80), &json!(8.5))
    );
}

#[test]
fn a_raised_budget_is_told_its_thresholds_again() {
    let service = Service::start();
    let (url, messages) = receiver(&[]);
    let api = service.remote();
    let hook = NewWebhook {
        url,
        event_types: vec![WebhookEvent::BudgetThresholdReached],
    };
    api.create_webhook(&hook).unwrap();
    let limit = |limit_usd| {
        let budget = NewBudget {
            provider: "openai".into(),
            limit_usd,
            period: BudgetPeriod::Daily,
            allow_unknown: false,
        };
        api.create_budget(&budget).unwrap()
    };
    let spend = |number, usd: f64| {
        let changes = json!({"actual_cost_usd": usd});
        service.deliver(&[decision(number, "2026-11-21T11:00:00Z", changes)]);
    };
    let told = || {
        let message = next(&messages);
        let number = |name: &str| message[name].as_f64().unwrap();
        (number("threshold_percent"), number("limit_usd"))
    };
    limit(10.0);
    spend(1, 9.0);
    assert_eq!(told(), (80.0, 10.0));
    limit(100.0);
    spend(2, 70.0);
    spend(3, 2.0);
    assert_eq!(told(), (80.0, 100.0), "once the new limit's 80 % are spent");
    // Made anew, it is told anew.
    let made = limit(100.0);
    api.delete_budget(&made.id).unwrap();
    limit(100.0);
    assert_eq!(told(), (80.0, 100.0));
    // Lowered below what is spent, nobody can spend any more: it is told nevertheless.
    limit(50.0);
    assert_eq!(told(), (80.0, 50.0));
    assert_eq!(told(), (100.0, 50.0));
}

/// Takes connections and never answers.
fn hanging() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for connection in listener.incoming() {
            open.push(connection);
        }
    });
    url
}

fn hook(url: String) -> NewWebhook {
    NewWebhook {
        url,
        event_types: Vec::new(),
    }
}

#[test]
fn a_webhook_that_hangs_delays_no_other() {
    let service = Service::start();
    let api = service.remote();
    for _ in 0..4 {
        api.create_webhook(&hook(hanging())).unwrap();
    }
    let (url, messages) = receiver(&[]);
    api.create_webhook(&hook(url)).unwrap();
    let begin = std::time::Instant::now();
    for number in 0..5 {
        service.deliver(&[health(
            number,
            "2026-11-21T11:00:00Z",
            "openai",
            "unhealthy",
        )]);
    }
    for _ in 0..5 {
        next(&messages);
    }
    // One after the other, four timeouts of 5 s would come before every message.
    assert!(
        begin.elapsed() < Duration::from_secs(15),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn a_deleted_webhook_is_told_nothing_any_more() {
    let service = Service::start();
    let api = service.remote();
    let (url, messages) = receiver(&[500, 500, 500]);
    let deleted = api.create_webhook(&hook(url)).unwrap();
    let (url, others) = receiver(&[]);
    api.create_webhook(&hook(url)).unwrap();
    service.deliver(&[health(1, "2026-11-21T11:00:00Z", "openai", "unhealthy")]);
    next(&messages);
    next(&others);
    api.delete_webhook(&deleted.webhook.id).unwrap();
    // The next try would come after a second.
    let again = messages.recv_timeout(Duration::from_secs(4));
    assert!(again.is_err());
}

#[test]
fn redirects_are_not_followed_and_metadata_services_refused() {
    let service = Service::start();
    let api = service.remote();
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/",
        "http://metadata.google.internal/",
    ] {
        let error = api.create_webhook(&hook(url.into())).unwrap_err();
        assert!(error.to_string().contains("metadata"), "{error}");
    }
    let secret = "http://user:pa$$word@/hook";
    let error = api.create_webhook(&hook(secret.into())).unwrap_err();
    assert!(!error.to_string().contains("pa$$word"), "{error}");
    // A receiver that sends elsewhere is asked again; the other place never is.
    let (elsewhere, never) = receiver(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    api.create_webhook(&hook(url)).unwrap();
    service.deliver(&[health(1, "2026-11-21T11:00:00Z", "openai", "unhealthy")]);
    for _ in 0..2 {
        let (mut connection, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(connection.try_clone().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.starts_with("POST /hook"), "{line}");
        write!(
            connection,
            "HTTP/1.1 307 X\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
    }
    assert!(never.try_recv().is_err());
}
