//! What the console asks, as the page asks it: by cookie.

use serde_json::{Value, json};

use crate::support::{API, INGEST, Service, agent, decision};

/// Status, headers of interest and body.
fn call(
    service: &Service,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String, String) {
    let mut request = ureq::http::Request::builder()
        .method(method)
        .uri(service.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut answer = agent().run(request.body(body.to_owned()).unwrap()).unwrap();
    let cookie = answer
        .headers()
        .get("set-cookie")
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    (
        answer.status().as_u16(),
        cookie,
        answer.body_mut().read_to_string().unwrap(),
    )
}

fn sign_in(service: &Service) -> String {
    let (status, cookie, _) = call(
        service,
        "POST",
        "/v1/session",
        &[],
        &json!({"token": API}).to_string(),
    );
    assert_eq!(status, 204);
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    cookie.split(';').next().unwrap().to_owned()
}

#[test]
fn every_page_is_the_console_and_loads_nothing_from_elsewhere() {
    let service = Service::start();
    for path in [
        "/",
        "/gateways",
        "/gateways/eu%20west",
        "/requests/evt_1",
        "/health",
        "/playground",
    ] {
        let mut answer = agent().get(service.url(path)).call().unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(
            answer
                .body_mut()
                .read_to_string()
                .unwrap()
                .contains("/console.js")
        );
    }
    for (path, kind) in [
        ("/console.js", "text/javascript"),
        ("/console.css", "text/css"),
    ] {
        let mut answer = agent().get(service.url(path)).call().unwrap();
        assert!(
            answer.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with(kind)
        );
        let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
        let text = answer.body_mut().read_to_string().unwrap();
        let outside = text
            .split("https://")
            .skip(1)
            .filter(|rest| !rest.starts_with("hooks.example.com"));
        // A placeholder of a field.
        assert!(
            outside
                .clone()
                .all(|rest| rest.starts_with('`') || rest.starts_with('"')),
            "{path}"
        );
        let again = agent()
            .get(service.url(path))
            .header("if-none-match", tag)
            .call()
            .unwrap();
        assert_eq!(again.status(), 304);
    }
    for path in [
        "/nothing",
        "/console.ts",
        "/v1/nothing",
        "/nothing/else",
        "/keys/a/b",
    ] {
        assert_eq!(service.get(path, API).0, 404, "{path}");
    }
}

#[test]
fn a_session_asks_like_the_token_and_other_sites_cannot_use_it() {
    let service = Service::start();
    assert_eq!(call(&service, "GET", "/v1/session", &[], "").0, 401);
    for body in [r#"{"token": "wrong"}"#, r#"{"token": ""}"#] {
        assert_eq!(call(&service, "POST", "/v1/session", &[], body).0, 401);
    }
    assert_eq!(call(&service, "POST", "/v1/session", &[], "token=x").0, 400);
    let cookie = sign_in(&service);
    let with_cookie = [("cookie", cookie.as_str())];
    for path in [
        "/v1/session",
        "/v1/gateways",
        "/v1/events",
        "/v1/budgets",
        "/v1/thresholds",
        "/v1/alerts",
    ] {
        assert_eq!(
            call(&service, "GET", path, &with_cookie, "").0,
            200,
            "{path}"
        );
    }
    let budget = json!({"provider": "openai", "limit_usd": 5, "period": "daily"}).to_string();
    assert_eq!(
        call(&service, "POST", "/v1/budgets", &with_cookie, &budget).0,
        403
    );
    let marked = [("cookie", cookie.as_str()), ("x-keeptrusts-console", "1")];
    assert_eq!(
        call(&service, "POST", "/v1/budgets", &marked, &budget).0,
        201
    );
    // What gateways do needs their token.
    assert_eq!(call(&service, "POST", "/v1/events", &marked, "").0, 401);
    let (expires, signature) = cookie.split_once('.').unwrap();
    for forged in [
        format!("{expires}0.{signature}"),
        format!("{expires}."),
        "kt_session=".to_owned(),
    ] {
        assert_eq!(
            call(&service, "GET", "/v1/session", &[("cookie", &forged)], "").0,
            401,
            "{forged}"
        );
    }
    service.set_clock("2026-11-28T12:00:01Z");
    assert_eq!(
        call(&service, "GET", "/v1/session", &with_cookie, "").0,
        401,
        "a week is over"
    );
}

#[test]
fn gateways_are_shown_as_they_report() {
    let service = Service::start();
    let report = |policy: Option<&str>| {
        json!({
            "gateway_id": "eu west", "version": "0.1.0", "config_version": "v1", "started_ms": 1_700_000_000_000_u64,
            "requests_total": 7, "groups": ["chat"], "policy": policy,
            "providers": [{"id": "openai", "vendor": "openai", "status": "unhealthy", "breaker": "open",
                "reason": "upstream_timeout", "consecutive_failures": 3, "retry_at_ms": 5}],
        })
        .to_string()
    };
    let path = "/v1/control?instance_id=i-1";
    let (status, answer) = service.post(path, INGEST, report(None).as_bytes());
    assert_eq!(
        (status, &answer["send_policy"], &answer["keys_required"]),
        (200, &json!(true), &json!(false))
    );
    let (_, answer) = service.post(path, INGEST, report(Some("groups: []")).as_bytes());
    assert_eq!(answer["send_policy"], Value::Null);
    let (_, list) = service.get("/v1/gateways", API);
    let eu = &list["data"][0];
    assert_eq!(
        (&eu["gateway_id"], &eu["state"], &eu["requests_total"]),
        (&json!("eu west"), &json!("live"), &json!(7))
    );
    assert_eq!(
        eu["providers"],
        json!({"healthy": 0, "degraded": 0, "unhealthy": 1})
    );
    let (_, providers) = service.get("/v1/gateways/eu%20west/providers", API);
    assert_eq!(providers["data"][0]["reason"], "upstream_timeout");
    assert_eq!(
        service.get("/v1/gateways/eu%20west/policy", API).1["yaml"],
        "groups: []"
    );
    assert_eq!(service.get("/v1/gateways/us/providers", API).0, 404);
    // What cannot be read changes nothing of keys and budgets.
    let (status, answer) = service.post(path, INGEST, b"{");
    assert_eq!((status, &answer["keys_required"]), (200, &json!(false)));
    assert_eq!(service.post(path, API, b"{}").0, 401);
}

#[test]
fn thresholds_can_be_changed_and_go_back() {
    let service = Service::start();
    let general = |panel: &str| -> f64 {
        let (_, answer) = service.get("/v1/thresholds", API);
        let all = answer["data"].as_array().unwrap().clone();
        let found = all
            .iter()
            .find(|one| one["panel"] == panel && one["provider"].is_null());
        found.unwrap()["value"].as_f64().unwrap()
    };
    let put = |body: Value| {
        let headers = [("authorization", format!("Bearer {API}"))];
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        call(
            &service,
            "PUT",
            "/v1/thresholds",
            &headers,
            &body.to_string(),
        )
        .0
    };
    assert_eq!(general("latency"), 5_000.0);
    assert_eq!(put(json!({"panel": "latency", "value": 3_000})), 204);
    assert_eq!(
        put(json!({"panel": "latency", "provider": "openai", "value": 1_000})),
        204
    );
    assert_eq!(general("latency"), 3_000.0);
    for bad in [
        json!({"panel": "latency", "value": -1}),
        json!({"panel": "availability", "value": 99.5}),
        json!({"panel": "mood", "value": 1}),
        json!({"panel": "latency"}),
    ] {
        assert_eq!(put(bad.clone()), 400, "{bad}");
    }
    assert_eq!(service.delete("/v1/thresholds?panel=latency", API).0, 204);
    assert_eq!(general("latency"), 5_000.0);
    assert_eq!(service.delete("/v1/thresholds?panel=latency", API).0, 404);
    assert_eq!(
        service.get("/v1/thresholds", API).1["data"]
            .as_array()
            .unwrap()
            .len(),
        6
    );
}

#[test]
fn reports_by_attempt_count_what_failover_rescued() {
    let service = Service::start();
    let attempt = |provider: &str, status: u16, reason: Option<&str>| json!({"provider": provider, "model": "m", "status_code": status, "reason": reason, "latency_ms": 10});
    service.deliver(&[decision(
        1,
        "2026-11-21T10:00:00Z",
        json!({
            "provider": "azure", "failover": {"triggered": true, "original_provider": "openai", "reason": "upstream_5xx"},
            "attempts": [attempt("openai", 500, Some("upstream_5xx")), attempt("azure", 200, None)],
        }),
    )]);
    let metrics = "attempt_count,failure_count,availability,request_count,server_error_count";
    let (_, answer) = service.get(
        &format!("/v1/events?group_by=attempts.provider&metrics={metrics}"),
        API,
    );
    let row = |name: &str| {
        let rows = answer["data"].as_array().unwrap();
        rows.iter()
            .find(|row| row["attempts.provider"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        row("openai"),
        json!({"attempts.provider": "openai", "attempt_count": 1, "failure_count": 1, "availability": 0.0,
            "request_count": 0, "server_error_count": 1})
    );
    assert_eq!(
        (
            &row("azure")["availability"],
            &row("azure")["request_count"]
        ),
        (&json!(1.0), &json!(1))
    );
}

#[test]
fn a_stream_that_fails_after_it_has_begun_is_a_failure_of_request_and_attempt_alike() {
    let service = Service::start();
    let broken = |reason: &str| {
        json!({
            "provider": "azure", "stream": true, "error_code": reason, "tag": "experiment", "actual_cost_usd": 0.5,
            "tokens": {"prompt": 10, "completion": 5, "cached": 0, "total": 15, "estimated": true},
            "attempts": [{"provider": "azure", "model": "m", "status_code": 200, "reason": reason, "latency_ms": 900}],
        })
    };
    let at = "2026-11-21T10:00:00Z";
    let reasons = ["stream_idle", "stream_broken", "error_in_stream"];
    let events: Vec<_> = (1..)
        .zip(reasons)
        .map(|(number, reason)| decision(number, at, broken(reason)))
        .collect();
    service.deliver(&events);
    let metrics = "error_count,success_count,availability,total_tokens,total_cost";
    for (group, name) in [
        ("provider", "azure"),
        ("tag", "experiment"),
        ("attempts.provider", "azure"),
    ] {
        let query = format!("/v1/events?group_by={group}&metrics={metrics}");
        let (_, answer) = service.get(&query, API);
        assert_eq!(
            answer["data"][0],
            json!({group: name, "error_count": 3, "success_count": 0, "availability": 0.0, "total_tokens": 45,
                "total_cost": 1.5}),
            "{group}"
        );
    }
}

#[test]
fn how_long_providers_were_in_which_state_is_kept_through_a_restart() {
    let service = Service::start();
    let report = |status: &str| {
        json!({
            "gateway_id": "gw", "version": "1", "config_version": "v1", "started_ms": 1, "requests_total": 0,
            "groups": [], "providers": [{"id": "openai", "vendor": "openai", "status": status, "breaker": "closed",
                "consecutive_failures": 0}],
        })
        .to_string()
    };
    let send = |status: &str| {
        let path = "/v1/control?instance_id=i-1";
        assert_eq!(service.post(path, INGEST, report(status).as_bytes()).0, 200);
    };
    send("healthy");
    std::thread::sleep(std::time::Duration::from_millis(20));
    send("healthy");
    service.set_clock("2026-11-21T12:01:00Z");
    std::thread::sleep(std::time::Duration::from_millis(20));
    send("unhealthy");
    // The end of a collector stores also the minute that is not over.
    let Service { running, dir, .. } = service;
    running.stop();
    let service = Service::in_folder(dir, collector::Rules::default());
    service.set_clock("2026-11-21T12:02:00Z");
    let (status, answer) = service.get("/v1/health/history?since=10m", API);
    assert_eq!(
        (status, &answer["step_minutes"]),
        (200, &json!(1)),
        "{answer}"
    );
    let rows = answer["data"].as_array().unwrap();
    let seconds = |row: usize, state: &str| rows[row][format!("{state}_seconds")].as_f64().unwrap();
    assert_eq!(rows.len(), 2, "{answer}");
    assert_eq!(
        (
            &rows[0]["time"],
            &rows[0]["gateway_id"],
            &rows[1]["provider"]
        ),
        (
            &json!("2026-11-21T12:00:00.000000Z"),
            &json!("gw"),
            &json!("openai")
        )
    );
    assert!(
        seconds(0, "healthy") >= 0.02 && seconds(0, "unhealthy") == 0.0,
        "{answer}"
    );
    assert!(
        seconds(1, "unhealthy") >= 0.02 && seconds(1, "healthy") == 0.0,
        "{answer}"
    );
    // Longer steps have the sum; what is not asked for does not come.
    let (_, week) = service.get("/v1/health/history?since=7d&provider=openai", API);
    assert_eq!(
        (
            &week["step_minutes"],
            week["data"].as_array().unwrap().len()
        ),
        (&json!(180), 1),
        "{week}"
    );
    let (_, none) = service.get("/v1/health/history?since=7d&gateway_id=other", API);
    assert_eq!(none["data"], json!([]));
    assert_eq!(service.get("/v1/health/history?since=soon", API).0, 400);
}

#[test]
fn the_requests_behind_error_count_are_found() {
    let service = Service::start();
    let at = "2026-11-21T10:00:00Z";
    let ends = [
        json!({}),
        json!({"status_code": 502}),
        json!({"status_code": 403, "decision": "blocked"}),
        json!({"status_code": 200, "error_code": "stream_broken", "attempts": [{"provider": "openai", "model": "m",
            "status_code": 200, "reason": "stream_broken", "latency_ms": 9}]}),
        json!({"status_code": 0, "client_gone": true}),
    ];
    let events: Vec<_> = (1..)
        .zip(ends)
        .map(|(number, end)| decision(number, at, end))
        .collect();
    service.deliver(&events);
    let count = |filter: &str| {
        let (status, answer) = service.get(&format!("/v1/events?limit=10{filter}"), API);
        assert_eq!(status, 200, "{answer}");
        answer["data"].as_array().unwrap().len()
    };
    let (_, sums) = service.get("/v1/events?metrics=error_count", API);
    assert_eq!(sums["data"][0]["error_count"], json!(2));
    assert_eq!(
        (count("&error=true"), count("&error=false"), count("")),
        (2, 3, 5)
    );
}

/// A gateway that answers one request with a stream, and says what it was asked.
fn one_answer() -> (String, std::thread::JoinHandle<String>) {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let events = "data: {\"choices\": []}\n\ndata: [DONE]\n\n";
        write!(
            connection,
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-keeptrusts-provider: openai\r\nset-cookie: a=b\r\n\
             content-length: {}\r\n\r\n{events}",
            events.len()
        )
        .unwrap();
        head + &String::from_utf8(body).unwrap()
    });
    (url, asked)
}

#[test]
fn the_playground_passes_a_request_on_and_streams_the_answer_back() {
    let service = Service::start();
    let play =
        json!({"request": {"model": "chat", "stream": true}, "key": "kt_gk_mine"}).to_string();
    let (status, answer) = service.post("/v1/playground", API, play.as_bytes());
    assert_eq!(
        (status, &answer["error"]["code"]),
        (503, &json!("no_gateway"))
    );
    let (url, asked) = one_answer();
    service.running.set_gateway_url(url);
    let mut answer = agent()
        .post(service.url("/v1/playground"))
        .header("authorization", format!("Bearer {API}"))
        .send(play.as_bytes())
        .unwrap();
    assert_eq!(answer.headers()["x-keeptrusts-provider"], "openai");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert!(
        !answer.headers().contains_key("set-cookie"),
        "only what the page shows comes back"
    );
    assert!(
        answer
            .body_mut()
            .read_to_string()
            .unwrap()
            .ends_with("data: [DONE]\n\n")
    );
    let asked = asked.join().unwrap();
    assert!(
        asked.starts_with("POST /v1/chat/completions") && asked.contains("Bearer kt_gk_mine"),
        "{asked}"
    );
    assert!(
        asked.ends_with(r#"{"model":"chat","stream":true}"#),
        "{asked}"
    );
    assert_eq!(service.post("/v1/playground", API, b"{}").0, 400);
}
