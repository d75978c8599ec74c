//! Personen (people): where a person stands in what opens the logboek.

use std::collections::BTreeMap;

use sqlx::Row;

use super::openingen::Months;
use crate::{
    domain::{BerichtId, Kenmerk, persoon::agreeing},
    logboek::{Logregel, Soort},
    sleutels::{OpeningKeys, Veld},
    store::{Pool, StoreError, values::uint},
};

/// Openings that are read at once.
const PAGE: i64 = 1024;

/// Where a person stands.
#[derive(Debug, Default)]
pub struct Voorkomens {
    /// Openings of the person, and of what was decided in dossiers about the person. Each by the index of its regel, of what it is, and
    /// which one in there.
    pub openingen: Vec<(u64, Veld, u16)>,
    /// Berichten, each with which betrokkene of it the person is.
    pub berichten: Vec<(BerichtId, u16)>,
    /// Dossiers about the person that were not closed, each with the OIN of who opened it.
    pub open_dossiers: Vec<(u64, String)>,
}

type Marks = Vec<(Kenmerk, [u8; 32])>;

/// A dossier of inzage.
struct Dossier {
    marks: Marks,
    openingen: Vec<(u64, Veld, u16)>,
    opened_by: String,
    is_closed: bool,
}

/// What was found on the way through the openings.
#[derive(Default)]
struct Scan {
    found: Voorkomens,
    /// The person, as each of them has it.
    people: Vec<Marks>,
    dossiers: BTreeMap<u64, Dossier>,
}

impl Scan {
    /// An opening of a betrokkene.
    fn person(&mut self, wanted: &Marks, (log_index, volgnummer): (u64, u16), regel: &Logregel, marks: Marks) {
        let opening = (log_index, Veld::Betrokkene, volgnummer);
        let opened_by = || regel.actor.clone().unwrap_or_default();
        match (regel.soort, regel.dossier) {
            (Soort::InzageGevraagd, None) => {
                let dossier = Dossier { marks, openingen: vec![opening], opened_by: opened_by(), is_closed: false };
                self.dossiers.insert(log_index, dossier);
            }
            (Soort::InzageVerstrekt, Some(nummer)) => {
                if let Some(dossier) = self.dossiers.get_mut(&nummer) {
                    dossier.openingen.push(opening);
                    dossier.is_closed = true;
                }
            }
            _ if agreeing(wanted, &marks).is_some() => {
                self.found.openingen.push(opening);
                let bericht = regel.bericht.as_deref().filter(|_| regel.soort == Soort::Aanvaard);
                self.found.berichten.extend(bericht.and_then(|id| Some((id.parse().ok()?, volgnummer))));
                self.people.push(marks);
            }
            _ => {}
        }
    }

    /// The same with the dossiers about the person: those that have a mark that was asked for, or one of the person.
    fn finish(self, wanted: &Marks) -> Voorkomens {
        let Self { mut found, people, dossiers } = self;
        for (nummer, dossier) in dossiers {
            let is_of = |marks: &Marks| agreeing(marks, &dossier.marks).is_some();
            if !is_of(wanted) && !people.iter().any(is_of) {
                continue;
            }
            found.openingen.extend(dossier.openingen);
            if !dossier.is_closed {
                found.open_dossiers.push((nummer, dossier.opened_by));
            }
        }
        found
    }
}

/// Finds where a person stands, by the surest mark that both have. Opens every opening of a person that is kept: some seconds where there
/// are many.
///
/// # Errors
/// [`StoreError`] when the openings or their regels cannot be read.
pub async fn voorkomens(read: &Pool, keys: &OpeningKeys, wanted: &Marks) -> Result<Voorkomens, StoreError> {
    let (mut scan, mut months, mut after) = (Scan::default(), Months::new(keys), (-1, -1));
    loop {
        let rows = sqlx::query(
            "SELECT o.log_index, o.veld, o.volgnummer, o.verzegeld, r.regel, r.hash FROM openingen o \
             JOIN logregels r ON r.log_index = o.log_index WHERE o.veld IN ('betrokkene', 'besluit') \
             AND (o.log_index > $1 OR (o.log_index = $1 AND o.volgnummer > $2)) ORDER BY o.log_index, o.volgnummer LIMIT $3",
        )
        .bind(after.0)
        .bind(after.1)
        .bind(PAGE)
        .fetch_all(read)
        .await?;
        let Some(last) = rows.last() else { return Ok(scan.finish(wanted)) };
        after = (last.try_get("log_index")?, last.try_get("volgnummer")?);
        for row in rows {
            let log_index = uint(row.try_get("log_index")?);
            let damaged = |column| StoreError::inconsistent("openingen", column, log_index);
            let regel = Logregel::from_leaf(row.try_get("regel")?).map_err(|_| damaged("regel"))?;
            let hash: &[u8; 32] = row.try_get::<&[u8], _>("hash")?.try_into().map_err(|_| damaged("hash"))?;
            let volgnummer = u16::try_from(row.try_get::<i64, _>("volgnummer")?).map_err(|_| damaged("volgnummer"))?;
            if row.try_get::<&str, _>("veld")? == Veld::Besluit.as_str() {
                // A dossier is opened before anything is decided in it.
                let dossier = regel.dossier.and_then(|nummer| scan.dossiers.get_mut(&nummer));
                if let Some(dossier) = dossier {
                    dossier.openingen.push((log_index, Veld::Besluit, volgnummer));
                }
                continue;
            }
            let sealed = [(Veld::Betrokkene, volgnummer, row.try_get("verzegeld")?)];
            for (_, opening) in months.open(hash, &regel, &sealed) {
                let marks = opening.pseudoniemen.iter().filter_map(|(kenmerk, of)| Some(((*kenmerk)?, *of)));
                scan.person(wanted, (log_index, volgnummer), &regel, marks.collect());
            }
        }
    }
}

/// The index of the newest regel by which openings were erased, if there is one.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn newest_gewist(read: &Pool) -> Result<Option<u64>, StoreError> {
    let newest: Option<i64> = sqlx::query_scalar("SELECT max(log_index) FROM gewist").fetch_one(read).await?;
    Ok(newest.map(uint))
}
