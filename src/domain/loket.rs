//! Loketten: whom one reaches there, and where to go instead of one that is closed.
//!
//! A loket that closes stays: what was accepted before can still be read there, and it can still send. Only what is new is
//! refused, with the address that took its place.

use std::str::FromStr;

use jiff::civil::Date;

use super::{Adres, Overtreding, VanKracht, Weigering};

/// A postvak inside a partner, as the deelnemers describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loket {
    /// Whom one reaches there; unknown where the deelnemers only name the loket.
    pub contact: Option<Contact>,
    /// From when it is closed, where it closes.
    pub sluiting: Option<Sluiting>,
}

impl Loket {
    /// The closing that counts on a day.
    #[must_use]
    pub fn closed_on(&self, day: Date) -> Option<&Sluiting> {
        self.sluiting.as_ref().filter(|sluiting| sluiting.vanaf <= day)
    }
}

/// Whom one calls at a loket. A function and never a name: this is no personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// For example `ZSM-coördinator jeugd`, 1 to 100 characters.
    pub functie: String,
    /// The telephone number.
    pub telefoon: Telefoon,
}

/// The end of a loket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sluiting {
    /// The first day on which it takes nothing new, Europe/Amsterdam.
    pub vanaf: Date,
    /// Where to go instead; never a loket that closes itself.
    pub verwijst_naar: Adres,
}

/// A telephone number as people write it: 3 to 20 digits, spaces, `+` or `-`, as in the contact of a bericht.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telefoon(String);

impl Telefoon {
    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no telephone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeenTelefoon;

impl FromStr for Telefoon {
    type Err = GeenTelefoon;

    fn from_str(text: &str) -> Result<Self, GeenTelefoon> {
        let plain = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '+' | '-');
        let good = (3..=20).contains(&text.len()) && text.chars().all(plain);
        if good { Ok(Self(text.to_owned())) } else { Err(GeenTelefoon) }
    }
}

impl VanKracht {
    /// The closing of a loket that counts on a day.
    #[must_use]
    pub fn closed_on(&self, adres: &Adres, day: Date) -> Option<&Sluiting> {
        self.partners().get(&adres.partner)?.loketten.get(&adres.loket)?.closed_on(day)
    }

    /// Where one reaches who was at an address: there, or where its closed loket refers to.
    #[must_use]
    pub fn reached_at<'a>(&'a self, adres: &'a Adres, day: Date) -> &'a Adres {
        self.closed_on(adres, day).map_or(adres, |sluiting| &sluiting.verwijst_naar)
    }

    /// Whether all of these take what is new.
    ///
    /// # Errors
    /// [`Weigering::LoketGesloten`] with each ontvanger that does not, and where to go instead.
    pub fn all_open(&self, ontvangers: &[Adres], day: Date) -> Result<(), Weigering> {
        let closed = ontvangers.iter().enumerate().filter_map(|(at, adres)| {
            let Sluiting { vanaf, verwijst_naar } = self.closed_on(adres, day)?;
            let uitleg = format!("gesloten sinds {vanaf}; verwijst naar {verwijst_naar}");
            Some(Overtreding::new(format!("ontvangers[{at}]"), uitleg))
        });
        let closed: Vec<Overtreding> = closed.collect();
        if closed.is_empty() { Ok(()) } else { Err(Weigering::LoketGesloten(closed)) }
    }
}
