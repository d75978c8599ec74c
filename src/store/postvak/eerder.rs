//! Earlier berichten, as a new one finds them: loaded under the lock, judged by the domain.

use std::collections::{BTreeSet, HashMap};

use sqlx::Row;

use super::{
    pseudoniemen::pseudoniemen_of,
    rij::{PostvakRij, read::ReadRow, sql::rows_for},
};
use crate::{
    domain::{Adres, BerichtId, Eerder, Sindsdien, Vervolg, houdbaarheid::amsterdam_date},
    store::{
        DbConnection, DbRow, StoreError,
        database::rows::{Column, Rows, fetch},
        values::{bericht_id, moment, uint},
    },
};

/// An earlier bericht, and what came of it.
pub(in crate::store) struct Earlier {
    /// Its rows, in the order of its ontvangers.
    pub(in crate::store) rijen: Vec<PostvakRij>,
    /// What the domain judges by.
    pub(in crate::store) eerder: Eerder,
    /// What came of it since.
    pub(in crate::store) sindsdien: Sindsdien,
}

/// The rows of berichten, with what else is known of these.
const ROWS: &str = rows_for!(
    ", b.verlenging, b.doelgroep, b.gewaarschuwd, b.wacht_tot, \
     (SELECT count(*) FROM berichten l WHERE l.vervangt = b.id) AS vervangers",
    "WHERE p.bericht = v.bericht"
);

/// What was sent in answer to berichten, or followed them.
const FOLLOWED: &str = "SELECT p.in_antwoord_op, b.berichtsoort, b.afzender_partner, b.afzender_loket, \
     count(DISTINCT b.id) AS aantal, \
     CAST(max(CASE WHEN p.toestand <> 'ingetrokken' \
         AND (p.toestand NOT IN ('vervallen', 'beschadigd') OR p.poging > 0 OR p.gelezen = 1) THEN 1 ELSE 0 END) AS BIGINT) AS staat \
     FROM {v} CROSS JOIN postvak p JOIN berichten b ON b.id = p.bericht WHERE p.in_antwoord_op = v.bericht \
     GROUP BY p.in_antwoord_op, b.berichtsoort, b.afzender_partner, b.afzender_loket";

/// Loads earlier berichten. What is not there is left out.
pub(in crate::store) async fn load(
    tx: &mut DbConnection,
    berichten: BTreeSet<BerichtId>,
) -> Result<HashMap<BerichtId, Earlier>, StoreError> {
    let asked = || Rows::of(&[Column::Bytes("bericht")], &berichten, |id| [id.0.as_bytes().as_slice().into()]);
    let mut found: HashMap<BerichtId, Earlier> = HashMap::new();
    let rows = fetch(tx, ROWS, asked()).await?;
    // Put in order here: asked for it, SQLite would go through the whole postvak in that order.
    let mut rijen = rows.iter().map(PostvakRij::read).zip(&rows).collect::<Vec<_>>();
    rijen.sort_by_key(|(rij, _)| rij.as_ref().map_or(0, |rij| rij.log_index));
    for (rij, row) in rijen {
        let rij = rij?;
        match found.get_mut(&rij.bericht) {
            Some(earlier) => {
                earlier.eerder.ontvangers.push(rij.as_earlier());
                earlier.rijen.push(rij);
            }
            None => drop(found.insert(rij.bericht, begin(row, rij)?)),
        }
    }
    for (bericht, vervolg) in vervolg(tx, asked()).await? {
        if let Some(earlier) = found.get_mut(&bericht) {
            earlier.sindsdien.vervolg.push(vervolg);
        }
    }
    for (bericht, personen) in pseudoniemen_of(tx, &berichten.into_iter().collect::<Vec<_>>()).await? {
        if let Some(earlier) = found.get_mut(&bericht) {
            earlier.sindsdien.personen = personen;
        }
    }
    Ok(found)
}

/// What the first row of an earlier bericht says of it.
fn begin(row: &DbRow, rij: PostvakRij) -> Result<Earlier, StoreError> {
    let wrong = |column| StoreError::inconsistent("berichten", column, rij.bericht);
    let asked_until: i64 = row.try_get("wacht_tot")?;
    let sindsdien = Sindsdien {
        is_replaced: row.try_get::<i64, _>("vervangers")? > 0,
        is_warned: row.try_get::<i64, _>("gewaarschuwd")? != 0,
        asked_until: (asked_until > 0).then(|| moment(asked_until)),
        ..Sindsdien::default()
    };
    let doelgroep = row.try_get::<Option<&str>, _>("doelgroep")?.map(str::parse).transpose();
    let eerder = Eerder {
        bericht: rij.bericht,
        gesprek: rij.gesprek,
        soort: rij.soort,
        afzender: rij.afzender.clone(),
        ontvangers: vec![rij.as_earlier()],
        doelgroep: doelgroep.map_err(|()| wrong("doelgroep"))?,
        verlenging: u8::try_from(row.try_get::<i64, _>("verlenging")?).map_err(|_| wrong("verlenging"))?,
        dag: amsterdam_date(rij.tijd),
    };
    Ok(Earlier { rijen: vec![rij], eerder, sindsdien })
}

/// What was sent in answer to these berichten, or followed them: by whom, of which kind, how often, and whether one of them arrived
/// or still can.
async fn vervolg(tx: &mut DbConnection, berichten: Rows<'_>) -> Result<Vec<(BerichtId, Vervolg)>, StoreError> {
    let read = |row: &DbRow| {
        let bericht = bericht_id(row.try_get("in_antwoord_op")?, "postvak")?;
        let wrong = |column| StoreError::inconsistent("berichten", column, format!("een vervolg op {bericht}"));
        let afzender = Adres {
            partner: row.try_get::<&str, _>("afzender_partner")?.parse().map_err(|_| wrong("afzender_partner"))?,
            loket: row.try_get::<&str, _>("afzender_loket")?.parse().map_err(|_| wrong("afzender_loket"))?,
        };
        let soort = row.try_get::<&str, _>("berichtsoort")?.parse().map_err(|()| wrong("berichtsoort"))?;
        let (aantal, stands) = (uint(row.try_get("aantal")?), row.try_get::<i64, _>("staat")? != 0);
        Ok((bericht, Vervolg { soort, afzender, aantal, stands }))
    };
    fetch(tx, FOLLOWED, berichten).await?.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, ConnectOptions, Executor, any::AnyConnectOptions};

    use super::*;
    use crate::store::database::dialect::Dialect;

    /// With several berichten at once too: that is what many answers in one transaction are.
    #[tokio::test]
    async fn earlier_berichten_are_found_without_looking_through_the_postvak() {
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = "sqlite::memory:".parse().unwrap();
        let mut connection = options.connect().await.unwrap();
        Dialect::Sqlite.schema().run(&mut connection).await.unwrap();
        let several = "(SELECT column1 AS bericht FROM (VALUES (x'00'), (x'01'), (x'02'))) AS v";
        for sql in [ROWS, FOLLOWED] {
            let sql = format!("EXPLAIN QUERY PLAN {}", sql.replace("{v}", several));
            let plan = connection.fetch_all(AssertSqlSafe(sql)).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
            assert!(plan.iter().any(|step| step.starts_with("SEARCH p")), "{plan:#?}");
            assert!(!plan.iter().any(|step| step.starts_with("SCAN p") || step.starts_with("SCAN b")), "{plan:#?}");
        }
    }
}
