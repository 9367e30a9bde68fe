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
    let mut moderation = moderation(OnModerationError::Allow);
    let question = request(&moderation, BODY).unwrap().unwrap();
    assert_eq!(
        question.body,
        br#"{"model":"omni","input":["be\nbrief","h\u00ef"]}"#
    );
    assert_eq!(question.inputs, 2);
    moderation.model = None;
    let question = request(&moderation, BODY).unwrap().unwrap();
    assert_eq!(question.body, br#"{"input":["be\nbrief","h\u00ef"]}"#);
    assert_eq!(request(&moderation, b"{\"messages\":[]}"), Ok(None));
    assert!(request(&moderation, b"{").is_err());
}

#[test]
fn what_belongs_together_is_asked_together() {
    let mut moderation = moderation(OnModerationError::Allow);
    moderation.model = None;
    let body = br#"{"tools":[{"name":"n","description":"a","input_schema":{"b":1}}],"messages":[{"content":[
        {"type":"tool_use","input":{"c":"d\n","e":[2]}},{"text":"f"}]}],"temperature":1}"#;
    let question = request(&moderation, body).unwrap().unwrap();
    assert_eq!(
        question.body,
        br#"{"input":["a\nb\n1","c\nd\n\ne\n2","f"]}"#
    );
    assert_eq!(question.inputs, 3);
}

fn judged(flagged: bool, found: &[&str], judged: &[ContentCategory]) -> ModerationResult {
    ModerationResult {
        flagged,
        categories: found.iter().map(|name| (*name).to_owned()).collect(),
        judged: Categories::of(judged),
    }
}

#[test]
fn answers_are_read() {
    use ContentCategory::{Hate, SelfHarm, Violence};
    let openai = br#"{"id":"modr-1","model":"omni","results":[
        {"flagged":false,"categories":{"hate":false,"self-harm":false},"category_scores":{"hate":0.1}},
        {"flagged":true,"categories":{"self-harm/intent":true,"hate":false,"violence":false,"illicit":null}}]}"#;
    let expected = judged(true, &["self-harm/intent"], &[Hate, SelfHarm]);
    assert_eq!(read(200, openai, 2), Ok(expected.clone()));
    assert_eq!(read(200, openai, 1), Ok(expected));
    let mistral = br#"{"results":[{"categories":{"violence_and_threats":true,"pii":false}}]}"#;
    assert_eq!(
        read(200, mistral, 1),
        Ok(judged(true, &["violence_and_threats"], &[Violence]))
    );
    let flag = br#"{"error":null,"results":[{"flagged":true}]}"#;
    assert_eq!(read(200, flag, 1), Ok(judged(true, &[], &[])));
    assert_eq!(
        read(500, openai, 2),
        Err(ModerationUnavailable::Status(500))
    );
}

/// Each would let a request pass that nobody has judged.
#[test]
fn what_judges_nothing_is_no_answer() {
    for body in [
        "",
        "{}",
        "[]",
        "null",
        "<html>",
        r#"{"results":null}"#,
        r#"{"results":{}}"#,
        r#"{"results":[{}]}"#,
        r#"{"results":[null]}"#,
        r#"{"results":[[]]}"#,
        r#"{"results":["ok"]}"#,
        r#"{"results":[{"flagged":false}]}"#,
        r#"{"results":[{"flagged":false,"categories":{}}]}"#,
        r#"{"results":[{"flagged":false,"categories":null}]}"#,
        r#"{"results":[{"flagged":false,"categories":{"hate":null}}]}"#,
        r#"{"results":[{"flagged":false,"categories":[]}]}"#,
        r#"{"results":[{"flagged":"false","categories":{"hate":false}}]}"#,
        r#"{"results":[{"flagged":0,"categories":{"hate":false}}]}"#,
        r#"{"results":[{"flagged":false,"categories":{"hate":"true"}}]}"#,
        r#"{"results":[{"flagged":false,"categories":{"hate":1}}]}"#,
        r#"{"results":[{"flagged":false,"categories":{"hate":false}}],"results":[]}"#,
        r#"{"results":[{"flagged":false,"categories":{"hate":false}}],"error":{"message":"m"}}"#,
        r#"{"error":{"message":"overloaded"}}"#,
        r#"{"results":[{"flagged":false,"categories":{"hate":false}},{}]}"#,
        r#"{"results":[{"flagged":false,"categories":{"hate":false}}]"#,
    ] {
        let answer = read(200, body.as_bytes(), 1);
        assert!(
            matches!(answer, Err(ModerationUnavailable::NotAModeration(_))),
            "{body}: {answer:?}"
        );
    }
    let one = br#"{"results":[{"flagged":false,"categories":{"hate":false}}]}"#;
    assert!(read(200, one, 1).is_ok());
    for (body, inputs, found) in [
        (&one[..], 2, 1),
        (br#"{"results":[]}"#, 1, 0),
        (br#"{"results":[]}"#, 0, 0),
    ] {
        let expected = inputs.max(1);
        assert_eq!(
            read(200, body, inputs),
            Err(ModerationUnavailable::TooFewResults { expected, found })
        );
    }
}

#[test]
fn a_result_counts_where_it_was_asked_for() {
    use ContentCategory::{Hate, Pii, SelfHarm, Violence};
    let said = |names: &[&str]| Ok(judged(true, names, &[Hate, Violence]));
    let silent = Ok(judged(false, &[], &[Hate, Violence]));
    let gone = Err(ModerationUnavailable::NoAnswer);
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
        // It flags, and does not say why.
        (
            vec![Hate],
            PolicyAction::Block,
            Allow,
            Ok(judged(true, &[], &[])),
            Outcome::Blocked,
            block(&[]),
        ),
        // It does not judge what was asked for, or a part of it only.
        (
            vec![Hate, SelfHarm],
            PolicyAction::Block,
            Block,
            Ok(judged(false, &[], &[Hate])),
            Outcome::Blocked,
            block(&[]),
        ),
        (
            vec![Hate],
            PolicyAction::Block,
            Allow,
            Ok(judged(true, &["illicit"], &[Violence])),
            Outcome::NotJudged,
            Verdict::Allow,
        ),
    ];
    for (categories, action, on_error, judgement, result, verdict) in table {
        let guardrails = guardrails(&categories, action, on_error);
        let places: Vec<usize> = guardrails.moderations().map(|(place, _)| place).collect();
        assert_eq!(places, [1]);
        let mut evaluation = guardrails.evaluate(BODY).unwrap();
        guardrails.record_moderation(&mut evaluation, 1, &judgement);
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
    let before = guardrails.evaluate(body).unwrap();
    for judgement in [
        Ok(judged(false, &[], &[ContentCategory::Hate])),
        Err(ModerationUnavailable::NoAnswer),
    ] {
        let mut after = before.clone();
        guardrails.record_moderation(&mut after, 1, &judgement);
        assert_eq!(after, before);
    }
    // A place that asks nobody.
    let mut after = before.clone();
    guardrails.record_moderation(&mut after, 0, &Err(ModerationUnavailable::NoAnswer));
    guardrails.record_moderation(&mut after, 9, &Err(ModerationUnavailable::NoAnswer));
    assert_eq!(after, before);
}
