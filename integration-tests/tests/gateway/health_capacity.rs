//! Envoy's own limits and its view of single hosts, beside the filter's view of targets.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use harness::{
    Behaviour, Dialect, Gateway, Load, PATIENCE, PolicyText, Provider, Upstream, table_by_second,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::health::{MODEL, Ward, changes, two_workers};
use crate::health_outage::assert_all_served;

/// More than what Envoy's circuit breakers let through where nobody configures them.
const CROWD: usize = 1_200;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_crowd_neither_fills_a_pool_nor_makes_a_provider_ill() {
    let ward = Ward::with("circuit_breaker: {failure_threshold: 1}", 60_000).await;
    ward.providers[0].behave(Behaviour::Stall);
    let client = ward.gateway.client();
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let client = client.clone();
        crowd.spawn(async move { client.chat(MODEL).await });
    }
    let all_there = ward.providers[0].wait_until(|received| received.len() == CROWD);
    tokio::time::timeout(PATIENCE, all_there)
        .await
        .unwrap_or_else(|_| panic!("only {} came through", ward.providers[0].received().len()));
    assert_eq!(ward.first().await["status"], "healthy");
    assert_eq!(ward.providers[1].received().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_provider_of_two_hosts_loses_one_and_stays_healthy() {
    let [first, second, spare] =
        ["a", "b", "spare"].map(|name| Provider::start(name, Dialect::OpenAi));
    let (first, second, spare) = (
        first.await.unwrap(),
        second.await.unwrap(),
        spare.await.unwrap(),
    );
    let upstreams = [
        // A name, so that its cluster is rendered for many hosts.
        Upstream::at_url("p0", "http://provider.invalid:8080/v1"),
        Upstream::at("p1", &spare, Dialect::OpenAi),
    ];
    let members = [("p0", "m", 5_000), ("p1", "m", 5_000)];
    let policy = PolicyText::failover(&upstreams, MODEL, &members);
    let gateway = Gateway::start_with(&policy, &two_workers()).await;
    resolve(&gateway, "kt/p0/", &[&first, &second]).await;

    let load = Load::start(gateway.client(), MODEL, 200);
    // LLM answers take their time: the dead host fails faster than the other one serves.
    for provider in [&first, &second] {
        provider.behave(Behaviour::AnswerAfter(Duration::from_millis(50)));
    }
    let both = async {
        first.wait_until(|received| !received.is_empty()).await;
        second.wait_until(|received| !received.is_empty()).await;
    };
    both.await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    first.go_down();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let ejected = gateway.admin("/stats?filter=ejections_active").await;
    let exchanges = load.stop().await;
    println!("{}{ejected}", table_by_second(&exchanges));
    assert_all_served(&exchanges);
    assert_eq!(changes(&gateway.log()), [], "p0 changed its state");
    assert!(ejected.contains("ejections_active: 1"), "{ejected}");
    let late = exchanges
        .iter()
        .filter(|exchange| exchange.sent > Duration::from_secs(2));
    assert!(late.clone().count() > 100);
    assert_eq!(late.filter(|exchange| exchange.provider != "p0").count(), 0);
}

/// Two workers and a limit of one request: a worker may find its own pool empty and the limit reached, and learn that only
/// when it has connected.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_limit_of_envoys_turns_away_is_not_held_against_the_provider() {
    let ward = Ward::alone_with("circuit_breaker: {failure_threshold: 1}", 5_000).await;
    limit_to_one_request(&ward).await;
    let load = Load::start(ward.gateway.client(), MODEL, 50);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let exchanges = load.stop().await;
    println!("{}", table_by_second(&exchanges));
    let turned_away = exchanges.iter().filter(|exchange| !exchange.is_served());
    assert!(turned_away.clone().count() > 10, "the pool was never full");
    for exchange in turned_away {
        assert_eq!(exchange.status, Some(503), "{exchange:?}");
    }
    assert_eq!(ward.changes_of("p0"), []);
    assert_eq!(ward.first().await["consecutive_failures"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn behind_the_first_byte_hop_the_next_target_serves_what_a_limit_turns_away() {
    // Streams take the hop to the target with the shorter timeout.
    let ward = Ward::alone_with("circuit_breaker: {failure_threshold: 1}", 4_000).await;
    limit_to_one_request(&ward).await;
    let client = ward.gateway.client();
    let mut crowd = JoinSet::new();
    for _ in 0..20 {
        let client = client.clone();
        crowd.spawn(async move { client.chat_stream(MODEL).await });
    }
    let mut passed_over = 0;
    while let Some(answer) = crowd.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        passed_over += usize::from(answer.provider() == "p1");
    }
    assert!(passed_over > 10, "the pool was never full");
    assert_eq!(ward.changes_of("p0"), []);
    assert_eq!(ward.first().await["consecutive_failures"], 0);
}

/// As somebody may do who changes the rendered clusters. The provider takes its time, so that requests meet.
async fn limit_to_one_request(ward: &Ward) {
    ward.providers[0].behave(Behaviour::AnswerAfter(Duration::from_millis(300)));
    change_clusters(&ward.gateway, "kt/p0/", |cluster| {
        let limits = json!([{"max_connections": 1, "max_pending_requests": 1, "max_requests": 1}]);
        cluster["circuit_breakers"]["thresholds"] = limits;
    })
    .await;
}

/// Gives the clusters whose names begin with `prefix` these hosts, as if their name had resolved to them.
async fn resolve(gateway: &Gateway, prefix: &str, providers: &[&Provider]) {
    let hosts: Vec<Value> = providers
        .iter()
        .map(|provider| {
            let address = provider.address();
            json!({"endpoint": {"address": {"socket_address": {
                "address": address.ip().to_string(), "port_value": address.port(),
            }}}})
        })
        .collect();
    change_clusters(gateway, prefix, |cluster| {
        cluster.as_object_mut().unwrap().remove("cluster_type");
        cluster["type"] = "STATIC".into();
        cluster["load_assignment"]["endpoints"][0]["lb_endpoints"] = hosts.clone().into();
    })
    .await;
}

/// Changes what Envoy was given as the clusters whose names begin with `prefix`, and waits until it works with that.
async fn change_clusters(gateway: &Gateway, prefix: &str, change: impl Fn(&mut Value)) {
    let folder = PathBuf::from(gateway.ports()["run_directory"].as_str().unwrap());
    let file = folder.join("clusters.json");
    let mut clusters: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for cluster in clusters["resources"].as_array_mut().unwrap() {
        if cluster["name"].as_str().unwrap().starts_with(prefix) {
            change(cluster);
        }
    }
    clusters["version_info"] = "changed".into();
    let fresh = folder.join("clusters.new");
    std::fs::write(&fresh, clusters.to_string()).unwrap();
    std::fs::rename(fresh, file).unwrap();
    let started = Instant::now();
    while !gateway
        .admin("/stats?filter=cds.version_text")
        .await
        .contains("changed")
    {
        assert!(
            started.elapsed() < PATIENCE,
            "Envoy did not take the clusters"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
