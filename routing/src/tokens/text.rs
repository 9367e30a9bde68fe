//! Tokens of plain text: runs of characters of one kind, each with a weight.
//!
//! A byte-pair tokenizer first splits text into words, numbers, punctuation and blanks, then into pieces of its
//! vocabulary. The split is done here; the number of pieces of a run is estimated from its kind and length.

/// Hundredths of a token.
type Weight = u64;

/// A word of up to [`SHORT`] ASCII letters; most are in the vocabulary, and the rest is balanced by plural forms.
const WORD: Weight = 90;
/// Letters up to which a word is likely to be one token.
const SHORT: u64 = 7;
/// Each further letter.
const LONG_WORD_LETTER: Weight = 30;
/// A word in capitals, and each of its letters.
const CAPITALS: Weight = 31;
const CAPITAL_LETTER: Weight = 21;
/// A word with letters beyond ASCII.
const FOREIGN_WORD: Weight = 12;
/// Up to three digits.
const DIGITS: Weight = 117;
/// The blank before a number, which does not merge with it as it does with a word.
const BLANK_BEFORE_NUMBER: Weight = 100;
/// Two or more blanks: an indent.
const INDENT: Weight = 82;
/// Line ends; those after punctuation, with which they often merge.
const LINE_END: Weight = 110;
const LINE_END_AFTER_MARK: Weight = 15;
/// One mark alone, one before a word, two, more, and each beyond four.
const MARK: Weight = 109;
const MARK_BEFORE_WORD: Weight = 44;
const TWO_MARKS: Weight = 121;
const MARKS: Weight = 141;
const FURTHER_MARK: Weight = 17;
/// Four or more of the same mark, as in a rule.
const RULE: Weight = 150;

/// The kind of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Before the first character.
    Start,
    Latin,
    Digit,
    Blank,
    LineEnd,
    /// ASCII punctuation.
    Mark,
    /// A script with blanks between words; hundredths of a token per letter.
    Words(u8),
    /// A script without blanks: per run, and per character.
    Signs(u8, u8),
    /// Counted individually.
    Single(u8),
}

/// Counts text chunk by chunk; a word may be split between chunks.
#[derive(Debug, Clone)]
pub struct TextTokens {
    hundredths: Weight,
    kind: Kind,
    length: u64,
    /// Capitals of a Latin run, and whether it has letters beyond ASCII.
    capitals: u64,
    foreign: bool,
    /// The last character was a capital.
    capital_last: bool,
    /// The first mark of a run, and whether all are equal.
    mark: u8,
    same_marks: bool,
    before: Kind,
    before_length: u64,
}

impl Default for TextTokens {
    fn default() -> Self {
        Self {
            hundredths: 0,
            kind: Kind::Start,
            length: 0,
            capitals: 0,
            foreign: false,
            capital_last: false,
            mark: 0,
            same_marks: true,
            before: Kind::Start,
            before_length: 0,
        }
    }
}

/// Estimated tokens of `text`.
pub fn of_text(text: &str) -> u32 {
    let mut tokens = TextTokens::default();
    tokens.push(text);
    tokens.finish()
}

impl TextTokens {
    /// Counts `text`.
    pub fn push(&mut self, text: &str) {
        let mut rest = text;
        loop {
            // Most text is lower-case words: these are taken whole.
            let letters = rest
                .bytes()
                .position(|byte| !byte.is_ascii_lowercase())
                .unwrap_or(rest.len());
            if letters > 0 {
                if self.kind != Kind::Latin {
                    self.begin_run(Kind::Latin, 0);
                }
                self.length = self.length.saturating_add(letters as u64);
                self.capital_last = false;
                rest = rest.get(letters..).unwrap_or("");
            }
            let mut characters = rest.chars();
            match characters.next() {
                Some(character) => self.push_char(character),
                None => return,
            }
            rest = characters.as_str();
        }
    }

    /// Ends the current run: what follows is a separate text.
    pub fn end_text(&mut self) {
        self.end_run(Kind::Start);
        self.kind = Kind::Start;
        self.length = 0;
    }

    /// Adds whole tokens that are not text.
    pub fn add(&mut self, tokens: u32) {
        self.hundredths = self
            .hundredths
            .saturating_add(u64::from(tokens).saturating_mul(100));
    }

    /// The estimate, rounded up.
    pub fn finish(mut self) -> u32 {
        self.end_text();
        u32::try_from(self.hundredths.div_ceil(100)).unwrap_or(u32::MAX)
    }

