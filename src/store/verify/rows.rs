//! What the tables say of a bericht must be what its regels say: each row of the postvak against the regel that accepted it, the
//! one that brought it where it stands, and the one that ended its content.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        DbConnection, StoreError, int,
        rij::{PostvakRij, ReadRow, select_rows},
        tijd,
    },
    VerifyError, tree, uint,
};
use crate::{
    domain::{Adres, BerichtId, Oin, PartnerNaam},
    logboek::{Logregel, Soort},
};

/// How often regels were found to say what a row says.
#[derive(Default)]
pub(super) struct Counted {
    accepted: u64,
    delivered: u64,
    confirmed: u64,
    standing: u64,
    ended: u64,
}

/// Compares one regel with its row.
pub(super) async fn check(
    tx: &mut DbConnection,
    index: u64,
    regel: &Logregel,
    oins: &BTreeMap<PartnerNaam, BTreeSet<Oin>>,
    counted: &mut Counted,
) -> Result<(), VerifyError> {
    let bad = |what: &str| VerifyError::Regel { index, what: what.to_owned() };
    let damaged = |error: StoreError| bad(&error.to_string());
    if regel.soort == Soort::Aanvaard {
        let row = select_rows!("WHERE p.log_index = $1").bind(int(index)).fetch_optional(tx).await?;
        let rij = row.as_ref().map(PostvakRij::read).transpose().map_err(damaged)?;
        let rij = rij.ok_or_else(|| bad("aanvaard, maar het bericht ontbreekt in het postvak"))?;
        let belongs = |adres: &Adres, in_log: &str| {
            let of_partner = oins.get(&adres.partner).into_iter().flatten();
            in_log.split_once('/').is_some_and(|(oin, _)| of_partner.into_iter().any(|known| known.as_str() == oin))
        };
        let same = rij.accepted_by(regel)
            && belongs(&rij.ontvanger, &rij.ontvanger_adres)
            && (rij.afzender.is_gateway() || belongs(&rij.afzender, &rij.afzender_adres));
        if !same {
            return Err(bad("de tabellen zeggen iets anders over dit bericht dan de logregel"));
        }
        counted.accepted += 1;
        return counted.stand(index, regel, &rij).map_err(bad);
    }
    let (Some(bericht), Some(ontvanger)) = (&regel.bericht, &regel.ontvanger) else { return Ok(()) };
    let id: BerichtId = bericht.parse().map_err(|_| bad("noemt geen bericht"))?;
    let (oin, loket) = ontvanger.split_once('/').unwrap_or_default();
    let row = select_rows!("WHERE p.bericht = $1 AND p.oin = $2 AND p.loket = $3")
        .bind(id.0.as_bytes().to_vec())
        .bind(oin)
        .bind(loket)
        .fetch_optional(tx)
        .await?;
    let rij = row.as_ref().map(PostvakRij::read).transpose().map_err(damaged)?;
    let rij = rij.ok_or_else(|| bad("gaat over een bericht dat niet in het postvak staat"))?;
    counted.compare_with(index, regel, &rij).map_err(bad)
}

impl Counted {
    fn compare_with(&mut self, index: u64, regel: &Logregel, rij: &PostvakRij) -> Result<(), &'static str> {
        match regel.soort {
            Soort::Afgeleverd => {
                self.delivered += 1;
                if regel.poging.is_none_or(|poging| poging > rij.poging) {
                    return Err("het postvak weet niet van deze aflevering");
                }
            }
            Soort::Bevestigd => {
                self.confirmed += 1;
                if rij.bevestigd.map(tijd).as_ref() != Some(&regel.tijd) {
                    return Err("het postvak weet niet van deze bevestiging");
                }
            }
            Soort::Geraadpleegd if regel.reden.is_none() && !rij.gelezen => {
                return Err("het postvak weet niet dat dit bericht gelezen is");
            }
            Soort::VernietigingBevestigd if rij.vernietiging.is_none() => {
                return Err("het postvak weet niet van deze vernietigingsbevestiging");
            }
            Soort::Beschadigd
            | Soort::Ingetrokken
            | Soort::VernietigingGevraagd
            | Soort::Vervallen
            | Soort::Vernietigd
                if rij.beeindigd.is_none_or(|ended| ended > index) =>
            {
                return Err("de inhoud is volgens deze regel beeindigd, en volgens het postvak niet");
            }
            _ => {}
        }
        self.ended += u64::from(rij.beeindigd == Some(index));
        self.stand(index, regel, rij)
    }

    /// Each row stands where one regel brought it.
    fn stand(&mut self, index: u64, regel: &Logregel, rij: &PostvakRij) -> Result<(), &'static str> {
        if rij.stand != index {
            return Ok(());
        }
        self.standing += 1;
        if rij.toestand.comes_by(regel.soort) {
            Ok(())
        } else {
            Err("het bericht staat volgens het postvak ergens anders dan waar deze regel het bracht")
        }
    }

    /// Each regel was compared with its row; a different number means rows that no regel knows of.
    pub(super) async fn compare(&self, tx: &mut DbConnection, size: u64) -> Result<(), VerifyError> {
        let (rows, pogingen, confirmed, without_key, ended): (i64, i64, i64, i64, i64) = sqlx::query_as(
            "SELECT count(*), CAST(coalesce(sum(poging), 0) AS BIGINT), count(bevestigd), count(*) - count(sleutel), count(beeindigd) \
             FROM postvak",
        )
        .fetch_one(&mut *tx)
        .await?;
        let of_rows = [rows, rows, pogingen, confirmed, without_key, ended].map(uint);
        let of_regels = [self.accepted, self.standing, self.delivered, self.confirmed, self.ended, self.ended];
        if of_rows != of_regels {
            return Err(tree(
                size,
                "het postvak noemt andere aanvaardingen, afleveringen, bevestigingen of beeindigingen dan de logregels",
            ));
        }
        let strays: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM berichten b WHERE NOT EXISTS (SELECT 1 FROM postvak p WHERE p.bericht = b.id)",
        )
        .fetch_one(tx)
        .await?;
        if strays > 0 {
            return Err(tree(size, "er zijn berichten zonder logregel"));
        }
        Ok(())
    }
}
