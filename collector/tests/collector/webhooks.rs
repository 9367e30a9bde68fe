//! Webhooks: told once, signed, and again when nobody listened.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use collector::{
    Api as _, BudgetPeriod, Collector, Delivery, DeliveryState, NewBudget, NewWebhook, Rules,
    WebhookEvent, WebhookFormat,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{API, Service, decision, health, settings};

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
            ..NewWebhook::default()
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
        ..NewWebhook::default()
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
        ..NewWebhook::default()
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
        ..NewWebhook::default()
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
        ..NewWebhook::default()
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

/// Waits until the log of a webhook says so.
fn until(service: &Service, id: &str, says: impl Fn(&[Delivery]) -> bool) -> Vec<Delivery> {
    let begin = std::time::Instant::now();
    loop {
        let log = service.remote().deliveries(id).unwrap();
        if says(&log) {
            return log;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{log:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_log_says_what_became_of_every_message() {
    let service = Service::start();
    let api = service.remote();
    let (url, messages) = receiver(&[503]);
    let id = api.create_webhook(&hook(url)).unwrap().webhook.id;
    assert_eq!(api.webhooks().unwrap()[0].last_delivery, None);
    service.deliver(&[health(1, "2026-11-21T11:00:00Z", "openai", "unhealthy")]);
    next(&messages);
    let log = until(&service, &id, |log| {
        log.first().is_some_and(|one| one.tries == 1)
    });
    assert_eq!(
        (log[0].state, log[0].status, log[0].error.as_deref()),
        (
            DeliveryState::Waiting,
            Some(503),
            Some("answered 503 Service Unavailable")
        )
    );
    assert_eq!(log[0].next_try_ms, log[0].last_try_ms.map(|at| at + 1_000));
    next(&messages);
    let log = until(&service, &id, |log| {
        log[0].state == DeliveryState::Delivered
    });
    assert_eq!((log.len(), log[0].tries, log[0].status), (1, 2, Some(200)));
    assert_eq!(log[0].event_type, "gateway.health_changed");
    let last = api.webhooks().unwrap().remove(0).last_delivery.unwrap();
    assert_eq!((last.state, last.error), (DeliveryState::Delivered, None));
    // The log goes with its webhook.
    api.delete_webhook(&id).unwrap();
    assert_eq!(
        service.get(&format!("/v1/webhooks/{id}/deliveries"), API).0,
        404
    );
}

#[test]
fn a_message_that_waits_is_told_after_a_restart() {
    let service = Service::start();
    let (url, messages) = receiver(&[500]);
    let id = service
        .remote()
        .create_webhook(&hook(url))
        .unwrap()
        .webhook
        .id;
    let change = health(1, "2026-11-21T11:00:00Z", "openai", "unhealthy");
    service.deliver(std::slice::from_ref(&change));
    assert_eq!(next(&messages), change);
    until(&service, &id, |log| log[0].tries == 1);
    let Service {
        running,
        dir,
        clock,
    } = service;
    running.stop();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let service = Service {
        running: Collector::open(settings(dir.path(), Rules::default()))
            .unwrap()
            .start(listener)
            .unwrap(),
        dir,
        clock,
    };
    assert_eq!(
        next(&messages),
        change,
        "the same message, by the next process"
    );
    let log = until(&service, &id, |log| {
        log[0].state == DeliveryState::Delivered
    });
    assert_eq!((log.len(), log[0].tries), (1, 2));
}

#[test]
fn a_test_is_told_at_once_and_its_answer_is_shown() {
    let service = Service::start();
    let api = service.remote();
    let (url, messages) = receiver(&[404]);
    let id = api.create_webhook(&hook(url)).unwrap().webhook.id;
    let failed = api.test_webhook(&id).unwrap();
    assert_eq!(next(&messages)["event_type"], "webhook.test");
    assert_eq!(
        (failed.state, failed.status, failed.tries),
        (DeliveryState::GivenUp, Some(404), 1)
    );
    let good = api.test_webhook(&id).unwrap();
    assert_eq!((good.state, good.error), (DeliveryState::Delivered, None));
    // A command that opens the store itself can do it as well.
    let beside = crate::support::local(service.dir.path());
    assert_eq!(
        beside.test_webhook(&id).unwrap().state,
        DeliveryState::Delivered
    );
    assert_eq!(api.deliveries(&id).unwrap().len(), 3);
    assert!(api.test_webhook("whk_none").is_err());
}

#[test]
fn the_log_of_a_webhook_is_bounded() {
    let service = Service::start();
    let api = service.remote();
    let (url, _messages) = receiver(&[]);
    let id = api.create_webhook(&hook(url)).unwrap().webhook.id;
    for _ in 0..55 {
        api.test_webhook(&id).unwrap();
    }
    assert_eq!(api.deliveries(&id).unwrap().len(), 50);
}

#[test]
fn each_receiver_is_told_in_its_own_words() {
    let service = Service::start();
    let api = service.remote();
    let key = "0123456789abcdef0123456789abcdef";
    let of = |format| {
        let (url, messages) = receiver(&[]);
        let new = NewWebhook {
            url: match format {
                // Its address is enough.
                WebhookFormat::Alertmanager => url.replace("/hook", ""),
                _ => url,
            },
            format,
            routing_key: (format == WebhookFormat::PagerDuty).then(|| key.to_owned()),
            ..NewWebhook::default()
        };
        (api.create_webhook(&new).unwrap().webhook, messages)
    };
    let (_, slack) = of(WebhookFormat::Slack);
    let (pager, pagerduty) = of(WebhookFormat::PagerDuty);
    let (manager, alertmanager) = of(WebhookFormat::Alertmanager);
    assert!(manager.url.ends_with("/api/v2/alerts"), "{}", manager.url);
    service.deliver(&[health(1, "2026-11-21T11:00:00Z", "openai", "unhealthy")]);
    let text = next(&slack)["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("[critical] openai is unhealthy"), "{text}");
    assert_eq!(
        next(&alertmanager)[0]["labels"]["alertname"],
        "KeeptrustsProviderHealth"
    );
    let event = pagerduty.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(event.signature, "", "PagerDuty knows it by its key");
    let event: Value = serde_json::from_str(&event.body).unwrap();
    assert_eq!(
        (&event["routing_key"], &event["event_action"]),
        (&json!(key), &json!("trigger"))
    );
    for shown in [
        service.get("/v1/webhooks", API).1,
        service
            .get(&format!("/v1/webhooks/{}/deliveries", pager.id), API)
            .1,
    ] {
        assert!(!shown.to_string().contains(key), "{shown}");
    }
}

#[test]
fn a_format_without_what_it_needs_is_refused() {
    let service = Service::start();
    let api = service.remote();
    let refused = |new: NewWebhook| api.create_webhook(&new).unwrap_err().to_string();
    let to = |format, routing_key: Option<&str>| NewWebhook {
        url: "http://127.0.0.1:9/".to_owned(),
        format,
        routing_key: routing_key.map(str::to_owned),
        ..NewWebhook::default()
    };
    for new in [
        to(WebhookFormat::PagerDuty, None),
        to(WebhookFormat::PagerDuty, Some("short-secret")),
        to(
            WebhookFormat::Slack,
            Some("0123456789abcdef0123456789abcdef"),
        ),
    ] {
        let said = refused(new);
        assert!(said.contains("routing_key: expected"), "{said}");
        assert!(
            !said.contains("short-secret") && !said.contains("0123456789"),
            "{said}"
        );
    }
    // PagerDuty's public address needs not be typed.
    let new = NewWebhook {
        url: String::new(),
        ..to(
            WebhookFormat::PagerDuty,
            Some("0123456789abcdef0123456789abcdef"),
        )
    };
    let made = api.create_webhook(&new).unwrap();
    assert_eq!(made.webhook.url, "https://events.pagerduty.com/v2/enqueue");
}
