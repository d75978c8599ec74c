//! Where a bericht stands for one ontvanger, and the only way to move it on.
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> Wacht: aanvaard
//!     [*] --> Afgeleverd: aanvaard, reserved for a waiting Ask
//!     Wacht --> Afgeleverd: afgeleverd
//!     Wacht --> Geweigerd: geweigerd, no convenant allows it any more
//!     Wacht --> Vervallen: vervallen
//!     Wacht --> Ingetrokken: ingetrokken, or vernietiging_gevraagd where it was read
//!     Wacht --> Vervangen: vernietigd
//!     Wacht --> Beschadigd: beschadigd
//!     Afgeleverd --> Afgeleverd: afgeleverd, the lease lapsed
//!     Afgeleverd --> Bevestigd: bevestigd
//!     Afgeleverd --> Geweigerd: geweigerd, no convenant allows it any more
//!     Afgeleverd --> Vervallen: vervallen
//!     Afgeleverd --> Ingetrokken: vernietiging_gevraagd, or ingetrokken where it was only reserved
//!     Afgeleverd --> Vervangen: vernietigd
//!     Afgeleverd --> Beschadigd: beschadigd
//!     Bevestigd --> Vervallen: vervallen
//!     Bevestigd --> Ingetrokken: vernietiging_gevraagd
//!     Bevestigd --> Vervangen: vernietigd
//!     Bevestigd --> Beschadigd: beschadigd, read again
//!     Geweigerd --> Afgeleverd: afgeleverd, a convenant allows it again
//!     Geweigerd --> Geweigerd: geweigerd, for another reason
//!     Geweigerd --> Bevestigd: bevestigd, it was delivered before
//!     Geweigerd --> Vervallen: vervallen
//!     Geweigerd --> Ingetrokken: ingetrokken, or vernietiging_gevraagd where it was delivered before
//!     Geweigerd --> Vervangen: vernietigd
//!     Geweigerd --> Beschadigd: beschadigd
//!     Vervallen --> Ingetrokken: vernietiging_gevraagd, it was delivered before
//!     Vervangen --> Ingetrokken: vernietiging_gevraagd, it was delivered before
//!     Beschadigd --> Ingetrokken: vernietiging_gevraagd, it was delivered before
//! ```
//!
//! Each arrow is one regel, whose index the row keeps as `stand`. Content ends with Vervallen, Ingetrokken, Vervangen and
//! Beschadigd, and with the confirmation where the rule says so. What was refused keeps its content until its last day: whoever
//! withdraws a convenant by mistake loses nothing. A confirmation that comes late is logged; after one of the four ends it changes
//! no state.

use std::collections::BTreeMap;

use super::{
    StoreError, int,
    rij::{Actor, PostvakRij},
    rows::{Column, Rows, Script},
    work::Work,
    zoek,
};
use crate::logboek::{Logregel, Soort};

/// Where a bericht stands for one ontvanger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toestand {
    /// Waits in the postvak.
    Wacht = 0,
    /// Handed out or reserved, not yet confirmed.
    Afgeleverd = 1,
    /// Confirmed.
    Bevestigd = 2,
    /// Refused at delivery; judged again when what is in force changes, and every day.
    Geweigerd = 3,
    /// Its houdbaarheid has passed.
    Vervallen = 4,
    /// Withdrawn by its afzender.
    Ingetrokken = 5,
    /// Replaced by a renewal.
    Vervangen = 6,
    /// Its content no longer opens.
    Beschadigd = 7,
}

impl Toestand {
    /// Each of them, at its number.
    pub const ALL: [Self; 8] = [
        Self::Wacht,
        Self::Afgeleverd,
        Self::Bevestigd,
        Self::Geweigerd,
        Self::Vervallen,
        Self::Ingetrokken,
        Self::Vervangen,
        Self::Beschadigd,
    ];

    /// Whether it still counts in the postvak.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Wacht | Self::Afgeleverd)
    }

    /// Whether it did not end: it can still be read, if a convenant allows that.
    #[must_use]
    pub fn is_current(self) -> bool {
        matches!(self, Self::Wacht | Self::Afgeleverd | Self::Bevestigd | Self::Geweigerd)
    }

    /// Whether a search still finds it. What is damaged is found, so that who searches at night hears that there was something, and
    /// whom to ask.
    #[must_use]
    pub fn is_found(self) -> bool {
        self.is_current() || self == Self::Beschadigd
    }

    /// Whether the drawing has this arrow.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Wacht => !matches!(next, Self::Wacht | Self::Bevestigd),
            Self::Afgeleverd | Self::Geweigerd => next != Self::Wacht,
            Self::Bevestigd => next.ends_content(),
            Self::Vervallen | Self::Vervangen | Self::Beschadigd => next == Self::Ingetrokken,
            Self::Ingetrokken => false,
        }
    }

    /// Whether nobody can read the content from here on.
    fn ends_content(self) -> bool {
        !self.is_current()
    }

    /// Whether a regel of this soort is what brings a row here.
    pub(super) fn comes_by(self, soort: Soort) -> bool {
        match self {
            Self::Wacht => soort == Soort::Aanvaard,
            Self::Afgeleverd => matches!(soort, Soort::Aanvaard | Soort::Afgeleverd),
            Self::Bevestigd => soort == Soort::Bevestigd,
            Self::Geweigerd => soort == Soort::Geweigerd,
            Self::Vervallen => soort == Soort::Vervallen,
            Self::Ingetrokken => matches!(soort, Soort::Ingetrokken | Soort::VernietigingGevraagd),
            Self::Vervangen => soort == Soort::Vernietigd,
            Self::Beschadigd => soort == Soort::Beschadigd,
        }
    }
}

