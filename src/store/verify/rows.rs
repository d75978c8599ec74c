//! The rows of berichten and postvakken: each must say what the regels say became of it.

use std::collections::{BTreeMap, HashMap};

use jiff::SignedDuration;
use sqlx::{AssertSqlSafe, Row};

use super::{
    error::VerifyError,
    verloop::{Oins, Stand, Verloop},
};
use crate::{
    domain::{Adres, Berichtsoort, Toestand},
    logboek::Logregel,
    store::{
        DbConnection, DbRow,
        postvak::rij::{
            PostvakRij,
            read::read_each,
            sql::{current, rows_and_indexes},
        },
        values::{bericht_id, int, moment, uint},
    },
};

/// Rows that are read at once.
const PAGE: u64 = 1024;
/// So long a receiver can have a bericht at most (`lease_seconds`), and an Ask can wait; with a second for the clock.
const LONGEST_LEASE: SignedDuration = SignedDuration::from_secs(3601);
const LONGEST_ASK: SignedDuration = SignedDuration::from_secs(301);

/// Compares the rows of the postvak.
pub(super) async fn postvak(tx: &mut DbConnection, verloop: &Verloop, oins: &Oins) -> Result<(), VerifyError> {
    let (mut after, mut seen) = (i64::MIN, 0);
    loop {
        let leaves = leaves(tx, after).await?;
        let (rows, indexes) = rows_and_indexes!("WHERE p.log_index > $1 ORDER BY p.log_index LIMIT $2");
        let bound = |sql: &'static str| sqlx::query(sql).bind(after).bind(int(PAGE));
        let (rows, indexes) = (bound(rows), bound(indexes));
        let rows = read_each::<PostvakRij>(tx, rows, indexes).await?;
        let Some((last, _)) = rows.last() else { break };
        after = int(*last);
        for (index, row) in rows {
            let bad = |what: String| VerifyError::Regel { index, what };
            let rij = row.map_err(|error| bad(error.to_string()))?;
            if verloop.onverantwoord.contains(&rij.bericht) {
                continue;
            }
            let stand =
                verloop.standen.get(&index).ok_or_else(|| bad("staat in het postvak en is geen aanvaarding".into()))?;
            let leaf = leaves.get(&index).ok_or_else(|| bad("staat in het postvak en is er niet".into()))?;
            differs(&rij, leaf, oins)
                .or_else(|| stands_elsewhere(&rij, stand))
                .map_or(Ok(()), |what| Err(bad(what.into())))?;
            seen += 1;
        }
    }
    if let Some(index) = verloop.standen.keys().find(|_| seen != verloop.standen.len()) {
        let index = missing(tx, verloop).await?.unwrap_or(*index);
        return Err(VerifyError::Regel { index, what: "aanvaard, maar het bericht ontbreekt in het postvak".into() });
    }
    let without: Option<i64> = sqlx::query_scalar(
        "SELECT min(log_index) FROM postvak WHERE (sleutel IS NULL AND beeindigd_door IS NULL) \
         OR (sleutel IS NOT NULL AND beeindigd_door IS NOT NULL)",
    )
    .fetch_one(&mut *tx)
    .await?;
    match without {
        Some(index) => {
            let what =
                "het postvak heeft de sleutel nog, of niet meer: dat klopt niet met de beeindigingen in het logboek";
            Err(VerifyError::Regel { index: uint(index), what: what.into() })
        }
        None => Ok(()),
    }
}

/// The regels `aanvaard` of the rows after one.
async fn leaves(tx: &mut DbConnection, after: i64) -> Result<HashMap<u64, Logregel>, VerifyError> {
    let rows = sqlx::query(
        "SELECT r.log_index, r.regel FROM postvak p JOIN logregels r ON r.log_index = p.log_index \
         WHERE p.log_index > $1 ORDER BY p.log_index LIMIT $2",
    )
    .bind(after)
    .bind(int(PAGE))
    .fetch_all(tx)
    .await?;
    let leaf = |row: &DbRow| {
        let index = uint(row.try_get("log_index")?);
        let regel = Logregel::from_leaf(row.try_get("regel")?);
        Ok((index, regel.map_err(|error| VerifyError::Regel { index, what: error.to_string() })?))
    };
    rows.iter().map(leaf).collect()
}

/// The first acceptance without a row.
async fn missing(tx: &mut DbConnection, verloop: &Verloop) -> Result<Option<u64>, VerifyError> {
    for index in verloop.standen.keys() {
        let there: Option<i64> = sqlx::query_scalar("SELECT log_index FROM postvak WHERE log_index = $1")
            .bind(int(*index))
            .fetch_optional(&mut *tx)
            .await?;
        if there.is_none() {
            return Ok(Some(*index));
        }
    }
    Ok(None)
}

