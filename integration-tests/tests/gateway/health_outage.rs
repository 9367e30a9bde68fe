//! A provider dies, hangs or flaps under load, and clients do not notice.

use std::time::Duration;

use harness::{Behaviour, Exchange, Load, table_by_second};

use crate::health::{INTERVAL, MODEL, PROBED, UNHEALTHY_THRESHOLD, Ward};

const RATE: u32 = 200;

/// Each of the two workers may have sent this many requests before it learns of the last failure of the other.
const IN_FLIGHT: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn killing_the_primary_under_load_is_not_noticed() {
    kill_and_revive(Duration::from_secs(2), Duration::from_secs(2)).await;
}

/// The same for a minute: `make soak`.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "takes a minute and a half"]
async fn killing_the_primary_for_a_minute_is_not_noticed() {
    kill_and_revive(Duration::from_secs(60), Duration::from_secs(15)).await;
}

async fn kill_and_revive(down: Duration, after: Duration) {
    let ward = Ward::with(PROBED, 5_000).await;
    ward.wait_until_first_is("healthy").await;
    let load = Load::start(ward.gateway.client(), MODEL, RATE);
    tokio::time::sleep(Duration::from_secs(1)).await;

    ward.providers[0].go_down();
    let killed = load.elapsed();
    tokio::time::sleep(down).await;
    let sick = ward.first().await;
    ward.providers[0].come_back().await.unwrap();
    let revived = load.elapsed();
    ward.wait_until_first_is("healthy").await;
    let healthy = load.elapsed();
    tokio::time::sleep(after).await;
    let exchanges = load.stop().await;
    println!(
        "killed after {killed:.1?}, revived after {revived:.1?}, healthy after {healthy:.1?}\n{}",
        table_by_second(&exchanges)
    );

    assert_eq!(sick["status"], "unhealthy");
    assert_all_served(&exchanges);
    let failed_over = exchanges.iter().filter(|exchange| exchange.failed_over());
    let failed_over = failed_over.count();
    // A probe may have been one of the failures that it took.
    assert!(
        (UNHEALTHY_THRESHOLD - 1..=UNHEALTHY_THRESHOLD + IN_FLIGHT).contains(&failed_over),
        "{failed_over} failovers"
    );
    // Its tasks end a moment after they were told to.
    let dead = killed + Duration::from_millis(50);
    // Nobody is sent to a dead provider, and none to a revived one before its probes have succeeded twice.
    let early = exchanges
        .iter()
        .filter(|exchange| (dead..revived).contains(&exchange.sent) && exchange.provider == "p0");
    assert_eq!(early.count(), 0);
    let backed_off = down > Duration::from_secs(5);
    let longest = if backed_off {
        INTERVAL * 8
    } else {
        INTERVAL * 3
    };
    assert!(
        healthy - revived > INTERVAL / 2 && healthy - revived < longest,
        "healthy after {:?}",
        healthy - revived
    );
    let back = exchanges
        .iter()
        .filter(|exchange| exchange.sent > healthy && exchange.provider == "p0");
    assert!(back.count() > 0, "no traffic came back");
    let changes: Vec<String> = ward
        .changes_of("p0")
        .into_iter()
        .map(|change| change.to)
        .collect();
    assert_eq!(changes, ["open", "closed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_waits_for_a_provider_that_hangs_once_it_is_known() {
    const TIMEOUT: Duration = Duration::from_millis(400);
    // Probes are answered, so that traffic alone has to find out.
    let ward = Ward::with("health_check: {enabled: false}", 400).await;
    ward.providers[0].behave(Behaviour::Stall);
    let load = Load::start(ward.gateway.client(), MODEL, 50);
    tokio::time::sleep(Duration::from_millis(2_000)).await;
    let exchanges = load.stop().await;
    println!("{}", table_by_second(&exchanges));
    assert_all_served(&exchanges);
    // Who came before the first timeouts had to wait; that they end together costs a little time.
    let known = TIMEOUT + Duration::from_millis(200);
    for exchange in &exchanges {
        let waited = exchange.took >= TIMEOUT;
        assert!(
            !waited || exchange.sent < known,
            "{exchange:?} waited although p0 was known to hang"
        );
    }
    assert!(
        exchanges
            .iter()
            .filter(|exchange| exchange.failed_over())
            .count()
            >= 3
    );
    assert_eq!(ward.changes_of("p0")[0].reason, "upstream_timeout");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_flapping_provider_changes_no_faster_than_the_thresholds_allow() {
    const FLAPS: usize = 4;
    // Up and down for less than two probes take, then for more.
    let ward = Ward::with(PROBED, 5_000).await;
    ward.wait_until_first_is("healthy").await;
    let load = Load::start(ward.gateway.client(), MODEL, RATE);
    for _ in 0..FLAPS {
        ward.providers[0].go_down();
        tokio::time::sleep(INTERVAL * 2).await;
        ward.providers[0].come_back().await.unwrap();
        tokio::time::sleep(INTERVAL * 2).await;
    }
    let exchanges = load.stop().await;
    println!("{}", table_by_second(&exchanges));
    assert_all_served(&exchanges);
    let changes = ward.changes_of("p0");
    let opened = changes.iter().filter(|change| change.to == "open").count();
    assert!((1..=FLAPS).contains(&opened), "{changes:?}");
    for pair in changes.windows(2) {
        assert_ne!(pair[0].to, pair[1].to, "{changes:?}");
    }
    for change in changes.iter().filter(|change| change.to == "closed") {
        assert_eq!(change.reason, "probes_succeeded");
    }
    let failed_over = exchanges.iter().filter(|exchange| exchange.failed_over());
    assert!(failed_over.count() <= FLAPS * (UNHEALTHY_THRESHOLD + IN_FLIGHT));
}

pub(crate) fn assert_all_served(exchanges: &[Exchange]) {
    let errors: Vec<_> = exchanges
        .iter()
        .filter(|exchange| !exchange.is_served())
        .collect();
    assert!(
        errors.is_empty(),
        "{} of {} failed, the first ones: {:#?}",
        errors.len(),
        exchanges.len(),
        &errors[..errors.len().min(3)]
    );
}
