//! What is said of a weigering: code, kind, and sentences.

use super::{Aard, Overtreding, Weigering};

impl Weigering {
    /// One field that is wrong.
    pub fn veld(veld: impl Into<String>, uitleg: impl Into<String>) -> Self {
        Self::OngeldigVeld(vec![Overtreding::new(veld, uitleg)])
    }

    /// What was wrong where this code stands in the logboek: the sentence that the caller got, without what that caller should do.
    #[must_use]
    pub fn what_it_is(code: &str) -> Option<&'static str> {
        let row = Self::TABLE.iter().find(|row| row.code == code)?;
        let end = row.uitleg.find(['.', ';', ':']).unwrap_or(row.uitleg.len());
        Some(&row.uitleg[..end])
    }

    /// The code in the logboek, `lower_snake`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.row().code
    }

    /// What kind of answer it is.
    #[must_use]
    pub fn aard(&self) -> Aard {
        self.row().aard
    }

    /// What is wrong and what to do, in Dutch.
    #[must_use]
    pub fn uitleg(&self) -> &'static str {
        self.row().uitleg
    }

    /// The same in English.
    #[must_use]
    pub fn explanation(&self) -> &'static str {
        self.row().explanation
    }

    /// The fields to blame, if any.
    #[must_use]
    pub fn overtredingen(&self) -> &[Overtreding] {
        match self {
            Self::OngeldigVeld(fields) | Self::DocumentOnjuist(fields) | Self::LoketGesloten(fields) => fields,
            _ => &[],
        }
    }
}
