//! Wis (erase): what opens the commitments to a person, and by what that person can be found. No leaf changes.

use super::voorstel::Regels;
use crate::{
    domain::{BerichtId, Weigering},
    logboek::{Logregel, Soort},
    sleutels::Veld,
    store::{
        NotDone,
        database::rows::{Column, Rows, fetch},
        postvak::{actor::Actor, work::Work},
        values::int,
    },
};

/// Openings that one regel lists: a leaf has room for some more.
const IN_ONE_REGEL: usize = 200;

/// Erases what is known of a person.
pub struct Erase {
    /// Regels before this index were looked through.
    pub gezien_tot: u64,
    /// Who does it and why.
    pub actor: Actor,
    /// The openings, each by the index of its regel, of what it is, and which one in there.
    pub openingen: Vec<(u64, Veld, u16)>,
    /// In which berichten the person stands, and as which betrokkene.
    pub berichten: Vec<(BerichtId, u16)>,
}

/// Erases, as long as no content about the person can be read.
pub(in crate::store) async fn erase(work: &mut Work<'_>, erase: &Erase) -> Result<Regels, NotDone> {
    if work.regels_since(erase.gezien_tot).await?.iter().any(|regel| regel.soort == Soort::InzageGevraagd) {
        // Somebody may have asked for inzage meanwhile: it is looked through anew.
        return Err(NotDone::Outdated);
    }
    let named =
        erase.berichten.iter().map(|(bericht, volgnummer)| (bericht.0.as_bytes().to_vec(), i64::from(*volgnummer)));
    let named: Vec<(Vec<u8>, i64)> = named.collect();
    let columns = [Column::Bytes("bericht"), Column::Int("volgnummer")];
    let rows = || Rows::of(&columns, &named, |(bericht, volgnummer)| [bericht.as_slice().into(), (*volgnummer).into()]);
    let sql = "SELECT p.log_index FROM {v} JOIN postvak p ON p.bericht = v.bericht WHERE p.sleutel IS NOT NULL LIMIT 1";
    let connection = work.database().await?;
    if !fetch(connection, sql, rows()).await?.is_empty() {
        return Err(NotDone::Refused(Weigering::InhoudActueel));
    }
    for (bericht, volgnummer) in &named {
        sqlx::query("DELETE FROM pseudoniemen WHERE bericht = $1 AND volgnummer = $2")
            .bind(bericht.clone())
            .bind(volgnummer)
            .execute(&mut *connection)
            .await?;
    }
    for (log_index, veld, volgnummer) in &erase.openingen {
        sqlx::query("DELETE FROM openingen WHERE log_index = $1 AND veld = $2 AND volgnummer = $3")
            .bind(int(*log_index))
            .bind(veld.as_str())
            .bind(i64::from(*volgnummer))
            .execute(&mut *connection)
            .await?;
    }
    let mut regels = Regels::new();
    for part in erase.openingen.chunks(IN_ONE_REGEL) {
        let gewist = part.iter().map(|(index, veld, volgnummer)| match veld {
            Veld::Betrokkene => format!("{index}/{volgnummer}"),
            other => format!("{index}/{}", other.as_str()),
        });
        let gewist = gewist.collect();
        let regel = Logregel { gewist, ..erase.actor.regel(Soort::OpeningenGewist) };
        let appended = erase.actor.log(&mut work.log, None, regel)?;
        let row = sqlx::query("INSERT INTO gewist (log_index) VALUES ($1)").bind(int(appended.0));
        row.execute(work.database().await?).await?;
        regels.push(appended);
    }
    Ok(regels)
}
