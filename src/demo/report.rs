//! Telling the story: to a person with a progress bar, or as JSON, one object a line.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

/// Where the story goes.
pub struct Report {
    json: bool,
    bar: ProgressBar,
}

impl Report {
    pub fn new(json: bool, steps: usize) -> Self {
        // indicatif draws nothing where stderr is no terminal.
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(steps as u64), target);
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}").expect("the template above is valid");
        bar.set_style(style);
        Self { json, bar }
    }

    /// A line for people.
    #[expect(clippy::print_stdout, reason = "the story is the data of this command")]
    pub fn say(&self, text: &str) {
        if !self.json {
            self.bar.suspend(|| println!("{text}"));
        }
    }

    pub fn heading(&self, text: &str) {
        self.say(&format!("\n{text}"));
    }

    /// A line for programs.
    #[expect(clippy::print_stdout, reason = "the story is the data of this command")]
    pub fn line(&self, value: &Value) {
        if self.json {
            println!("{value}");
        }
    }

    pub fn step(&self) {
        self.bar.inc(1);
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
