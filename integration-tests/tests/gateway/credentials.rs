//! A provider's key reaches that provider only.

use harness::{
    Behaviour, Dialect, Gateway, GatewayOptions, PolicyText, Provider, Upstream, folder_contains,
};
use reqwest::Method;

use crate::support::assert_only_own_key;

#[tokio::test]
async fn each_provider_sees_its_own_key_on_every_attempt() {
    let openai = Provider::start("openai", Dialect::OpenAi).await.unwrap();
    let azure = Provider::start("azure", Dialect::OpenAi).await.unwrap();
    let anthropic = Provider::start("anthropic", Dialect::Anthropic)
        .await
        .unwrap();
    let upstreams = [
        Upstream::at("openai", &openai, Dialect::OpenAi),
        Upstream::at_url(
            "azure",
            &format!("http://{}/openai/deployments/gpt-4o", azure.address()),
        )
        .vendor("azure-openai"),
        Upstream::at("anthropic", &anthropic, Dialect::Anthropic),
    ];
    let members = [
        ("openai", "gpt-4o", 5_000),
        ("azure", "gpt-4o", 5_000),
        ("anthropic", "claude-sonnet-4", 5_000),
    ];
    let gateway = Gateway::start(&PolicyText::failover(&upstreams, "all", &members)).await;
    openai.behave(Behaviour::status(401));
    azure.behave(Behaviour::status(500));
    let headers = [
        ("authorization", "Bearer kt_gk_client-secret"),
        ("x-api-key", "kt_gk_client-secret"),
        ("api-key", "kt_gk_client-secret"),
        ("cookie", "session=kt_gk_client-secret"),
    ];
    let body = harness::chat_body("all").to_string().into_bytes();
    let answer = gateway
        .client()
        .send(Method::POST, "/v1/chat/completions", &headers, body)
        .await;
    assert_eq!(
        (answer.status, answer.provider()),
        (200, "anthropic"),
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    for (provider, id) in [
        (&openai, "openai"),
        (&azure, "azure"),
        (&anthropic, "anthropic"),
    ] {
        assert_eq!(provider.received().len(), 1, "{id}");
        assert_only_own_key(provider, id);
    }
    assert!(
        openai.received()[0]
            .header("authorization")
            .unwrap()
            .starts_with("Bearer ")
    );
    assert_eq!(azure.received()[0].header("authorization"), None);
    assert!(azure.received()[0].header("api-key").is_some());
    assert!(anthropic.received()[0].header("x-api-key").is_some());
    assert_eq!(anthropic.received()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_missing_key_leaves_the_others_serving() {
    let with = Provider::start("with", Dialect::OpenAi).await.unwrap();
    let without = Provider::start("without", Dialect::OpenAi).await.unwrap();
    let upstreams = [
        Upstream::at("without", &without, Dialect::OpenAi),
        Upstream::at("with", &with, Dialect::OpenAi),
    ];
    let members = [("without", "m", 5_000), ("with", "m", 5_000)];
    let policy = PolicyText::failover(&upstreams, "some", &members);
    let options = GatewayOptions {
        without: vec!["KEY_WITHOUT".into()],
        ..GatewayOptions::default()
    };
    let gateway = Gateway::start_with(&policy, &options).await;
    let answer = gateway.client().chat("some").await;
    assert_eq!((answer.status, answer.provider()), (200, "with"));
    assert!(without.received().is_empty());
    let health = gateway.client().get("/health").await.json();
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["providers"]["without"]["status"], "unhealthy");
    assert_eq!(
        health["providers"]["without"]["reason"],
        "credential_missing"
    );
    assert!(
        gateway
            .log()
            .iter()
            .any(|line| line.contains("KEY_WITHOUT")),
        "{:?}",
        gateway.log()
    );
}

#[tokio::test]
async fn keys_are_nowhere_but_in_the_secret_files() {
    let provider = Provider::start("only", Dialect::OpenAi).await.unwrap();
    let upstream = Upstream::at("only", &provider, Dialect::OpenAi);
    let key = upstream.key();
    let gateway = Gateway::start(&PolicyText::failover(
        &[upstream],
        "g",
        &[("only", "m", 5_000)],
    ))
    .await;
    assert_eq!(gateway.client().chat("g").await.status, 200);
    let dump = gateway.admin("/config_dump?include_eds").await;
    assert!(!dump.contains(&key), "the key shows in /config_dump");
    assert!(
        !gateway.log().join("\n").contains(&key),
        "the key shows in the log"
    );
    let (status, _, folder) = gateway.stop().await;
    assert!(status.success(), "{status}");
    assert!(
        !folder_contains(folder.path(), &key),
        "a key stayed on disk"
    );
}

/// Envoy would abort. Where the system lets it watch thousands of files, nobody has so many keys.
#[tokio::test]
async fn a_policy_with_more_keys_than_envoy_can_watch_is_refused_and_the_next_one_is_taken() {
    const MOST: usize = 1000;
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_instances")
        .ok()
        .and_then(|limit| limit.trim().parse().ok());
    let Some(limit) = limit.filter(|limit| *limit <= MOST) else {
        println!("not on this system");
        return;
    };
    let provider = Provider::start("p0", Dialect::OpenAi).await.unwrap();
    let one = [Upstream::at("p0", &provider, Dialect::OpenAi)];
    let policy = PolicyText::failover(&one, "all", &[("p0", "gpt-4o", 5_000)]);
    let gateway = Gateway::start(&policy).await;
    let many: Vec<Upstream> = (0..limit)
        .map(|index| Upstream::at_url(&format!("p{index}"), "http://127.0.0.1:9"))
        .collect();
    std::fs::write(gateway.policy_file(), PolicyText::over(&many, "").text).unwrap();
    gateway
        .wait_for_log("sysctl fs.inotify.max_user_instances=")
        .await;

    let next = format!("{}# and another line\n", policy.text);
    gateway.change_policy(&next).await;
    let answer = gateway.client().chat("all").await;
    assert_eq!((answer.status, answer.provider()), (200, "p0"));
}
