//! Finding the scenario's of a person, and those that wait for a terugkoppeling. By keyed pseudonyms alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sqlx::Row;

use super::{
    DbConnection, Outdated, Pool, StoreError,
    accept::Pseudoniem,
    berichten::bericht_id,
    postvak::{self, moment},
    rij::{Actor, PostvakRij, ReadRow, select_rows},
    rows::{Column, Rows, fetch},
    toestand::Toestand,
    work::Work,
};
use crate::{
    domain::{Adres, BerichtId, Berichtsoort, Kenmerk, VanKracht, houdbaarheid::amsterdam_date, persoon::agreeing},
    logboek::{Logregel, Soort},
};

/// Looks for the current scenario's of a person.
pub struct Find {
    /// At these loketten.
    pub adressen: Vec<Adres>,
    /// By these marks of the person.
    pub kenmerken: Vec<(Kenmerk, [u8; 32])>,
    /// Commitment to the person, and its salt, for when nothing is found.
    pub betrokkene: (String, [u8; 32]),
    /// Who looks, and for which case.
    pub actor: Actor,
    /// What allows it now.
    pub van_kracht: Arc<VanKracht>,
}

/// A scenario that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The bericht for the ontvanger where it lies.
    pub rij: PostvakRij,
    /// By what the person was recognised.
    pub kenmerk: Kenmerk,
    /// Whether the scenario is about this person first.
    pub hoofdpersoon: bool,
}

/// Scenario's in one answer, at most: the newest.
const MOST_FOUND: usize = 100;

/// Finds, and logs each hit; or the one miss.
pub(super) async fn find(work: &mut Work<'_>, find: &Find) -> Result<Result<Vec<Found>, Outdated>, StoreError> {
    if find.van_kracht.versie() != work.versie() {
        return Ok(Err(Outdated));
    }
    // Everything is read before anything is logged.
    let micros = work.log.micros();
    let found = current(work.database().await?, find, micros).await?;
    for Found { rij, .. } in &found {
        find.actor.log(&mut work.log, Some(rij.bericht), rij.regel(Soort::Geraadpleegd, &find.actor))?;
    }
    if found.is_empty() {
        let (betrokkene, zout) = &find.betrokkene;
        let regel = Logregel {
            berichtsoort: Some(Berichtsoort::Scenario.to_string()),
            betrokkene: vec![betrokkene.clone()],
            aantal: Some(0),
            ..find.actor.regel(Soort::Geraadpleegd)
        };
        let (log_index, _) = work.log.append(None, regel)?;
        // In the order of the regels: medewerker, betrokkene, reden.
        let medewerker = find.actor.medewerker.iter().map(|(_, zout)| zout);
        let reden = find.actor.reden.iter().map(|(_, zout)| zout);
        work.log.keep_salts(log_index, medewerker.chain([zout]).chain(reden).flatten().copied().collect());
    }
    Ok(Ok(found))
}

/// The scenario's of a person that can be read now at these loketten, or could be if they were not damaged; the newest first.
async fn current(tx: &mut DbConnection, find: &Find, micros: i64) -> Result<Vec<Found>, StoreError> {
    let now = moment(micros);
    let today = amsterdam_date(now);
    let mut places = BTreeSet::new();
    for adres in &find.adressen {
        for (_, pseudoniem) in &find.kenmerken {
            let ids: Vec<Vec<u8>> = sqlx::query_scalar(
                "SELECT bericht FROM vindbaar WHERE partner = $1 AND loket = $2 AND pseudoniem = $3 \
                 ORDER BY bericht DESC LIMIT 200",
            )
            .bind(adres.partner.as_str())
            .bind(adres.loket.as_str())
            .bind(pseudoniem.as_slice())
            .fetch_all(&mut *tx)
            .await?;
            for id in ids {
                places.insert((bericht_id(&id, "vindbaar")?, adres));
            }
        }
    }
    let berichten: BTreeSet<BerichtId> = places.iter().map(|(bericht, _)| *bericht).collect();
    let berichten: Vec<BerichtId> = berichten.into_iter().collect();
    let recognised = recognised(tx, &berichten, &find.kenmerken).await?;
    let mut found = Vec::new();
    for (bericht, adres) in places.into_iter().rev() {
        let Some((kenmerk, hoofdpersoon)) = recognised.get(&bericht).copied() else { continue };
        // A row that is gone or cannot be read is an error: somebody who searches at night must never hear "none" instead.
        let gone = || StoreError::inconsistent("vindbaar", "bericht", bericht);
        let rij = postvak::find::<PostvakRij>(tx, bericht, adres).await?.ok_or_else(gone)?;
        let current = rij.toestand.is_found()
            && (rij.beeindigd.is_none() || rij.toestand == Toestand::Beschadigd)
            && rij.stempel.houdbaar_tot_en_met >= today
            && rij.may_be_handed(&find.van_kracht, now).is_ok();
        if current && found.len() < MOST_FOUND {
            found.push(Found { rij, kenmerk, hoofdpersoon });
        }
    }
    Ok(found)
}