/// Whether a row says something else than the regel by which it was accepted.
fn differs(rij: &PostvakRij, leaf: &Logregel, oins: &Oins) -> Option<&'static str> {
    let belongs = |adres: &Adres, in_logboek: &str| {
        let of_partner = oins.get(&adres.partner).into_iter().flatten();
        in_logboek.split_once('/').is_some_and(|(oin, _)| of_partner.into_iter().any(|known| known.as_str() == oin))
    };
    let same = rij.accepted_by(leaf)
        && belongs(&rij.ontvanger.adres, &rij.ontvanger.in_logboek())
        && (rij.afzender.is_gateway() || belongs(&rij.afzender, &rij.afzender_in_logboek));
    (!same).then_some("de tabellen zeggen iets anders over dit bericht dan de logregel")
}

/// In what a row says something else than its regels.
fn stands_elsewhere(rij: &PostvakRij, stand: &Stand) -> Option<&'static str> {
    // Whether an Ask still waits is in no regel.
    let waits = matches!((rij.toestand, stand.toestand), (Toestand::Gereserveerd, Toestand::Wacht));
    let held = match rij.toestand {
        Toestand::Afgeleverd => LONGEST_LEASE,
        Toestand::Gereserveerd => LONGEST_ASK,
        _ => SignedDuration::ZERO,
    };
    let until = stand.since.saturating_add(held).expect("a duration without calendar units can be added");
    let no_longer = rij.held_until.as_microsecond() == 0 || !held.is_zero() && rij.held_until <= until;
    let wrong = [
        (
            rij.toestand != stand.toestand && !waits,
            "het bericht staat volgens het postvak ergens anders dan de regels het brachten",
        ),
        (rij.moved_by != stand.moved_by, "het postvak noemt een andere regel die het bericht bracht waar het staat"),
        (rij.ended_by != stand.ended_by, "het postvak kent een andere beeindiging dan het logboek"),
        (rij.poging != stand.poging, "het postvak telt andere afleveringen dan het logboek"),
        (rij.gelezen != stand.gelezen, "het postvak zegt iets anders van het lezen dan het logboek"),
        (rij.bevestigd != stand.bevestigd, "het postvak weet niet van deze bevestiging, of van een die er niet was"),
        (
            rij.terugkoppeling_open != stand.terugkoppeling_open,
            "het postvak wacht anders op een terugkoppeling dan het logboek",
        ),
        (rij.vernietiging != stand.vernietiging, "het postvak weet iets anders van de vernietiging dan het logboek"),
        (
            rij.refused.as_ref().map(|of| &of.code) != stand.weigering.as_ref(),
            "het postvak noemt een andere weigering dan het logboek",
        ),
        (!no_longer, "het postvak houdt het bericht langer vast dan een ontvanger of een vraag dat kan"),
    ];
    wrong.into_iter().find(|(wrong, _)| *wrong).map(|(_, what)| what)
}

/// Compares the berichten.
pub(super) async fn berichten(tx: &mut DbConnection, verloop: &Verloop) -> Result<(), VerifyError> {
    let (mut after, mut seen) = (Vec::new(), 0);
    loop {
        let rows = sqlx::query(
            "SELECT b.id, b.verlenging, b.gewaarschuwd, b.doelgroep, b.wacht_tot, b.tijd, \
             CAST(CASE WHEN b.inhoud IS NULL THEN 1 ELSE 0 END AS BIGINT) AS leeg, \
             (SELECT count(*) FROM postvak p WHERE p.bericht = b.id AND p.beeindigd_door IS NULL) AS lezers, \
             (SELECT min(p.log_index) FROM postvak p WHERE p.bericht = b.id) AS eerste \
             FROM berichten b WHERE b.id > $1 ORDER BY b.id LIMIT $2",
        )
        .bind(after)
        .bind(int(PAGE))
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = rows.last() else { break };
        after = last.try_get("id")?;
        for row in rows {
            let id = bericht_id(row.try_get("id")?, "berichten")?;
            let table = |what: &str| VerifyError::Table { table: "berichten", what: format!("{id}: {what}") };
            if verloop.onverantwoord.contains(&id) {
                continue;
            }
            let of = verloop.berichten.get(&id).ok_or_else(|| table("staat er zonder logregel"))?;
            let bad = |what: &str| match row.try_get::<Option<i64>, _>("eerste") {
                Ok(Some(index)) => VerifyError::Regel { index: uint(index), what: what.to_owned() },
                _ => table(what),
            };
            let (tijd, wacht_tot) = (moment(row.try_get("tijd")?), row.try_get::<i64, _>("wacht_tot")?);
            let latest = tijd.saturating_add(LONGEST_ASK).expect("a duration without calendar units can be added");
            let wrong = [
                (
                    row.try_get::<i64, _>("verlenging")? != i64::from(of.verlenging),
                    "verlenging is een andere dan de regels tellen",
                ),
                (
                    row.try_get::<i64, _>("gewaarschuwd")? != i64::from(of.gewaarschuwd),
                    "gewaarschuwd is anders dan de regels zeggen",
                ),
                (
                    row.try_get::<Option<String>, _>("doelgroep")? != of.doelgroep,
                    "doelgroep is een andere dan in de regel",
                ),
                (
                    wacht_tot != 0 && !(tijd <= moment(wacht_tot) && moment(wacht_tot) <= latest),
                    "wacht_tot is later dan een vraag kan wachten",
                ),
                (
                    (row.try_get::<i64, _>("leeg")? == 1) != (row.try_get::<i64, _>("lezers")? == 0),
                    "de inhoud staat er nog, of niet meer: dat klopt niet met de beeindigingen",
                ),
            ];
            wrong.into_iter().find(|(wrong, _)| *wrong).map_or(Ok(()), |(_, what)| Err(bad(what)))?;
            seen += 1;
        }
    }
    let all = verloop.berichten.len();
    let what = || format!("er staan er {seen}, en volgens het logboek zijn het er {all}");
    if seen == all { Ok(()) } else { Err(VerifyError::Table { table: "berichten", what: what() }) }
}

