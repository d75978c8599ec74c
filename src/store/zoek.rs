//! Finding the scenario's of a person, and those that wait for a terugkoppeling. By keyed pseudonyms alone.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use super::{
    Outdated, StoreError,
    accept::Pseudoniem,
    berichten::bericht_id,
    postvak::moment,
    rij::{Actor, PostvakRij, select_rows},
    toestand::Work,
};
use crate::{
    domain::{
        Adres, BerichtId, Berichtsoort, Kenmerk, VanKracht, houdbaarheid::amsterdam_date, persoon::agreeing,
        still_allowed,
    },
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

/// Finds, and logs each hit; or the one miss.
pub(super) async fn find(
    work: &mut Work<'_>,
    versie: u64,
    find: &Find,
) -> Result<Result<Vec<Found>, Outdated>, StoreError> {
    if find.van_kracht.versie() != versie {
        return Ok(Err(Outdated));
    }
    let now = moment(work.log.micros());
    let today = amsterdam_date(now);
    let mut found = Vec::new();
    for (bericht, (kenmerk, hoofdpersoon)) in recognised(work.tx, &find.kenmerken).await? {
        let rows = select_rows!("WHERE p.bericht = $1 ORDER BY p.log_index")
            .bind(bericht.0.as_bytes().to_vec())
            .fetch_all(&mut *work.tx)
            .await?;
        for row in &rows {
            let rij = PostvakRij::read(row)?;
            let current = rij.soort == Berichtsoort::Scenario
                && find.adressen.contains(&rij.ontvanger)
                && rij.toestand.is_current()
                && rij.sleutel.is_some()
                && rij.stempel.houdbaar_tot_en_met >= today
                && still_allowed(rij.soort, &rij.afzender, &rij.ontvanger, &rij.stempel, &find.van_kracht, now).is_ok();
            if current {
                let regel = rij.regel(Soort::Geraadpleegd, &find.actor);
                find.actor.log(work.log, Some(rij.bericht), regel);
                found.push(Found { rij, kenmerk, hoofdpersoon });
            }
        }
    }
    if found.is_empty() {
        let (betrokkene, zout) = &find.betrokkene;
        let regel = Logregel {
            berichtsoort: Some(Berichtsoort::Scenario.to_string()),
            betrokkene: vec![betrokkene.clone()],
            aantal: Some(0),
            ..find.actor.regel(Soort::Geraadpleegd)
        };
        let (log_index, _) = work.log.append(None, regel);
        // In the order of the regels: medewerker, betrokkene, reden.
        let medewerker = find.actor.medewerker.iter().map(|(_, zout)| zout);
        let reden = find.actor.reden.iter().map(|(_, zout)| zout);
        work.log.keep_salts(log_index, medewerker.chain([zout]).chain(reden).flatten().copied().collect());
    }
    Ok(Ok(found))
}

/// Berichten about this person, by the surest mark, none of which a surer one contradicts.
async fn recognised(
    tx: &mut SqliteConnection,
    wanted: &[(Kenmerk, [u8; 32])],
) -> Result<BTreeMap<BerichtId, (Kenmerk, bool)>, StoreError> {
    let mut found = BTreeMap::new();
    for ((bericht, _), marks) in candidates(tx, wanted).await? {
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

/// All marks of each betrokkene who has one of those that are wanted.
async fn candidates(
    tx: &mut SqliteConnection,
    wanted: &[(Kenmerk, [u8; 32])],
) -> Result<HashMap<(BerichtId, usize), Vec<Pseudoniem>>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT p.bericht, p.volgnummer, p.kenmerk, p.hoofdpersoon, p.pseudoniem FROM pseudoniemen p WHERE EXISTS \
         (SELECT 1 FROM pseudoniemen q WHERE q.bericht = p.bericht AND q.volgnummer = p.volgnummer AND q.pseudoniem IN (",
    );
    let mut list = query.separated(", ");
    for (_, pseudoniem) in wanted {
        list.push_bind(pseudoniem.to_vec());
    }
    query.push("))");
    let mut found: HashMap<(BerichtId, usize), Vec<Pseudoniem>> = HashMap::new();
    for row in query.build().fetch_all(tx).await? {
        let bericht = bericht_id(row.try_get("bericht")?, "pseudoniemen")?;
        let wrong = |column| StoreError::inconsistent("pseudoniemen", column, bericht);
        let mark = Pseudoniem {
            volgnummer: usize::try_from(row.try_get::<i64, _>("volgnummer")?).map_err(|_| wrong("volgnummer"))?,
            hoofdpersoon: row.try_get::<i64, _>("hoofdpersoon")? != 0,
            kenmerk: row.try_get::<&str, _>("kenmerk")?.parse().map_err(|()| wrong("kenmerk"))?,
            pseudoniem: row.try_get::<&[u8], _>("pseudoniem")?.try_into().map_err(|_| wrong("pseudoniem"))?,
        };
        found.entry((bericht, mark.volgnummer)).or_default().push(mark);
    }
    Ok(found)
}

/// Every bericht about this person, oldest first.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn berichten_over(read: &SqlitePool, wanted: &[(Kenmerk, [u8; 32])]) -> Result<Vec<BerichtId>, StoreError> {
    let mut connection = read.acquire().await?;
    Ok(recognised(&mut connection, wanted).await?.into_keys().collect())
}

/// Consulted scenario's of an afzender that wait for a terugkoppeling since before `before` (microseconds), the longest first.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn open_terugkoppelingen(
    read: &SqlitePool,
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
