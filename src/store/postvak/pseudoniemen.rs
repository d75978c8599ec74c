//! Keyed pseudonyms: all that the store knows of people, and which berichten are about somebody.

use std::collections::BTreeMap;

use sqlx::Row;

use crate::{
    domain::{
        BerichtId, Kenmerk,
        persoon::{Pseudoniemen, agreeing},
    },
    store::{
        DbConnection, DbRow, StoreError,
        database::rows::{Column, Rows, fetch},
        values::bericht_id,
    },
};

/// Berichten that are asked for at once.
const CHUNK: usize = 1000;

/// The betrokkenen of these berichten, in their order. Of a bericht that is about nobody there is nothing.
pub(in crate::store) async fn pseudoniemen_of(
    connection: &mut DbConnection,
    berichten: &[BerichtId],
) -> Result<BTreeMap<BerichtId, Vec<Pseudoniemen>>, StoreError> {
    const MARKS: &str = "SELECT bericht, volgnummer, kenmerk, hoofdpersoon, pseudoniem FROM pseudoniemen \
                         WHERE bericht IN (SELECT v.bericht FROM {v})";
    let mut people: BTreeMap<(BerichtId, i64), Pseudoniemen> = BTreeMap::new();
    for ids in berichten.chunks(CHUNK) {
        let ids = Rows::of(&[Column::Bytes("bericht")], ids, |id| [id.0.as_bytes().as_slice().into()]);
        for row in fetch(connection, MARKS, ids).await? {
            let bericht = bericht_id(row.try_get("bericht")?, "pseudoniemen")?;
            let of = people.entry((bericht, row.try_get("volgnummer")?));
            let of = of.or_insert(Pseudoniemen { hoofdpersoon: false, kenmerken: Vec::new() });
            of.hoofdpersoon |= row.try_get::<i64, _>("hoofdpersoon")? != 0;
            of.kenmerken.push(mark(&row, bericht)?);
        }
    }
    let mut found: BTreeMap<BerichtId, Vec<Pseudoniemen>> = BTreeMap::new();
    for ((bericht, _), of) in people {
        found.entry(bericht).or_default().push(of);
    }
    Ok(found)
}

fn mark(row: &DbRow, bericht: BerichtId) -> Result<(Kenmerk, [u8; 32]), StoreError> {
    let wrong = |column| StoreError::inconsistent("pseudoniemen", column, bericht);
    let kenmerk = row.try_get::<&str, _>("kenmerk")?.parse().map_err(|()| wrong("kenmerk"))?;
    let pseudoniem = row.try_get::<&[u8], _>("pseudoniem")?.try_into().map_err(|_| wrong("pseudoniem"))?;
    Ok((kenmerk, pseudoniem))
}

/// Which of these berichten are about this person: each with the surest mark by which the person is recognised, and whether the
/// bericht is about this person first. A mark that a surer one contradicts does not count.
pub(in crate::store) async fn recognised(
    connection: &mut DbConnection,
    berichten: &[BerichtId],
    wanted: &[(Kenmerk, [u8; 32])],
) -> Result<BTreeMap<BerichtId, (Kenmerk, bool)>, StoreError> {
    let people = pseudoniemen_of(connection, berichten).await?;
    // A bericht that was found by a mark has that mark here.
    if let Some(bericht) = berichten.iter().find(|bericht| !people.contains_key(bericht)) {
        return Err(StoreError::inconsistent("pseudoniemen", "bericht", bericht));
    }
    let mut found: BTreeMap<BerichtId, (Kenmerk, bool)> = BTreeMap::new();
    for (bericht, of) in people.into_iter().flat_map(|(bericht, of)| of.into_iter().map(move |of| (bericht, of))) {
        if let Some(kenmerk) = agreeing(wanted, &of.kenmerken) {
            let best = found.entry(bericht).or_insert((kenmerk, of.hoofdpersoon));
            if kenmerk < best.0 {
                *best = (kenmerk, of.hoofdpersoon);
            }
        }
    }
    Ok(found)
}
