//! `kt events feedback`: how good an answer was.

use clap::Args;
use collector::NewFeedback;

use crate::commands::Failure;
use crate::commands::source::Source;
use crate::output::{print, print_json};

#[derive(Debug, Args)]
pub(crate) struct Feedback {
    /// Id of the decision event, or the x-keeptrusts-request-id that the answer has
    #[arg(value_name = "EVENT")]
    event: String,
    /// 0 (useless) to 1 (perfect)
    #[arg(long, value_name = "SCORE")]
    score: f64,
    /// Who or what judged; the latest score under each label counts
    #[arg(long)]
    label: Option<String>,
    /// Print what is kept as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

impl Feedback {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let new = NewFeedback {
            score: self.score,
            label: self.label,
        };
        let kept = self.source.for_reading()?.add_feedback(&self.event, &new)?;
        if self.json {
            print_json(&kept)?;
        } else {
            print(&format!("{}: score {}\n", self.event, kept.score))?;
        }
        Ok(())
    }
}
