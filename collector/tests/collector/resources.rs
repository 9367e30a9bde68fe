//! What nobody uses keeps nobody out.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use collector::{Collector, Rules, Running};
use serde_json::json;

use crate::support::{API, INGEST, Service, agent, batch, decision, settings};

const MAX_CONNECTIONS: usize = 16;

fn small(dir: &std::path::Path) -> Running {
    let mut settings = settings(dir, Rules::default());
    settings.max_connections = MAX_CONNECTIONS;
    Collector::open(settings)
        .unwrap()
        .start(TcpListener::bind("127.0.0.1:0").unwrap())
        .unwrap()
}

#[test]
fn connections_without_a_token_make_room_for_those_that_work() {
    let dir = tempfile::tempdir().unwrap();
    let running = small(dir.path());
    let address = running.address();
    let url = |path: &str| format!("http://{address}{path}");
    // A gateway whose connection is kept alive.
    let gateway = agent();
    let deliver = |number| {
        let event = decision(number, "2026-11-21T11:00:00Z", json!({}));
        let answer = gateway
            .post(url("/v1/events"))
            .header("authorization", format!("Bearer {INGEST}"))
            .send(batch(&[event]).as_bytes());
        assert_eq!(answer.unwrap().status(), 200);
    };
    deliver(1);
    // Idle ones, half a request, and a request without a token whose answer nobody reads.
    let mut idle: Vec<TcpStream> = Vec::new();
    for number in 0..10 * MAX_CONNECTIONS {
        let mut stream = TcpStream::connect(address).unwrap();
        match number % 3 {
            0 => {}
            1 => stream.write_all(b"GET /v1/control HTTP/1.1\r\n").unwrap(),
            _ => stream
                .write_all(b"GET /console.js HTTP/1.1\r\nhost: h\r\n\r\n")
                .unwrap(),
        }
        idle.push(stream);
    }
    deliver(2);
    let control = agent()
        .get(url("/v1/control?instance_id=i"))
        .header("authorization", format!("Bearer {INGEST}"))
        .call();
    assert_eq!(control.unwrap().status(), 200);
    // The oldest were closed.
    let mut oldest = idle.remove(0);
    oldest
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    assert_eq!(oldest.read(&mut [0; 1]).unwrap_or(0), 0);
}

#[test]
fn when_all_are_trusted_another_one_is_turned_away_and_nobody_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let running = small(dir.path());
    let ask = |stream: &mut TcpStream| {
        let request =
            format!("GET /v1/budgets HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {API}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream.read_exact(&mut answer).map(|()| answer)
    };
    let mut trusted: Vec<TcpStream> = (0..MAX_CONNECTIONS)
        .map(|_| {
            let mut stream = TcpStream::connect(running.address()).unwrap();
            assert_eq!(ask(&mut stream).unwrap(), *b"HTTP/1.1 200");
            stream
        })
        .collect();
    let mut one_more = TcpStream::connect(running.address()).unwrap();
    one_more
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    assert_eq!(one_more.read(&mut [0; 1]).unwrap_or(0), 0, "closed at once");
    drop(trusted.pop());
    // The place is free as soon as the collector has noticed.
    let mut answered = false;
    for _ in 0..200 {
        let mut stream = TcpStream::connect(running.address()).unwrap();
        let request = b"GET /v1/health HTTP/1.1\r\nhost: h\r\n\r\n";
        answered = stream.write_all(request).is_ok() && stream.read_exact(&mut [0; 12]).is_ok();
        if answered {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(answered);
}

#[test]
fn a_head_without_end_and_too_many_conditions_are_refused() {
    let service = Service::start();
    let many: String = (0..300).map(|number| format!("&tag=t{number}")).collect();
    let (status, answer) = service.get(&format!("/v1/events?limit=1{many}"), API);
    assert_eq!(status, 400, "{answer}");
    assert_eq!(answer["error"]["code"], "invalid_query");
    let mut stream = TcpStream::connect(service.running.address()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nx: ").unwrap();
    let endless = [b'a'; 8_192];
    let mut written = 0;
    while written < 256 << 20 && stream.write_all(&endless).is_ok() {
        written += endless.len();
    }
    assert!(written < 256 << 20, "nobody reads all of it");
    assert_eq!(service.get("/v1/health", "").0, 200);
}

#[test]
fn followers_are_bounded_and_others_are_answered_meanwhile() {
    let service = Service::start();
    let (_, first) = service.get("/v1/events?follow=true", API);
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/v1/events?follow=true&wait=20&cursor={cursor}");
    let ended = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let followers: Vec<_> = (0..120)
            .map(|_| {
                scope.spawn(|| {
                    let status = service.get(&path, API).0;
                    ended.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    status
                })
            })
            .collect();
        // Those that are too many are told at once; then the others are let go by an event.
        for _ in 0..1_000 {
            if ended.load(std::sync::atomic::Ordering::Relaxed) >= 20 {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(service.get("/v1/budgets", API).0, 200);
        service.deliver(&[decision(1, "2026-11-21T11:00:00Z", json!({}))]);
        let mut statuses: Vec<u16> = followers
            .into_iter()
            .map(|follower| follower.join().unwrap())
            .collect();
        statuses.sort_unstable();
        assert_eq!(statuses[..100], [200; 100]);
        assert_eq!(statuses[100..], [503; 20]);
    });
}
