//! Factsheet: eight figures without people, for a stuurgroep. Small numbers are not told: fewer than five could be known people.
//!
//! `lezing` goes once through the regels of the period that are seen and keeps what the figures need; `figuren` makes them.

mod figuren;
mod lezing;

use jiff::civil::Date;

use super::{Gezien, Inzage, rapport::Periode};
use crate::{
    domain::Weigering,
    exchange::{Call, Exchange},
};

/// A number below this is not told, unless it is nought.
pub const SMALLEST: u64 = 5;

/// The figures of a period.
pub struct Factsheet {
    /// Its days.
    pub periode: Periode,
    /// Each figure.
    pub figuren: Vec<Figuur>,
}

/// One figure: a table, and its bars.
pub struct Figuur {
    /// Short, the same in each factsheet.
    pub naam: &'static str,
    /// For people.
    pub titel: &'static str,
    /// What it counts, and what the logboek does not carry.
    pub zinnen: Vec<&'static str>,
    /// The first says what a row is about.
    pub kolommen: Vec<String>,
    /// What its bars are.
    pub getekend: Getekend,
    /// A name and a value for each other column.
    pub rijen: Vec<(String, Vec<Waarde>)>,
}

/// What the bars of a figure are.
#[derive(Clone, Copy, Debug)]
pub struct Getekend {
    /// The values of this column, the first after the names being 0; nothing where each column is a bar, of all rows together.
    pub kolom: Option<usize>,
    /// What the axis says.
    pub bijschrift: &'static str,
}

/// A value of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waarde {
    /// So many.
    Aantal(u64),
    /// Fewer than [`SMALLEST`], and not none.
    Weinig,
    /// So many of a hundred.
    Procent(u64),
    /// So many minutes, the middle of all.
    Minuten(u64),
    /// Too few to tell.
    Onbekend,
}

impl Waarde {
    /// A count, told where it is not small.
    #[must_use]
    pub fn aantal(of: u64) -> Self {
        if (1..SMALLEST).contains(&of) { Self::Weinig } else { Self::Aantal(of) }
    }

    /// How many of all, told where neither they nor the others are few: with both told, the others could be reckoned.
    #[must_use]
    pub fn deel(of: u64, all: u64) -> Self {
        if matches!(Self::aantal(all.saturating_sub(of)), Self::Weinig) { Self::Onbekend } else { Self::aantal(of) }
    }

    /// A share of some, told where they are not few and neither those within nor those without are.
    #[must_use]
    pub fn procent(of: u64, all: u64) -> Self {
        let is_small = |of: u64| (1..SMALLEST).contains(&of);
        if all == 0 || all < SMALLEST || is_small(of) || is_small(all - of.min(all)) {
            return Self::Onbekend;
        }
        // Rounded; all and none are said only of all and none.
        let rounded = (of * 100 + all / 2) / all;
        Self::Procent(if of == 0 || of >= all { rounded } else { rounded.clamp(1, 99) })
    }

    /// The middle of these durations in minutes, told where there are enough; of an even number, halfway between the two in the middle.
    #[must_use]
    pub fn midden(mut minutes: Vec<u64>) -> Self {
        minutes.sort_unstable();
        let (low, high) = (minutes.get(minutes.len().saturating_sub(1) / 2), minutes.get(minutes.len() / 2));
        match low.zip(high) {
            Some((low, high)) if minutes.len() as u64 >= SMALLEST => Self::Minuten((low + high).div_ceil(2)),
            _ => Self::Onbekend,
        }
    }

    /// The height of its bar.
    #[must_use]
    pub fn hoogte(self) -> u64 {
        match self {
            Self::Aantal(of) | Self::Procent(of) | Self::Minuten(of) => of,
            Self::Weinig | Self::Onbekend => 0,
        }
    }
}

impl std::fmt::Display for Waarde {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Aantal(of) => of.fmt(f),
            Self::Weinig => write!(f, "minder dan {SMALLEST}"),
            Self::Procent(of) => write!(f, "{of} %"),
            Self::Minuten(of) if *of >= 48 * 60 => write!(f, "{} dagen", (of + 12 * 60) / (24 * 60)),
            Self::Minuten(of) if *of >= 120 => write!(f, "{} uur", (of + 30) / 60),
            Self::Minuten(of) => write!(f, "{of} minuten"),
            Self::Onbekend => f.write_str("niet getoond"),
        }
    }
}

/// A month as a column says it.
fn maand(day: Date) -> String {
    day.strftime("%Y-%m").to_string()
}

impl Exchange {
    /// The figures of a period, of what the caller sees. That it was made is a regel.
    ///
    /// # Errors
    /// [`Weigering::NietBeschikbaar`] when the logboek cannot be read.
    pub async fn factsheet(&self, call: &Call, inzage: &Inzage, periode: Periode) -> Result<Factsheet, Weigering> {
        let oog = self.oog(call).await?;
        let gelezen = oog.gelezen(periode).await?;
        let figuren = figuren::all(&gelezen, periode);
        self.log_look(call, inzage, Gezien::default()).await?;
        Ok(Factsheet { periode, figuren })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_not_told_where_the_rest_could_be_reckoned_from_it() {
        for (of, all, told) in
            [(9, 13, "niet getoond"), (3, 20, "minder dan 5"), (13, 13, "13"), (8, 13, "8"), (0, 13, "0")]
        {
            assert_eq!(Waarde::deel(of, all).to_string(), told, "{of} of {all}");
        }
    }

    #[test]
    fn what_could_be_a_known_person_is_not_told() {
        assert_eq!([0, 1, 4, 5].map(|of| Waarde::aantal(of).to_string()), ["0", "minder dan 5", "minder dan 5", "5"]);
        for (of, all, told) in [
            (0, 0, "niet getoond"),
            (2, 4, "niet getoond"),
            (3, 50, "niet getoond"),
            (48, 50, "niet getoond"),
            (5, 10, "50 %"),
            (50, 50, "100 %"),
            (0, 50, "0 %"),
            (2, 3, "niet getoond"),
            (20, 30, "67 %"),
            (1995, 2000, "99 %"),
            (5, 2000, "1 %"),
        ] {
            assert_eq!(Waarde::procent(of, all).to_string(), told, "{of} {all}");
        }
        assert_eq!(Waarde::midden(vec![1, 2, 3, 4]), Waarde::Onbekend);
        assert_eq!(Waarde::midden(vec![9, 1, 3, 2, 60]).to_string(), "3 minuten");
        // Of an even number the two in the middle count alike.
        assert_eq!(Waarde::midden(vec![23, 33, 54, 92, 144, 993]).to_string(), "73 minuten");
        assert_eq!(
            (Waarde::Minuten(119).to_string(), Waarde::Minuten(179).to_string(), Waarde::Minuten(3000).to_string()),
            ("119 minuten".to_owned(), "3 uur".to_owned(), "2 dagen".to_owned())
        );
    }
}
