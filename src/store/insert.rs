//! The rows of accepted berichten, many a statement.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    DbConnection,
    accept::{Accept, Pseudoniem},
    int,
    many::{Row, insert_all},
    toestand::Toestand,
};
use crate::domain::{Adres, BerichtId, Berichtsoort, Doelgroep, Kenmerk};

/// An accepted bericht, to be written.
pub(super) struct NewBericht {
    /// What was accepted.
    pub(super) accept: Arc<Accept>,
    /// When, microseconds.
    pub(super) micros: i64,
    /// Index of the regel of each ontvanger.
    pub(super) log_indexes: Vec<u64>,
    /// Until when it is reserved for a waiting Ask, microseconds; 0 when it is not.
    pub(super) reserved_until: i64,
}

/// Writes them.
pub(super) async fn insert(tx: &mut DbConnection, new: &[NewBericht]) -> Result<(), sqlx::Error> {
    insert_all(tx, BERICHTEN, new, bericht).await?;
    let marks = |new: &NewBericht| {
        let id = new.accept.id;
        new.accept.pseudoniemen.iter().map(move |mark| (id, mark.clone())).collect::<Vec<_>>()
    };
    let marks: Vec<(BerichtId, Pseudoniem)> = new.iter().flat_map(marks).collect();
    insert_all(tx, PSEUDONIEMEN, &marks, pseudoniem).await?;
    let ontvangers: Vec<(&NewBericht, usize)> =
        new.iter().flat_map(|new| (0..new.log_indexes.len()).map(move |at| (new, at))).collect();
    insert_all(tx, POSTVAK, &ontvangers, ontvanger).await?;
    // Two betrokkenen can share a mark.
    let places: BTreeSet<(Adres, [u8; 32], BerichtId)> = new.iter().flat_map(vindbaar).collect();
    let places: Vec<_> = places.into_iter().collect();
    insert_all(tx, "INSERT INTO vindbaar (partner, loket, pseudoniem, bericht) ", &places, |row, place| {
        let (adres, pseudoniem, bericht) = place;
        row.bind(adres.partner.as_str()).bind(adres.loket.as_str()).bind(pseudoniem.as_slice()).bind(id(*bericht));
    })
    .await
}

const BERICHTEN: &str = "INSERT INTO berichten (id, afzender_partner, afzender_loket, afzender_oin, request_id, berichtsoort, \
                         gesprek, in_antwoord_op, vervangt, verlenging, betwist, gewaarschuwd, doelgroep, tijd, wacht_tot, \
                         vingerafdruk, herhaling, inhoud) ";

fn bericht(row: &mut Row<'_>, NewBericht { accept, micros, .. }: &NewBericht) {
    let (toegelaten, bericht) = (&accept.toegelaten, accept.toegelaten.bericht());
    row.bind(id(accept.id))
        .bind(toegelaten.afzender().partner.as_str())
        .bind(toegelaten.afzender().loket.as_str())
        .bind(toegelaten.identiteit().oin.as_str())
        .bind(bericht.request_id.as_bytes().as_slice())
        .bind(accept.soort().as_str())
        .bind(id(accept.gesprek))
        .bind(bericht.in_antwoord_op.map(id))
        .bind(bericht.vervangt.map(id))
        .bind(i64::from(toegelaten.verlenging()))
        .bind(i64::from(bericht.feiten.betwist))
        .bind(0_i64)
        .bind(toegelaten.doelgroep().map(Doelgroep::as_str))
        .bind(*micros)
        .bind(accept.wacht_tot)
        .bind(accept.vingerafdruk.as_slice())
        .bind(accept.herhaling.as_slice())
        .bind(accept.inhoud.as_slice());
}

const PSEUDONIEMEN: &str = "INSERT INTO pseudoniemen (bericht, volgnummer, kenmerk, hoofdpersoon, pseudoniem) ";

fn pseudoniem(row: &mut Row<'_>, (bericht, mark): &(BerichtId, Pseudoniem)) {
    row.bind(id(*bericht))
        .bind(i64::try_from(mark.volgnummer).expect("a bericht has at most 16 betrokkenen"))
        .bind(mark.kenmerk.as_str())
        .bind(i64::from(mark.hoofdpersoon))
        .bind(mark.pseudoniem.as_slice());
}

const POSTVAK: &str = "INSERT INTO postvak (log_index, bericht, partner, loket, oin, grondslag, regel, convenant, \
                       verwerkingsactiviteit, houdbaar_tot_en_met, bewaar_inhoud, sleutel, in_antwoord_op, toestand, stand, \
                       poging, gelezen, lease_tot) ";

fn ontvanger(row: &mut Row<'_>, (new, at): &(&NewBericht, usize)) {
    let NewBericht { accept, micros, log_indexes, reserved_until } = new;
    let (adres, stempel) = &accept.toegelaten.stempels()[*at];
    let (oin, sleutel) = &accept.sleutels[*at];
    // An answer to a waiting Ask is reserved for it: as if leased, never handed out.
    let toestand = if reserved_until > micros { Toestand::Afgeleverd } else { Toestand::Wacht };
    row.bind(int(log_indexes[*at]))
        .bind(id(accept.id))
        .bind(adres.partner.as_str())
        .bind(adres.loket.as_str())
        .bind(oin.as_str())
        .bind(stempel.grondslag.as_str())
        .bind(stempel.regel.as_str())
        .bind(stempel.convenant.as_str())
        .bind(stempel.verwerkingsactiviteit.as_str())
        .bind(stempel.houdbaar_tot_en_met.to_string())
        .bind(stempel.bewaar_inhoud.as_str())
        .bind(sleutel.as_slice())
        .bind(accept.toegelaten.bericht().in_antwoord_op.map(id))
        .bind(toestand as i64)
        .bind(int(log_indexes[*at]))
        .bind(0_i64)
        .bind(0_i64)
        .bind(*reserved_until);
}

/// Where a scenario can be found.
fn vindbaar(new: &NewBericht) -> Vec<(Adres, [u8; 32], BerichtId)> {
    let accept = &new.accept;
    if accept.soort() != Berichtsoort::Scenario {
        return Vec::new();
    }
    let marks = accept.pseudoniemen.iter().filter(|mark| mark.kenmerk != Kenmerk::Naam);
    let at = |mark: &Pseudoniem| {
        let pseudoniem = mark.pseudoniem;
        accept.toegelaten.stempels().iter().map(move |(adres, _)| (adres.clone(), pseudoniem, accept.id))
    };
    marks.flat_map(at).collect()
}

fn id(bericht: BerichtId) -> Vec<u8> {
    bericht.0.as_bytes().to_vec()
}
