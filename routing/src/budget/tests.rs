#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const DAY_MS: u64 = 86_400_000;
const TODAY: u64 = 1_699_920_000_000;
const TOMORROW: u64 = TODAY + DAY_MS;

fn account(limit: u64) -> Account {
    Account {
        key: AccountKey::of_provider("openai", "daily"),
        limit,
        period_start_ms: TODAY,
        spent_elsewhere: 0,
        spent_here: 0,
    }
}

/// The account on the day that starts then, without any report.
fn on(day_ms: u64, account: Account) -> Account {
    Account {
        period_start_ms: day_ms,
        spent_elsewhere: 0,
        spent_here: 0,
        ..account
    }
}

fn claim(account: &Account, estimate: u64) -> Claim<'_> {
    Claim { account, estimate }
}

#[test]
fn the_last_cent_is_spent_and_no_further_one() {
    let openai = account(100);
    let mut ledger = Ledger::default();
    let first = ledger.reserve(&[claim(&openai, 60)]).unwrap();
    assert_eq!(ledger.reserve(&[claim(&openai, 41)]), Err(vec![openai.key]));
    let second = ledger.reserve(&[claim(&openai, 40)]).unwrap();
    ledger.settle(&first[0], 50);
    ledger.settle(&second[0], 0);
    // 50 spent, nothing reserved: 50 remain.
    let third = ledger.reserve(&[claim(&openai, 50)]).unwrap();
    ledger.settle(&third[0], 70);
    let usage = ledger.usage(&openai);
    assert_eq!((usage.spent, usage.reserved), (120, 0));
    assert!(usage.is_spent());
    // Even a claim without a known cost.
    assert!(ledger.reserve(&[claim(&openai, 0)]).is_err());
}

#[test]
fn what_others_spent_counts() {
    let mut openai = account(100);
    openai.spent_elsewhere = 70;
    let mut ledger = Ledger::default();
    assert!(ledger.reserve(&[claim(&openai, 31)]).is_err());
    assert!(ledger.reserve(&[claim(&openai, 30)]).is_ok());
    openai.spent_elsewhere = 100;
    assert!(ledger.usage(&openai).is_spent());
}

#[test]
fn what_was_spent_before_there_was_a_limit_counts_once() {
    let mut openai = account(100);
    openai.spent_here = 40;
    let mut ledger = Ledger::default();
    let granted = ledger.reserve(&[claim(&openai, 10)]).unwrap();
    ledger.settle(&granted[0], 10);
    assert_eq!(ledger.usage(&openai).spent, 50);
    // The collector has counted those ten; its report is behind or equal.
    for known_there in [45, 50] {
        openai.spent_here = known_there;
        assert_eq!(ledger.usage(&openai).spent, 50);
    }
    openai.spent_here = 55;
    assert_eq!(ledger.usage(&openai).spent, 55);
}

#[test]
fn a_claim_on_several_accounts_is_granted_whole_or_not_at_all() {
    let (openai, mut key) = (account(100), account(10));
    key.key = AccountKey::of_gateway_key("openai");
    assert_ne!(openai.key, key.key);
    let mut ledger = Ledger::default();
    let refused = ledger.reserve(&[claim(&openai, 50), claim(&key, 11)]);
    assert_eq!(refused, Err(vec![key.key]));
    assert_eq!(ledger, Ledger::default());
    // Two attempts at one provider need budget for both.
    let both = [claim(&openai, 50), claim(&openai, 51)];
    assert_eq!(ledger.reserve(&both), Err(vec![openai.key]));
    let both = [claim(&openai, 50), claim(&openai, 50)];
    assert_eq!(ledger.reserve(&both).map(|list| list.len()), Ok(2));
    assert_eq!(ledger.usage(&openai).reserved, 100);
}

#[test]
fn the_next_period_begins_with_nothing_spent_and_bills_stay_in_theirs() {
    let mut openai = account(100);
    openai.spent_elsewhere = 50;
    let tomorrow = on(TOMORROW, openai);
    let mut ledger = Ledger::default();
    let late = ledger.reserve(&[claim(&openai, 50)]).unwrap();
    assert!(ledger.reserve(&[claim(&openai, 1)]).is_err());
    let early = ledger.reserve(&[claim(&tomorrow, 100)]).unwrap();
    // Yesterday's request counts for yesterday.
    ledger.settle(&late[0], 50);
    assert_eq!(ledger.usage(&tomorrow).spent, 0);
    assert_eq!(ledger.usage(&openai).spent, 100);
    ledger.settle(&early[0], 30);
    assert_eq!(ledger.usage(&tomorrow).spent, 30);
    // The collector reports other spending later.
    let told = Account {
        spent_elsewhere: 20,
        ..tomorrow
    };
    assert_eq!(ledger.usage(&told).spent, 50);
}

