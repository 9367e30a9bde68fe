//! A registry in shared data.
//!
//! `KTMX`, version, then for each series: family, labels, counters, histograms; numbers in LEB128. Reading ends at the first
//! byte that makes no sense; what was read before stays.

use crate::histogram::Histogram;
use crate::label::Label;
use crate::metric::Family;
use crate::registry::{Registry, Series};

const MAGIC: &[u8] = b"KTMX";
/// Incremented when the layout changes, so that two versions of the module side by side ignore each other.
const VERSION: u8 = 1;

impl Family {
    fn of(number: u8) -> Option<Self> {
        [
            Self::Request,
            Self::Usage,
            Self::Attempt,
            Self::Failover,
            Self::Policy,
        ]
        .into_iter()
        .find(|family| *family as u8 == number)
    }
}

impl Registry {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.series().len().saturating_mul(160).saturating_add(8));
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        for series in self.series() {
            out.push(series.family as u8);
            number(&mut out, series.labels.len() as u64);
            for (label, value) in &series.labels {
                out.push(*label as u8);
                number(&mut out, value.len() as u64);
                out.extend_from_slice(value.as_bytes());
            }
            numbers(&mut out, &series.counters);
            number(&mut out, series.histograms.len() as u64);
            for histogram in &series.histograms {
                numbers(&mut out, histogram.counts());
                number(&mut out, histogram.sum());
            }
        }
        out
    }

    /// From [`Registry::encode`].
    pub fn decode(bytes: &[u8]) -> Self {
        let mut registry = Self::default();
        let Some((&VERSION, rest)) = bytes.strip_prefix(MAGIC).and_then(<[u8]>::split_first) else {
            return registry;
        };
        let mut reader = Reader(rest);
        while reader.series(&mut registry).is_some() {}
        registry
    }
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    loop {
        // The lowest seven bits.
        #[allow(clippy::cast_possible_truncation)]
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn numbers(out: &mut Vec<u8>, values: &[u64]) {
    number(out, values.len() as u64);
    for value in values {
        number(out, *value);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A length that what is left can hold.
    fn length(&mut self) -> Option<usize> {
        let length = usize::try_from(self.number()?).ok()?;
        (length <= self.0.len()).then_some(length)
    }

    fn numbers(&mut self) -> Option<Vec<u64>> {
        let length = self.length()?;
        (0..length).map(|_| self.number()).collect()
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn series(&mut self, registry: &mut Registry) -> Option<()> {
        let family = Family::of(self.byte()?)?;
        let count = self.length()?;
        let mut labels = Vec::with_capacity(count);
        for _ in 0..count {
            labels.push((Label::of(self.byte()?)?, self.text()?));
        }
        let counters = self.numbers()?;
        let count = self.length()?;
        let mut histograms = Vec::with_capacity(count);
        for _ in 0..count {
            histograms.push(Histogram::of(self.numbers()?, self.number()?));
        }
        registry.entry(family, &labels).add(&Series {
            family,
            labels: Vec::new(),
            counters,
            histograms,
        });
        Some(())
    }
}
