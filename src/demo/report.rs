//! Telling the story: to a person with a progress bar, or as JSON, one object a line.

use std::{
    cell::RefCell,
    io::{self, ErrorKind},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::cli::{Failure, not_written, write_line};

/// Where the story goes.
pub struct Report {
    json: bool,
    bar: ProgressBar,
    /// Why it cannot be told any more.
    untold: RefCell<Option<io::Error>>,
}

impl Report {
    pub fn new(json: bool, steps: usize) -> Self {
        // indicatif draws nothing where stderr is no terminal.
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(steps as u64), target);
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}").expect("the template above is valid");
        bar.set_style(style);
        Self { json, bar, untold: RefCell::default() }
    }

    /// A line for people.
    pub fn say(&self, text: &str) {
        if !self.json {
            self.bar.suspend(|| self.write(text));
        }
    }

    pub fn heading(&self, text: &str) {
        self.say(&format!("\n{text}"));
    }

    /// A line for programs.
    pub fn line(&self, value: &Value) {
        if self.json {
            self.write(&value.to_string());
        }
    }

    /// What cannot be written is no reason to stop halfway through a step; the step ends with it.
    fn write(&self, line: &str) {
        let mut untold = self.untold.borrow_mut();
        if untold.is_none() {
            *untold = write_line(line).err();
        }
    }

    /// One more step was played.
    ///
    /// # Errors
    /// When not all of it could be told.
    pub fn step(&self) -> Result<(), Failure> {
        self.bar.inc(1);
        self.told()
    }

    /// # Errors
    /// When not everything could be told.
    pub fn told(&self) -> Result<(), Failure> {
        self.untold.borrow().as_ref().map_or(Ok(()), |error| Err(not_written(error)))
    }

    pub fn reader_is_gone(&self) -> bool {
        self.untold.borrow().as_ref().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
