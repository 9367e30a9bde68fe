#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use policy::{ContentPolicy, ContentPolicyKind, TargetId};

use super::*;

const BODY: &[u8] =
    br#"{"model":"m","messages":[{"role":"system","content":"be\nbrief"},{"role":"user","content":"h\u00ef"}]}"#;

fn moderation(on_error: OnModerationError) -> Moderation {
    Moderation {
        target: TargetId(0),
        model: Some("omni".to_owned()),
        timeout_ms: 1,
        on_error,
    }
}

fn guardrails(
    categories: &[ContentCategory],
    action: PolicyAction,
    on_error: OnModerationError,
) -> Guardrails {
    let policy = |name: &str, moderation| ContentPolicy {
        name: name.to_owned(),
        kind: ContentPolicyKind::ContentFilter {
            categories: categories.to_vec(),
            action,
            moderation,
        },
    };
    Guardrails::new(&[
        policy("own", None),
        policy("asks", Some(moderation(on_error))),
    ])
    .unwrap()
}

#[test]
fn the_question_has_every_text_as_the_client_wrote_it() {
    let format = ClientFormat::ChatCompletions;
    let mut moderation = moderation(OnModerationError::Allow);
    let question = request(&moderation, format, BODY).unwrap().unwrap();
    assert_eq!(
        question,
        br#"{"model":"omni","input":["be\nbrief","h\u00ef"]}"#
    );
    moderation.model = None;
    let question = request(&moderation, format, BODY).unwrap().unwrap();
    assert_eq!(question, br#"{"input":["be\nbrief","h\u00ef"]}"#);
    assert_eq!(request(&moderation, format, b"{\"messages\":[]}"), Ok(None));
    assert!(request(&moderation, format, b"{").is_err());
}

#[test]
fn answers_are_read_and_what_is_none_is_refused() {
    let judgement = |flagged, categories: &[&str]| {
        Ok(Judgement {
            flagged,
            categories: categories.iter().map(|name| (*name).to_owned()).collect(),
        })
    };
    let openai = br#"{"id":"modr-1","model":"omni","results":[{"flagged":false,"categories":{"hate":false},"category_scores":{"hate":0.1}},
        {"flagged":true,"categories":{"self-harm/intent":true,"hate":false,"illicit":null}}]}"#;
    assert_eq!(read(200, openai), judgement(true, &["self-harm/intent"]));
    let mistral = br#"{"results":[{"categories":{"violence_and_threats":true,"pii":false}}]}"#;
    assert_eq!(
        read(200, mistral),
        judgement(true, &["violence_and_threats"])
    );
    assert_eq!(
        read(200, br#"{"results":[{"flagged":true}]}"#),
        judgement(true, &[])
    );
    assert_eq!(read(200, br#"{"results":[]}"#), judgement(false, &[]));
    assert_eq!(read(500, openai), Err(NoJudgement::Status(500)));
    for body in [&b""[..], b"{}", b"[]", br#"{"results":[{}]}"#, b"<html>"] {
        assert!(matches!(
            read(200, body),
            Err(NoJudgement::NotAModeration(_))
        ));
    }
}

#[test]
fn a_judgement_counts_where_it_was_asked_for() {
    use ContentCategory::{Hate, Pii, Violence};
    let said = |names: &[&str]| {
        Ok(Judgement {
            flagged: true,
            categories: names.iter().map(|name| (*name).to_owned()).collect(),
        })
    };
    let silent = Ok(Judgement::default());
    let gone = Err(NoJudgement::NoAnswer);
    let block = |categories: &[ContentCategory]| Verdict::Block {
        policy: "asks".to_owned(),
        categories: categories.to_vec(),
    };
    use OnModerationError::{Allow, Block};
    let table = [
        (
            vec![Hate],
            PolicyAction::Block,
            Allow,
            said(&["hate/threatening"]),
            Outcome::Blocked,
            block(&[Hate]),
        ),
        (
            vec![Hate],
            PolicyAction::Block,
            Allow,
            said(&["violence"]),
            Outcome::Passed,
            Verdict::Allow,
        ),
        (
            vec![Hate, Violence],
            PolicyAction::Flag,
            Allow,
            said(&["violence"]),
            Outcome::Flagged,
            Verdict::Flag,
        ),
        // Without categories that a moderation target knows, its word counts.
        (
            vec![Pii],
            PolicyAction::Block,
            Allow,
            said(&["illicit"]),
            Outcome::Blocked,
            block(&[]),
        ),
        (
            vec![Hate],
            PolicyAction::Block,
            Allow,
            silent,
            Outcome::Passed,
            Verdict::Allow,
        ),
        (
            vec![Hate],
            PolicyAction::Block,
            Allow,
            gone.clone(),
            Outcome::NotJudged,
            Verdict::Allow,
        ),
        (
            vec![Hate],
            PolicyAction::Flag,
            Block,
            gone,
            Outcome::Blocked,
            block(&[]),
        ),
    ];
    for (categories, action, on_error, judgement, result, verdict) in table {
        let guardrails = guardrails(&categories, action, on_error);
        let places: Vec<usize> = guardrails.moderations().map(|(place, _)| place).collect();
        assert_eq!(places, [1]);
        let mut evaluation = guardrails
            .evaluate(ClientFormat::ChatCompletions, BODY)
            .unwrap();
        guardrails.judged(&mut evaluation, 1, &judgement);
        assert_eq!(evaluation.results[0].result, Outcome::Passed);
        assert_eq!(evaluation.results[1].result, result, "{judgement:?}");
        assert_eq!(evaluation.verdict, verdict, "{judgement:?}");
    }
}

#[test]
fn what_was_decided_before_is_not_weakened() {
    let guardrails = guardrails(
        &[ContentCategory::Hate],
        PolicyAction::Block,
        OnModerationError::Allow,
    );
    let body = br#"{"messages":[{"content":"sieg heil"}]}"#;
    let before = guardrails
        .evaluate(ClientFormat::ChatCompletions, body)
        .unwrap();
    for judgement in [Ok(Judgement::default()), Err(NoJudgement::NoAnswer)] {
        let mut after = before.clone();
        guardrails.judged(&mut after, 1, &judgement);
        assert_eq!(after, before);
    }
    // A place that asks nobody.
    let mut after = before.clone();
    guardrails.judged(&mut after, 0, &Err(NoJudgement::NoAnswer));
    guardrails.judged(&mut after, 9, &Err(NoJudgement::NoAnswer));
    assert_eq!(after, before);
}
