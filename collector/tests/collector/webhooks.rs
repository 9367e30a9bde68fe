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
    spend(4, 1.0);
    assert_eq!(told(), (80.0, 100.0));
}