#[test]
fn a_clock_that_jumps_ahead_and_back_forgets_nothing() {
    let openai = account(100);
    let mut ledger = Ledger::default();
    let spend = |ledger: &mut Ledger, account: &Account, amount| {
        let granted = ledger.reserve(&[claim(account, amount)]).unwrap();
        ledger.settle(&granted[0], amount);
    };
    spend(&mut ledger, &openai, 90);
    // A year ahead, and back.
    let ahead = on(TODAY + 365 * DAY_MS, openai);
    spend(&mut ledger, &ahead, 70);
    assert_eq!(ledger.usage(&openai).spent, 90);
    assert!(ledger.reserve(&[claim(&openai, 11)]).is_err());
    // A clock slightly ahead around midnight reaches tomorrow first, and today after it.
    let mut early = Ledger::default();
    for (day, amount) in [(0, 10), (2, 80), (1, 5)] {
        spend(&mut early, &on(TODAY + day * DAY_MS, openai), amount);
    }
    assert_eq!(early.usage(&on(TODAY + 2 * DAY_MS, openai)).spent, 80);
    // Days pass normally: the year ahead is evicted, today is not.
    for day in 1..5 {
        let today = on(TODAY + day * DAY_MS, openai);
        spend(&mut ledger, &today, 60);
        assert_eq!(ledger.usage(&today).spent, 60);
        let yesterday = on(TODAY + (day - 1) * DAY_MS, openai);
        assert!(ledger.usage(&yesterday).spent >= 60);
        assert_eq!(ledger.lines.len(), 2);
    }
}

#[test]
fn a_ledger_survives_shared_data_and_nonsense_is_an_empty_one() {
    let openai = account(100);
    let mut ledger = Ledger::default();
    let granted = ledger.reserve(&[claim(&openai, 60)]).unwrap();
    ledger.settle(&granted[0], 5);
    ledger.reserve(&[claim(&openai, 7)]).unwrap();
    let bytes = ledger.encode();
    assert_eq!(Ledger::decode(&bytes), ledger);
    for nonsense in [&b""[..], b"KTBL", b"KTBL\x01", b"other", &[0; 64]] {
        assert_eq!(Ledger::decode(nonsense), Ledger::default());
    }
    assert!(ledger.retain(|_| false));
    assert_eq!(ledger, Ledger::default());
}

#[cfg(not(target_arch = "wasm32"))]
mod any_interleaving {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Reserve { estimate: u64 },
        Settle { which: usize, billed: u64 },
        Elsewhere { spent: u64 },
        Reload,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0_u64..200).prop_map(|estimate| Step::Reserve { estimate }),
            4 => (any::<usize>(), 0_u64..400).prop_map(|(which, billed)| Step::Settle { which, billed }),
            1 => (0_u64..100).prop_map(|spent| Step::Elsewhere { spent }),
            1 => Just(Step::Reload),
        ]
    }

    proptest! {
        #[test]
        fn spending_stays_within_limit_and_excess_of_what_is_in_flight(
            limit in 0_u64..2_000,
            steps in prop::collection::vec(step(), 0..300),
        ) {
            let mut account = account(limit);
            let mut ledger = Ledger::default();
            let mut in_flight: Vec<(Reservation, u64)> = Vec::new();
            // From requests in flight at the last grant.
            let mut excess = 0;
            let mut spent = 0;
            for step in steps {
                match step {
                    Step::Reserve { estimate } => {
                        if let Ok(granted) = ledger.reserve(&[claim(&account, estimate)]) {
                            in_flight.push((granted[0], estimate));
                            excess = 0;
                            let reserved: u64 = in_flight.iter().map(|(_, estimate)| estimate).sum();
                            prop_assert!(account.spent_elsewhere + spent + reserved <= limit);
                        }
                    }
                    Step::Settle { which, billed } if !in_flight.is_empty() => {
                        let (reservation, estimate) = in_flight.swap_remove(which % in_flight.len());
                        ledger.settle(&reservation, billed);
                        spent += billed;
                        excess += billed.saturating_sub(estimate);
                    }
                    Step::Settle { .. } => {}
                    Step::Elsewhere { spent } => {
                        // Other processes spend without asking here: their spending after the last grant cannot be
                        // bounded.
                        account.spent_elsewhere = account.spent_elsewhere.max(spent);
                    }
                    Step::Reload => ledger = Ledger::decode(&ledger.encode()),
                }
                prop_assert!(spent <= limit + excess);
                let usage = ledger.usage(&account);
                prop_assert_eq!(usage.spent, spent + account.spent_elsewhere);
                let reserved: u64 = in_flight.iter().map(|(_, estimate)| estimate).sum();
                prop_assert_eq!(usage.reserved, reserved);
            }
        }
    }
}