/// Where a row was moved to.
pub(super) struct Moved {
    toestand: Toestand,
    stand: u64,
    poging: u32,
    lease_tot: i64,
    bevestigd: Option<i64>,
}

/// Writes where rows were moved to, by their indexes.
pub(super) fn write_moved(script: &mut Script, moved: BTreeMap<u64, Moved>) {
    const COLUMNS: [Column<'_>; 6] = [
        Column::Int("log_index"),
        Column::Int("toestand"),
        Column::Int("stand"),
        Column::Int("poging"),
        Column::Int("lease_tot"),
        Column::Int("bevestigd"),
    ];
    let rows = Rows::of(&COLUMNS, moved, |(log_index, moved)| {
        let Moved { toestand, stand, poging, lease_tot, bevestigd } = moved;
        let (toestand, poging) = (toestand as i64, i64::from(poging));
        [int(log_index).into(), toestand.into(), int(stand).into(), poging.into(), lease_tot.into(), bevestigd.into()]
    });
    script.statement(
        "UPDATE postvak SET toestand = v.toestand, stand = v.stand, poging = v.poging, lease_tot = v.lease_tot, \
         bevestigd = v.bevestigd FROM {v} WHERE postvak.log_index = v.log_index",
        rows,
    );
}

impl Work<'_> {
    /// Moves a row on, with the regel that says so; its lease ends at `lease_tot`. Gives the index of the regel. A regel that
    /// cannot be written is found before anything is changed.
    pub(super) async fn step(
        &mut self,
        rij: &mut PostvakRij,
        next: Toestand,
        lease_tot: i64,
        actor: &Actor,
        regel: Logregel,
    ) -> Result<u64, StoreError> {
        if !rij.toestand.may_become(next) {
            return Err(StoreError::Broken(format!("er loopt geen pijl van {:?} naar {next:?}", rij.toestand)));
        }
        let (stand, _) = actor.log(&mut self.log, Some(rij.bericht), regel)?;
        // What follows another bericht never counted.
        let counts = i64::from(next.is_open()) - i64::from(rij.toestand.is_open());
        if counts != 0 && !rij.soort.follows() {
            self.count_open(&rij.ontvanger, counts).await?;
        }
        rij.toestand = next;
        rij.stand = stand;
        let moved = Moved { toestand: next, stand, poging: rij.poging, lease_tot, bevestigd: rij.bevestigd };
        self.moved(rij.log_index, moved);
        if next.ends_content() {
            self.end_content(rij, stand).await?;
        }
        if !next.is_found() {
            zoek::forget(self.database().await?, rij).await?;
        }
        Ok(stand)
    }

    /// Ends the content for one ontvanger by this regel, and the sealed bytes with the last one. What older copies of the
    /// database hold ends with the key of the day.
    pub(super) async fn end_content(&mut self, rij: &mut PostvakRij, regel: u64) -> Result<(), StoreError> {
        if rij.beeindigd.is_some() {
            return Ok(());
        }
        rij.beeindigd = Some(regel);
        sqlx::query("UPDATE postvak SET sleutel = NULL, beeindigd = $1 WHERE log_index = $2")
            .bind(int(regel))
            .bind(int(rij.log_index))
            .execute(self.database().await?)
            .await?;
        sqlx::query(
            "UPDATE berichten SET inhoud = NULL WHERE id = $1 \
             AND NOT EXISTS (SELECT 1 FROM postvak p WHERE p.bericht = $1 AND p.sleutel IS NOT NULL)",
        )
        .bind(rij.bericht.0.as_bytes().to_vec())
        .execute(self.database().await?)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What people read is what the code does.
    #[test]
    fn the_drawing_has_exactly_the_arrows_of_the_code() {
        let arrow = |line: &str| {
            let (from, rest) = line.strip_prefix("//!     ")?.split_once(" --> ")?;
            Some((from.to_owned(), rest.split_once(':')?.0.to_owned()))
        };
        let drawn: BTreeSet<_> =
            include_str!("toestand.rs").lines().filter_map(arrow).filter(|(from, _)| from != "[*]").collect();
        let pairs = Toestand::ALL.into_iter().flat_map(|from| Toestand::ALL.map(|to| (from, to)));
        let coded =
            pairs.filter(|(from, to)| from.may_become(*to)).map(|(from, to)| (format!("{from:?}"), format!("{to:?}")));
        assert_eq!(drawn, coded.collect());
    }
}