    pub(super) fn push_char(&mut self, character: char) {
        let kind = kind_of(character);
        let capital = character.is_ascii_uppercase();
        // `camelCase` is two words, `HTTPServer` is one.
        let hump = kind == Kind::Latin && capital && !self.capital_last;
        if kind != self.kind || hump || matches!(kind, Kind::Single(_)) {
            self.begin_run(kind, u8::try_from(character).unwrap_or(0));
        }
        self.length = self.length.saturating_add(1);
        self.capitals = self.capitals.saturating_add(u64::from(capital));
        self.capital_last = capital;
        if kind == Kind::Latin {
            self.foreign |= !character.is_ascii();
        } else if kind == Kind::Mark {
            self.same_marks &= u8::try_from(character).is_ok_and(|mark| mark == self.mark);
        }
    }

    fn begin_run(&mut self, kind: Kind, mark: u8) {
        self.end_run(kind);
        self.kind = kind;
        self.length = 0;
        self.capitals = 0;
        self.foreign = false;
        self.mark = mark;
        self.same_marks = true;
    }

    fn end_run(&mut self, next: Kind) {
        let length = self.length;
        let weight = match self.kind {
            Kind::Start => 0,
            Kind::Latin if self.foreign => FOREIGN_WORD.saturating_add(length.saturating_mul(38)),
            Kind::Latin if self.capitals > 1 => {
                CAPITALS.saturating_add(length.saturating_mul(CAPITAL_LETTER))
            }
            Kind::Latin => {
                let long = length.saturating_sub(SHORT);
                WORD.saturating_add(long.saturating_mul(LONG_WORD_LETTER))
            }
            Kind::Digit => {
                let blank = if self.before == Kind::Blank && self.before_length == 1 {
                    BLANK_BEFORE_NUMBER
                } else {
                    0
                };
                blank.saturating_add(length.div_ceil(3).saturating_mul(DIGITS))
            }
            Kind::Blank if length > 1 => INDENT,
            Kind::Blank => 0,
            Kind::LineEnd if self.before == Kind::Mark => LINE_END_AFTER_MARK,
            Kind::LineEnd => LINE_END,
            Kind::Mark if self.same_marks && length > 3 => RULE,
            Kind::Mark => match length {
                1 if next == Kind::Latin => MARK_BEFORE_WORD,
                1 => MARK,
                2 => TWO_MARKS,
                _ => {
                    let further = length.saturating_sub(4);
                    MARKS.saturating_add(further.saturating_mul(FURTHER_MARK))
                }
            },
            Kind::Words(letter) => {
                FOREIGN_WORD.saturating_add(length.saturating_mul(u64::from(letter)))
            }
            Kind::Signs(run, sign) => {
                u64::from(run).saturating_add(length.saturating_mul(u64::from(sign)))
            }
            Kind::Single(weight) => u64::from(weight),
        };
        self.hundredths = self.hundredths.saturating_add(weight);
        self.before = self.kind;
        self.before_length = length;
    }
}

fn kind_of(character: char) -> Kind {
    match character {
        'a'..='z' | 'A'..='Z' => Kind::Latin,
        '0'..='9' => Kind::Digit,
        ' ' | '\t' => Kind::Blank,
        '\n' | '\r' => Kind::LineEnd,
        '\0'..='\u{7f}' => Kind::Mark,
        '×' | '÷' | '\u{80}'..='\u{bf}' => Kind::Single(84),
        '\u{c0}'..='\u{24f}' | '\u{300}'..='\u{36f}' | '\u{1e00}'..='\u{1eff}' => Kind::Latin,
        // Greek, Cyrillic, Armenian, Hebrew, Arabic, the scripts of India, Thai and Lao, Georgian
        '\u{370}'..='\u{3ff}' => Kind::Words(36),
        '\u{400}'..='\u{52f}' => Kind::Words(27),
        '\u{530}'..='\u{58f}' => Kind::Words(38),
        '\u{590}'..='\u{5ff}' => Kind::Words(41),
        '\u{600}'..='\u{77f}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' => {
            Kind::Words(31)
        }
        '\u{900}'..='\u{dff}' => Kind::Words(37),
        '\u{e00}'..='\u{eff}' => Kind::Words(39),
        '\u{10a0}'..='\u{10ff}' => Kind::Words(32),
        // General punctuation, currency signs, arrows and mathematics
        '\u{2000}'..='\u{206f}' | '\u{20a0}'..='\u{20cf}' | '\u{2190}'..='\u{25ff}' => {
            Kind::Single(84)
        }
        // CJK punctuation and full-width forms, kana, ideographs, Hangul
        '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff65}' => Kind::Signs(4, 76),
        '\u{3040}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}' => Kind::Signs(10, 64),
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2ffff}' => {
            Kind::Signs(19, 70)
        }
        '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7af}' => Kind::Signs(6, 65),
        '\u{10000}'.. => Kind::Single(200),
        _ => Kind::Single(120),
    }
}

#[cfg(test)]
mod tests;
