//! The rows of an accepted bericht.

use sqlx::SqliteConnection;

use super::{
    StoreError,
    accept::{Accept, Pseudoniem},
    int,
    toestand::Toestand,
    zoek,
};
use crate::domain::{Berichtsoort, Doelgroep};

pub(super) async fn insert_bericht(tx: &mut SqliteConnection, accept: &Accept, micros: i64) -> Result<(), StoreError> {
    let toegelaten = &accept.toegelaten;
    let bericht = toegelaten.bericht();
    sqlx::query(
        "INSERT INTO berichten (id, afzender_partner, afzender_loket, afzender_oin, request_id, berichtsoort, gesprek, \
         in_antwoord_op, vervangt, verlenging, betwist, gewaarschuwd, doelgroep, tijd, wacht_tot, vingerafdruk, herhaling, \
         inhoud) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, $13, $14, $15, $16, $17)",
    )
    .bind(accept.id.0.as_bytes().as_slice())
    .bind(toegelaten.afzender().partner.as_str())
    .bind(toegelaten.afzender().loket.as_str())
    .bind(toegelaten.identiteit().oin.as_str())
    .bind(bericht.request_id.as_bytes().as_slice())
    .bind(accept.soort().as_str())
    .bind(accept.gesprek.0.as_bytes().as_slice())
    .bind(bericht.in_antwoord_op.map(|id| id.0.as_bytes().to_vec()))
    .bind(bericht.vervangt.map(|id| id.0.as_bytes().to_vec()))
    .bind(i64::from(toegelaten.verlenging()))
    .bind(i64::from(bericht.feiten.betwist))
    .bind(toegelaten.doelgroep().map(Doelgroep::as_str))
    .bind(micros)
    .bind(accept.wacht_tot)
    .bind(&accept.vingerafdruk)
    .bind(&accept.herhaling)
    .bind(&accept.inhoud)
    .execute(&mut *tx)
    .await?;
    for Pseudoniem { volgnummer, hoofdpersoon, kenmerk, pseudoniem } in &accept.pseudoniemen {
        sqlx::query(
            "INSERT INTO pseudoniemen (bericht, volgnummer, kenmerk, hoofdpersoon, pseudoniem) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(accept.id.0.as_bytes().as_slice())
        .bind(i64::try_from(*volgnummer).expect("a bericht has at most 16 betrokkenen"))
        .bind(kenmerk.as_str())
        .bind(i64::from(*hoofdpersoon))
        .bind(pseudoniem.as_slice())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

pub(super) async fn insert_ontvanger(
    tx: &mut SqliteConnection,
    accept: &Accept,
    at: usize,
    log_index: u64,
    toestand: Toestand,
    lease_tot: i64,
) -> Result<(), StoreError> {
    let (adres, stempel) = &accept.toegelaten.stempels()[at];
    let (oin, sleutel) = &accept.sleutels[at];
    sqlx::query(
        "INSERT INTO postvak (log_index, bericht, partner, loket, oin, grondslag, regel, convenant, \
         verwerkingsactiviteit, houdbaar_tot_en_met, bewaar_inhoud, sleutel, in_antwoord_op, toestand, stand, poging, gelezen, \
         lease_tot) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $1, 0, 0, $15)",
    )
    .bind(int(log_index))
    .bind(accept.id.0.as_bytes().as_slice())
    .bind(adres.partner.as_str())
    .bind(adres.loket.as_str())
    .bind(oin.as_str())
    .bind(&stempel.grondslag)
    .bind(&stempel.regel)
    .bind(&stempel.convenant)
    .bind(&stempel.verwerkingsactiviteit)
    .bind(stempel.houdbaar_tot_en_met.to_string())
    .bind(stempel.bewaar_inhoud.as_str())
    .bind(sleutel)
    .bind(accept.toegelaten.bericht().in_antwoord_op.map(|id| id.0.as_bytes().to_vec()))
    .bind(toestand as i64)
    .bind(lease_tot)
    .execute(&mut *tx)
    .await?;
    if accept.soort() == Berichtsoort::Scenario {
        zoek::index(tx, accept, adres).await?;
    }
    Ok(())
}
