//! The scenario tables of the documents: who serves when the first ones cannot.

use std::time::Duration;

use harness::{Behaviour, Dialect, Gateway, PolicyText, Provider, Upstream};

use crate::support::Chain;

#[tokio::test]
async fn the_first_target_serves_while_it_can() {
    let chain = Chain::of(3).await;
    let answer = chain.gateway.client().chat("chain").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["model"], "m0");
    assert_eq!(answer.provider(), "p0");
    assert_eq!(answer.header("x-keeptrusts-model"), "m0");
    assert_eq!(answer.header("x-keeptrusts-model-group"), "chain");
    assert_eq!(answer.header("x-keeptrusts-fallback-count"), "0");
    let metadata = &answer.json()["keeptrusts_metadata"];
    assert_eq!(metadata["provider"], "p0");
    assert_eq!(metadata["model_group"], "chain");
    assert_eq!(metadata["failover"]["triggered"], false);
    assert_eq!(
        metadata["request_id"],
        answer.header("x-keeptrusts-request-id")
    );
    assert_eq!(chain.counts(), [1, 0, 0]);
    chain.assert_nothing_leaked();
}

#[tokio::test]
async fn a_primary_that_times_out_is_followed_by_the_second() {
    let chain = Chain::with_timeouts(&[300, 5_000, 5_000]).await;
    chain.providers[0].behave(Behaviour::Stall);
    let answer = chain.gateway.client().chat("chain").await;
    assert_eq!((answer.status, answer.provider()), (200, "p1"));
    let failover = &answer.json()["keeptrusts_metadata"]["failover"];
    assert_eq!(failover["triggered"], true);
    assert_eq!(failover["original_provider"], "p0");
    assert_eq!(failover["reason"], "upstream_timeout");
    assert!(
        answer.took >= Duration::from_millis(290),
        "took {:?}",
        answer.took
    );
    chain.assert_nothing_leaked();
}

#[tokio::test]
async fn the_third_serves_when_two_are_down() {
    let chain = Chain::of(3).await;
    chain.providers[0].go_down();
    chain.providers[1].go_down();
    let answer = chain.gateway.client().chat("chain").await;
    assert_eq!((answer.status, answer.provider()), (200, "p2"));
    assert_eq!(answer.header("x-keeptrusts-fallback-count"), "2");
    assert_eq!(
        answer.json()["keeptrusts_metadata"]["failover"]["reason"],
        "upstream_connect"
    );
    chain.assert_nothing_leaked();
}

#[tokio::test]
async fn all_down_is_503_with_retry_after() {
    let chain = Chain::of(3).await;
    chain.providers.iter().for_each(Provider::go_down);
    let answer = chain.gateway.client().chat("chain").await;
    assert_eq!(
        answer.error(),
        (
            503,
            "upstream_error".into(),
            "all_providers_unavailable".into()
        )
    );
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
}

#[tokio::test]
async fn an_error_from_the_last_one_is_502() {
    let chain = Chain::of(2).await;
    for provider in &chain.providers {
        provider.behave(Behaviour::status(500));
    }
    let answer = chain.gateway.client().chat("chain").await;
    assert_eq!(
        answer.error(),
        (502, "upstream_error".into(), "upstream_failed".into())
    );
    assert_eq!(chain.counts(), [1, 1]);
}

#[tokio::test]
async fn all_rate_limited_is_429_with_the_smallest_retry_after() {
    let chain = Chain::of(2).await;
    chain.providers[0].behave(Behaviour::status(429).with_header("retry-after", "30"));
    chain.providers[1].behave(Behaviour::status(429).with_header("retry-after", "7"));
    let answer = chain.gateway.client().chat("chain").await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), "7");
}

#[tokio::test]
async fn eight_attempts_go_down_the_chain_in_the_plans_order() {
    let chain = Chain::of(8).await;
    for provider in &chain.providers[..7] {
        provider.behave(Behaviour::status(503));
    }
    let answer = chain.gateway.client().chat("chain").await;
    assert_eq!((answer.status, answer.provider()), (200, "p7"));
    assert_eq!(chain.counts(), [1; 8]);
    let times: Vec<_> = chain
        .providers
        .iter()
        .map(|provider| provider.received()[0].at)
        .collect();
    assert!(times.is_sorted(), "attempts overtook each other");
    for (index, provider) in chain.providers.iter().enumerate() {
        assert_eq!(provider.received()[0].json()["model"], format!("m{index}"));
    }
    chain.assert_nothing_leaked();
}

#[tokio::test]
async fn a_plan_of_one_target_gives_the_providers_own_error() {
    let chain = Chain::of(1).await;
    chain.providers[0].behave(Behaviour::status(500));
    let answer = chain.gateway.client().chat("chain").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["error"]["message"], "simulated 500");
    assert_eq!(answer.provider(), "p0");
    chain.providers[0].go_down();
    assert_eq!(chain.gateway.client().chat("chain").await.status, 503);
    // It was asked twice, and not at all when it was down.
    assert_eq!(chain.counts(), [2]);
}

#[tokio::test]
async fn one_provider_can_be_tried_with_two_models() {
    let provider = Provider::start("both", Dialect::OpenAi).await.unwrap();
    let upstream = Upstream::at("both", &provider, Dialect::OpenAi);
    let members = [("both", "large", 5_000), ("both", "small", 5_000)];
    let gateway = Gateway::serving(&PolicyText::failover(&[upstream], "twice", &members)).await;
    provider.next([Behaviour::status(500)]);
    let answer = gateway.client().chat("twice").await;
    assert_eq!(
        (answer.status, answer.header("x-keeptrusts-model")),
        (200, "small")
    );
    let models: Vec<_> = provider
        .received()
        .iter()
        .map(|request| request.json()["model"].clone())
        .collect();
    assert_eq!(models, ["large", "small"]);
}

#[tokio::test]
async fn a_host_that_does_not_resolve_is_passed_over() {
    let provider = Provider::start("there", Dialect::OpenAi).await.unwrap();
    let upstreams = [
        Upstream::at_url("nowhere", "http://provider.invalid/v1"),
        Upstream::at("there", &provider, Dialect::OpenAi),
    ];
    let members = [("nowhere", "m", 5_000), ("there", "m", 5_000)];
    let gateway = Gateway::serving(&PolicyText::failover(&upstreams, "dns", &members)).await;
    let answer = gateway.client().chat("dns").await;
    assert_eq!((answer.status, answer.provider()), (200, "there"));
    assert_eq!(
        answer.json()["keeptrusts_metadata"]["failover"]["reason"],
        "upstream_connect"
    );
}

#[tokio::test]
async fn fallback_groups_follow_when_a_group_is_exhausted() {
    let first = Provider::start("first", Dialect::OpenAi).await.unwrap();
    let last = Provider::start("last", Dialect::OpenAi).await.unwrap();
    let upstreams = [
        Upstream::at("first", &first, Dialect::OpenAi),
        Upstream::at("last", &last, Dialect::OpenAi),
    ];
    let rest = "
model_groups:
  - name: production
    aliases: [gpt-alias]
    fallback_group: backup
    models: [{provider: first, model: a}]
  - name: backup
    models: [{provider: last, model: b}]
";
    let gateway = Gateway::serving(&PolicyText::over(&upstreams, rest)).await;
    first.behave(Behaviour::status(500));
    let answer = gateway.client().chat("gpt-alias").await;
    assert_eq!((answer.status, answer.provider()), (200, "last"));
    assert_eq!(answer.header("x-keeptrusts-model-group"), "production");
}
