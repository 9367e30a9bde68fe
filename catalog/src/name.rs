//! How names of hosts and models are compared. Nothing here allocates.

/// `pattern` holds at most one `*`, which stands for one character or more.
pub(crate) fn matches_host(pattern: &str, host: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.eq_ignore_ascii_case(host),
        Some((head, tail)) => {
            let rest = strip_prefix_ignoring_case(host, head);
            rest.is_some_and(|rest| rest.len() > tail.len() && ends_with_ignoring_case(rest, tail))
        }
    }
}

/// `pattern` may end with `*`.
pub(crate) fn matches_model(pattern: &str, model: &str) -> bool {
    match pattern.strip_suffix('*') {
        None => pattern.eq_ignore_ascii_case(model),
        Some(head) => strip_prefix_ignoring_case(model, head).is_some(),
    }
}

/// What follows `prefix`.
pub(crate) fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn ends_with_ignoring_case(text: &str, suffix: &str) -> bool {
    let tail = text.len().checked_sub(suffix.len());
    tail.and_then(|at| text.get(at..))
        .is_some_and(|tail| tail.eq_ignore_ascii_case(suffix))
}

/// What stands between the words of a model's name.
pub(crate) fn is_separator(character: char) -> bool {
    matches!(character, '-' | '.' | '_' | '@' | ':' | '/' | ' ')
}

/// The words of a model's name.
pub(crate) fn words(model: &str) -> impl Iterator<Item = &str> {
    model.split(is_separator)
}

/// What follows each place where `family` begins a word.
pub(crate) fn behind_family<'a>(model: &'a str, family: &str) -> impl Iterator<Item = &'a str> {
    let starts = model.char_indices().map(|(at, _)| at).filter(|at| {
        *at == 0
            || model
                .get(..*at)
                .is_some_and(|head| head.ends_with(is_separator))
    });
    starts
        .filter_map(|at| model.get(at..))
        .filter_map(move |rest| strip_prefix_ignoring_case(rest, family))
}

/// The version in a model's name: the first two numbers behind `family`, the second 0 where there is none. Where `family`
/// ends with a letter, other words may stand before the numbers, as in `claude-opus-4-6`; where it ends with a separator
/// the first number follows at once. Dates are no versions.
pub(crate) fn version(model: &str, family: &str) -> Option<(u8, u8)> {
    behind_family(model, family).find_map(|rest| leading_version(rest, is_open(family)))
}

fn leading_version(rest: &str, is_open: bool) -> Option<(u8, u8)> {
    // Behind these is a revision or a date.
    let rest = rest.split(['@', ':']).next()?;
    let number = |word: &str| word.parse::<u8>().ok().filter(|number| *number < 100);
    let is_date = |word: &str| word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    let mut numbers = words(rest).peekable();
    if is_open {
        while numbers
            .peek()
            .is_some_and(|word| number(word).is_none() && !is_date(word))
        {
            numbers.next();
        }
    }
    let major = number(numbers.next()?)?;
    Some((major, numbers.next().and_then(number).unwrap_or(0)))
}

/// Words may stand between the family and its version.
fn is_open(family: &str) -> bool {
    family.len() > 2 && family.ends_with(|last: char| last.is_ascii_alphabetic())
}

/// Whether a name that follows a model's name says only which version it is: nothing, a date, a version or a release
/// channel.
pub(crate) fn is_version_suffix(suffix: &str) -> bool {
    if suffix.is_empty() || suffix.starts_with(['@', ':']) {
        return true;
    }
    suffix.strip_prefix('-').is_some_and(|word| {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let is_version = word
            .strip_prefix('v')
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
        let is_revision =
            digits > 0 && word.get(digits..).is_some_and(|rest| rest.starts_with(':'));
        digits >= 4
            || is_version
            || is_revision
            || ["latest", "preview", "instruct"]
                .iter()
                .any(|channel| word.starts_with(channel))
    })
}

/// The words of a model's name that are no numbers.
pub(crate) fn plain_words(model: &str) -> impl Iterator<Item = &str> + Clone {
    model
        .split(is_separator)
        .filter(|word| word.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// The first two numbers in a name that are no dates, for names of which nothing else differs.
pub(crate) fn numbers(model: &str) -> (u8, u8) {
    let mut numbers = words(model)
        .filter_map(|word| word.parse::<u8>().ok())
        .filter(|number| *number < 100);
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}
