//! How far something long has come, for a person at a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shown on stderr, where that is a terminal, until it is dropped; nothing is written anywhere else.
pub struct Bar(ProgressBar);

impl Bar {
    /// Of this work, such as "nareken".
    pub fn of(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, nog {eta}");
        bar.set_style(style.expect("the template above is valid"));
        bar.set_message(what);
        Self(bar)
    }

    /// So many of so many.
    pub fn at(&self, done: u64, all: u64) {
        self.0.set_length(all);
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