/// Compares how many berichten of each postvak count as open.
pub(super) async fn postvakken(tx: &mut DbConnection) -> Result<(), VerifyError> {
    let follows = Berichtsoort::ALL.iter().filter(|soort| soort.follows()).map(|soort| format!("'{}'", soort.as_str()));
    let follows = follows.collect::<Vec<_>>().join(", ");
    let open = Toestand::ALL.into_iter().filter(|toestand| toestand.is_open()).map(|of| format!("'{}'", of.as_str()));
    let open = open.collect::<Vec<_>>().join(", ");
    let counted = format!(
        "SELECT p.partner, p.loket, count(*) AS open FROM postvak p JOIN berichten b ON b.id = p.bericht \
         WHERE p.toestand IN ({open}) AND b.berichtsoort NOT IN ({follows}) GROUP BY p.partner, p.loket"
    );
    let counted = counts(tx, &counted).await?;
    let kept = counts(tx, "SELECT partner, loket, open FROM postvakken").await?;
    let known = counts(tx, "SELECT partner, loket, count(*) AS open FROM postvak GROUP BY partner, loket").await?;
    let differs = |place: &&(String, String)| counted.get(*place).unwrap_or(&0) != kept.get(*place).unwrap_or(&0);
    let strange = || kept.keys().find(|place| !known.contains_key(*place));
    let wrong = counted.keys().chain(kept.keys()).find(differs).or_else(strange);
    wrong.map_or(Ok(()), |(partner, loket)| {
        let what = format!("{partner}/{loket} telt andere open berichten dan er zijn");
        Err(VerifyError::Table { table: "postvakken", what })
    })
}

async fn counts(tx: &mut DbConnection, sql: &str) -> Result<BTreeMap<(String, String), i64>, VerifyError> {
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(tx).await?;
    let count = |row: &DbRow| Ok(((row.try_get("partner")?, row.try_get("loket")?), row.try_get("open")?));
    rows.iter().map(count).collect()
}

/// Whether there are pseudonyms of berichten that do not exist.
pub(super) async fn pseudoniemen(tx: &mut DbConnection) -> Result<(), VerifyError> {
    let strays: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pseudoniemen m WHERE NOT EXISTS (SELECT 1 FROM berichten b WHERE b.id = m.bericht)",
    )
    .fetch_one(tx)
    .await?;
    let what = || "er zijn pseudoniemen van berichten die er niet zijn".to_owned();
    if strays == 0 { Ok(()) } else { Err(VerifyError::Table { table: "pseudoniemen", what: what() }) }
}

/// Compares where scenario's can be found.
pub(super) async fn vindbaar(tx: &mut DbConnection) -> Result<(), VerifyError> {
    const EXPECTED: &str = concat!(
        "SELECT p.partner, p.loket, m.pseudoniem, p.bericht FROM postvak p \
         JOIN berichten b ON b.id = p.bericht AND b.berichtsoort = 'scenario' \
         JOIN pseudoniemen m ON m.bericht = p.bericht AND m.kenmerk <> 'naam' \
         WHERE (p.toestand IN ",
        current!(),
        " OR p.toestand = 'beschadigd') \
         AND NOT (p.bewaar_inhoud = 'bevestiging' AND p.bevestigd IS NOT NULL AND p.beeindigd_door IS NOT NULL)"
    );
    const KEPT: &str = "SELECT partner, loket, pseudoniem, bericht FROM vindbaar";
    for (more, fewer, what) in [
        (EXPECTED, KEPT, "een scenario is niet te vinden waar het gevonden moet worden"),
        (KEPT, EXPECTED, "een scenario is te vinden waar het niet of niet meer ligt"),
    ] {
        let sql = format!("SELECT count(*) FROM (SELECT * FROM ({more}) m EXCEPT SELECT * FROM ({fewer}) f) d");
        let different: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *tx).await?;
        if different > 0 {
            return Err(VerifyError::Table { table: "vindbaar", what: format!("{what} ({different} keer)") });
        }
    }
    Ok(())
}
