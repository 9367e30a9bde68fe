use super::*;

#[tokio::test]
async fn strangers_make_room_and_the_trusted_stay() {
    let connections = Connections::new(3);
    let (_, gateway) = connections.admit().unwrap();
    gateway.trust();
    let (_, first) = connections.admit().unwrap();
    let (_, second) = connections.admit().unwrap();
    let (third_id, third) = connections.admit().unwrap();
    // The oldest stranger was told to go; nobody else was.
    first.close.notified().await;
    for stays in [&gateway, &second, &third] {
        let told = tokio::time::timeout(Duration::from_millis(20), stays.close.notified());
        assert!(told.await.is_err());
    }
    second.trust();
    third.trust();
    assert!(connections.admit().is_none(), "all have shown a token");
    connections.remove(third_id);
    assert!(connections.admit().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_left() {
    let connections = Connections::new(3);
    let (_, stalled) = connections.admit().unwrap();
    let (_, working) = connections.admit().unwrap();
    tokio::time::advance(STALLED_AFTER - Duration::from_secs(1)).await;
    working.request_begins();
    tokio::time::advance(Duration::from_secs(1)).await;
    connections.close_stalled();
    stalled.close.notified().await;
    let told = tokio::time::timeout(Duration::from_millis(20), working.close.notified());
    assert!(told.await.is_err());
}

#[test]
fn errors_of_the_system_are_not_asked_for_in_a_loop() {
    let mut refusals = Refusals::default();
    // EMFILE
    let full = std::io::Error::from_raw_os_error(24);
    let pauses: Vec<_> = (0..10).map(|_| refusals.failed(&full)).collect();
    assert!(pauses.is_sorted() && pauses[0] > Duration::ZERO);
    assert_eq!(pauses[9], ACCEPT_BACKOFF.1);
    let one = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
    assert_eq!(refusals.failed(&one), Duration::ZERO);
    refusals.succeeded();
    assert_eq!(refusals.failed(&full), ACCEPT_BACKOFF.0);
}