/// Which of these berichten are about this person, by the surest mark, none of which a surer one contradicts.
async fn recognised(
    connection: &mut DbConnection,
    berichten: &[BerichtId],
    wanted: &[(Kenmerk, [u8; 32])],
) -> Result<BTreeMap<BerichtId, (Kenmerk, bool)>, StoreError> {
    let mut people: BTreeMap<(BerichtId, usize), Vec<Pseudoniem>> = BTreeMap::new();
    for (bericht, mark) in pseudoniemen_of(connection, berichten).await? {
        people.entry((bericht, mark.volgnummer)).or_default().push(mark);
    }
    // Where something can be found by a mark, its marks are kept.
    let known: BTreeSet<BerichtId> = people.keys().map(|(bericht, _)| *bericht).collect();
    if let Some(bericht) = berichten.iter().find(|bericht| !known.contains(bericht)) {
        return Err(StoreError::inconsistent("pseudoniemen", "bericht", bericht));
    }
    let mut found: BTreeMap<BerichtId, (Kenmerk, bool)> = BTreeMap::new();
    for ((bericht, _), marks) in people {
        let hoofdpersoon = marks.iter().any(|mark| mark.hoofdpersoon);
        let marks: Vec<(Kenmerk, [u8; 32])> = marks.into_iter().map(|mark| (mark.kenmerk, mark.pseudoniem)).collect();
        if let Some(kenmerk) = agreeing(wanted, &marks) {
            let best = found.entry(bericht).or_insert((kenmerk, hoofdpersoon));
            if kenmerk < best.0 {
                *best = (kenmerk, hoofdpersoon);
            }
        }
    }
    Ok(found)
}

/// The pseudonyms of the betrokkenen of these berichten.
pub(super) async fn pseudoniemen_of(
    connection: &mut DbConnection,
    berichten: &[BerichtId],
) -> Result<Vec<(BerichtId, Pseudoniem)>, StoreError> {
    let mut found = Vec::new();
    for ids in berichten.chunks(1000) {
        let ids = Rows::of(&[Column::Bytes("bericht")], ids, |id| [id.0.as_bytes().as_slice().into()]);
        let sql = "SELECT bericht, volgnummer, kenmerk, hoofdpersoon, pseudoniem FROM pseudoniemen \
                   WHERE bericht IN (SELECT v.bericht FROM {v})";
        for row in fetch(connection, sql, ids).await? {
            let bericht = bericht_id(row.try_get("bericht")?, "pseudoniemen")?;
            let wrong = |column| StoreError::inconsistent("pseudoniemen", column, bericht);
            let mark = Pseudoniem {
                volgnummer: usize::try_from(row.try_get::<i64, _>("volgnummer")?).map_err(|_| wrong("volgnummer"))?,
                hoofdpersoon: row.try_get::<i64, _>("hoofdpersoon")? != 0,
                kenmerk: row.try_get::<&str, _>("kenmerk")?.parse().map_err(|()| wrong("kenmerk"))?,
                pseudoniem: row.try_get::<&[u8], _>("pseudoniem")?.try_into().map_err(|_| wrong("pseudoniem"))?,
            };
            found.push((bericht, mark));
        }
    }
    Ok(found)
}

/// It is not found any more.
pub(super) async fn forget(tx: &mut DbConnection, rij: &PostvakRij) -> Result<(), StoreError> {
    if rij.soort == Berichtsoort::Scenario {
        sqlx::query("DELETE FROM vindbaar WHERE bericht = $1 AND partner = $2 AND loket = $3")
            .bind(rij.bericht.0.as_bytes().to_vec())
            .bind(rij.ontvanger.partner.as_str())
            .bind(rij.ontvanger.loket.as_str())
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Every bericht about this person, oldest first.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn berichten_over(read: &Pool, wanted: &[(Kenmerk, [u8; 32])]) -> Result<Vec<BerichtId>, StoreError> {
    let mut connection = read.acquire().await?;
    let mut berichten = BTreeSet::new();
    for (_, pseudoniem) in wanted {
        let ids: Vec<Vec<u8>> = sqlx::query_scalar("SELECT bericht FROM pseudoniemen WHERE pseudoniem = $1")
            .bind(pseudoniem.as_slice())
            .fetch_all(&mut *connection)
            .await?;
        for id in ids {
            berichten.insert(bericht_id(&id, "pseudoniemen")?);
        }
    }
    let berichten: Vec<BerichtId> = berichten.into_iter().collect();
    Ok(recognised(&mut connection, &berichten, wanted).await?.into_keys().collect())
}

/// Consulted scenario's of an afzender that wait for a terugkoppeling since before `before` (microseconds), the longest first.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn open_terugkoppelingen(
    read: &Pool,
    afzender: &Adres,
    before: i64,
    most: u32,
) -> Result<Vec<PostvakRij>, StoreError> {
    let rows = select_rows!(
        "WHERE p.terugkoppeling_open IS NOT NULL AND p.terugkoppeling_open <= $1 AND b.afzender_partner = $2 \
         AND b.afzender_loket = $3 AND p.toestand <> 5 ORDER BY p.terugkoppeling_open LIMIT $4"
    )
    .bind(before)
    .bind(afzender.partner.as_str())
    .bind(afzender.loket.as_str())
    .bind(i64::from(most))
    .fetch_all(read)
    .await?;
    rows.iter().map(PostvakRij::read).collect()
}
