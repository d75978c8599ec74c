//! What the tables say of a bericht must be what its regels say: each row of the postvak against the regel that accepted it, the
//! one that brought it where it stands, and the one that ended its content.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::Row;

use super::error::{VerifyError, tree};
use crate::{
    domain::{Adres, BerichtId, Oin, PartnerNaam, Toestand},
    logboek::{Logregel, Soort, tijd},
    store::{
        DbConnection, DbRow, StoreError,
        database::rows::{Column, Rows, fetch},
        postvak::rij::{PostvakRij, read::read_many},
        values::{bericht_id, uint},
    },
};

/// The rows of the berichten that some regels are about.
pub(super) struct PostvakRijen {
    rows: HashMap<u64, Result<PostvakRij, StoreError>>,
    /// Where the row of a bericht stands, by its ontvanger as the logboek writes it.
    of: HashMap<(BerichtId, String), u64>,
}

impl PostvakRijen {
    /// Reads them, all at once.
    pub(super) async fn load(tx: &mut DbConnection, regels: &[DbRow]) -> Result<Self, StoreError> {
        let mut berichten = BTreeSet::new();
        for row in regels {
            if let Some(bericht) = row.try_get::<Option<&[u8]>, _>("bericht")? {
                berichten.insert(bericht_id(bericht, "logregels")?);
            }
        }
        let berichten = Rows::of(&[Column::Bytes("bericht")], berichten, |id| [id.0.as_bytes().as_slice().into()]);
        let sql = "SELECT p.log_index FROM {v} CROSS JOIN postvak p WHERE p.bericht = v.bericht";
        let indexes = fetch(tx, sql, berichten).await?;
        let indexes = indexes.iter().map(|row| Ok(uint(row.try_get("log_index")?)));
        let rows = read_many(tx, &indexes.collect::<Result<Vec<u64>, StoreError>>()?).await?;
        let place = |(log_index, row): (&u64, &Result<PostvakRij, StoreError>)| {
            let rij = row.as_ref().ok()?;
            Some(((rij.bericht, rij.ontvanger.in_logboek()), *log_index))
        };
        Ok(Self { of: rows.iter().filter_map(place).collect(), rows })
    }
}

/// How often regels were found to say what a row says.
#[derive(Default)]
pub(super) struct Counted {
    accepted: u64,
    delivered: u64,
    confirmed: u64,
    moved: u64,
    ended: u64,
}

/// Whether an address as the logboek writes it is, or was, that of this partner.
fn belongs(oins: &BTreeMap<PartnerNaam, BTreeSet<Oin>>, adres: &Adres, in_logboek: &str) -> bool {
    let of_partner = oins.get(&adres.partner).into_iter().flatten();
    in_logboek.split_once('/').is_some_and(|(oin, _)| of_partner.into_iter().any(|known| known.as_str() == oin))
}

/// Whether a regel of this soort is what moves a row here.
fn moves_to(soort: Soort, toestand: Toestand) -> bool {
    match toestand {
        Toestand::Wacht | Toestand::Gereserveerd => soort == Soort::Aanvaard,
        Toestand::Afgeleverd => soort == Soort::Afgeleverd,
        Toestand::Bevestigd => soort == Soort::Bevestigd,
        Toestand::Geweigerd => soort == Soort::Geweigerd,
        Toestand::Vervallen => soort == Soort::Vervallen,
        Toestand::Ingetrokken => matches!(soort, Soort::Ingetrokken | Soort::VernietigingGevraagd),
        Toestand::Vervangen => soort == Soort::Vernietigd,
        Toestand::Beschadigd => soort == Soort::Beschadigd,
    }
}

impl Counted {
    /// Compares one regel with its row.
    pub(super) fn check(
        &mut self,
        index: u64,
        regel: &Logregel,
        postvak: &PostvakRijen,
        oins: &BTreeMap<PartnerNaam, BTreeSet<Oin>>,
    ) -> Result<(), VerifyError> {
        let bad = |what: &str| VerifyError::Regel { index, what: what.to_owned() };
        if regel.soort == Soort::Aanvaard {
            let row = postvak.rows.get(&index);
            let rij = row.ok_or_else(|| bad("aanvaard, maar het bericht ontbreekt in het postvak"))?;
            let rij = rij.as_ref().map_err(|error| bad(&error.to_string()))?;
            let same = rij.accepted_by(regel)
                && belongs(oins, &rij.ontvanger.adres, &rij.ontvanger.in_logboek())
                && (rij.afzender.is_gateway() || belongs(oins, &rij.afzender, &rij.afzender_in_logboek));
            if !same {
                return Err(bad("de tabellen zeggen iets anders over dit bericht dan de logregel"));
            }
            self.accepted += 1;
            return self.moved(index, regel, rij).map_err(bad);
        }
        let (Some(bericht), Some(ontvanger)) = (&regel.bericht, &regel.ontvanger) else { return Ok(()) };
        let id: BerichtId = bericht.parse().map_err(|_| bad("noemt geen bericht"))?;
        let rij = postvak.of.get(&(id, ontvanger.clone())).and_then(|place| postvak.rows.get(place));
        let rij = rij.ok_or_else(|| bad("gaat over een bericht dat niet in het postvak staat"))?;
        let rij = rij.as_ref().map_err(|error| bad(&error.to_string()))?;
        self.compare_with(index, regel, rij).map_err(bad)
    }

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
                if rij.ended_by.is_none_or(|ended| ended > index) =>
            {
                return Err("de inhoud is volgens deze regel beeindigd, en volgens het postvak niet");
            }
            _ => {}
        }
        self.ended += u64::from(rij.ended_by == Some(index));
        self.moved(index, regel, rij)
    }

    /// Each row stands where one regel moved it.
    fn moved(&mut self, index: u64, regel: &Logregel, rij: &PostvakRij) -> Result<(), &'static str> {
        if rij.moved_by != index {
            return Ok(());
        }
        self.moved += 1;
        if moves_to(regel.soort, rij.toestand) {
            Ok(())
        } else {
            Err("het bericht staat volgens het postvak ergens anders dan waar deze regel het bracht")
        }
    }

    /// Each regel was compared with its row; a different number means rows that no regel knows of.
    pub(in crate::store) async fn compare(&self, tx: &mut DbConnection, size: u64) -> Result<(), VerifyError> {
        let (rows, pogingen, confirmed, without_key, ended): (i64, i64, i64, i64, i64) = sqlx::query_as(
            "SELECT count(*), CAST(coalesce(sum(poging), 0) AS BIGINT), count(bevestigd), count(*) - count(sleutel), count(beeindigd_door) \
             FROM postvak",
        )
        .fetch_one(&mut *tx)
        .await?;
        let of_rows = [rows, rows, pogingen, confirmed, without_key, ended].map(uint);
        let of_regels = [self.accepted, self.moved, self.delivered, self.confirmed, self.ended, self.ended];
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
