//! A row of the postvak: one bericht for one ontvanger, read and compared with its regel.

use jiff::civil::Date;
use sqlx::{Row, sqlite::SqliteRow};

use super::{StoreError, berichten::bericht_id, uint};
use crate::{
    domain::{Adres, BerichtId, Berichtsoort, Stempel},
    logboek::{Logregel, Soort},
};

/// The rows of a postvak with what is needed of their bericht; takes the rest of the statement as a literal.
macro_rules! select_rows {
    ($rest:literal) => {
        sqlx::query(concat!(
            "SELECT p.*, b.afzender_partner, b.afzender_loket, b.afzender_oin, b.berichtsoort, b.gesprek, b.tijd, b.inhoud \
             FROM postvak p JOIN berichten b ON b.id = p.bericht ",
            $rest
        ))
    };
}
pub(super) use select_rows;

/// Where a bericht stands for one ontvanger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toestand {
    /// Waits in the postvak.
    Wacht = 0,
    /// Handed out or reserved, not yet confirmed.
    Afgeleverd = 1,
    /// Confirmed.
    Bevestigd = 2,
    /// Refused at delivery.
    Geweigerd = 3,
    /// Its houdbaarheid has passed.
    Vervallen = 4,
}

impl Toestand {
    const ALL: [Self; 5] = [Self::Wacht, Self::Afgeleverd, Self::Bevestigd, Self::Geweigerd, Self::Vervallen];

    /// Whether it still counts in the postvak.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Wacht | Self::Afgeleverd)
    }
}

/// A bericht for one ontvanger.
#[derive(Clone, Debug)]
pub struct PostvakRij {
    /// Index of its regel `aanvaard`.
    pub log_index: u64,
    /// The bericht.
    pub bericht: BerichtId,
    /// Its thread.
    pub gesprek: BerichtId,
    /// Its kind.
    pub soort: Berichtsoort,
    /// Who sent it.
    pub afzender: Adres,
    /// The sender as the logboek writes it: OIN/loket.
    pub afzender_adres: String,
    /// Who gets it.
    pub ontvanger: Adres,
    /// The ontvanger as the logboek writes it: OIN/loket.
    pub ontvanger_adres: String,
    /// The stamp.
    pub stempel: Stempel,
    /// What it answers.
    pub in_antwoord_op: Option<BerichtId>,
    /// When it was accepted, microseconds.
    pub micros: i64,
    /// Where it stands.
    pub toestand: Toestand,
    /// How often it was handed out.
    pub poging: u32,
    /// When it was confirmed, microseconds.
    pub bevestigd: Option<i64>,
    /// The wrapped data key, as long as it is kept.
    pub sleutel: Option<Vec<u8>>,
    /// The sealed content, as long as it is kept.
    pub inhoud: Option<Vec<u8>>,
}

impl PostvakRij {
    pub(super) fn read(row: &SqliteRow) -> Result<Self, StoreError> {
        Self::decode(row).map_err(|error| match error {
            StoreError::Database(error) => StoreError::inconsistent("postvak", "een kolom", error),
            other => other,
        })
    }

    fn decode(row: &SqliteRow) -> Result<Self, StoreError> {
        let log_index = uint(row.try_get("log_index")?);
        let wrong = |column| StoreError::inconsistent("postvak", column, log_index);
        let adres = |partner, loket| {
            let partner: &str = row.try_get(partner)?;
            let loket: &str = row.try_get(loket)?;
            Ok::<_, StoreError>(Adres {
                partner: partner.parse().map_err(|_| wrong("partner"))?,
                loket: loket.parse().map_err(|_| wrong("loket"))?,
            })
        };
        let afzender = adres("afzender_partner", "afzender_loket")?;
        let ontvanger = adres("partner", "loket")?;
        let toestand = usize::try_from(row.try_get::<i64, _>("toestand")?).ok().and_then(|at| Toestand::ALL.get(at));
        let in_antwoord_op = row.try_get::<Option<Vec<u8>>, _>("in_antwoord_op")?;
        Ok(Self {
            log_index,
            bericht: bericht_id(row.try_get("bericht")?, "postvak")?,
            gesprek: bericht_id(row.try_get("gesprek")?, "berichten")?,
            soort: row.try_get::<&str, _>("berichtsoort")?.parse().map_err(|()| wrong("berichtsoort"))?,
            afzender_adres: format!("{}/{}", row.try_get::<&str, _>("afzender_oin")?, afzender.loket),
            ontvanger_adres: format!("{}/{}", row.try_get::<&str, _>("oin")?, ontvanger.loket),
            afzender,
            ontvanger,
            stempel: Stempel {
                grondslag: row.try_get("grondslag")?,
                regel: row.try_get("regel")?,
                convenant: row.try_get("convenant")?,
                verwerkingsactiviteit: row.try_get("verwerkingsactiviteit")?,
                houdbaar_tot_en_met: row
                    .try_get::<&str, _>("houdbaar_tot_en_met")?
                    .parse::<Date>()
                    .map_err(|_| wrong("houdbaar_tot_en_met"))?,
                bewaar_inhoud: row.try_get::<&str, _>("bewaar_inhoud")?.parse().map_err(|()| wrong("bewaar_inhoud"))?,
            },
            in_antwoord_op: in_antwoord_op.map(|bytes| bericht_id(&bytes, "postvak")).transpose()?,
            micros: row.try_get("tijd")?,
            toestand: *toestand.ok_or_else(|| wrong("toestand"))?,
            poging: u32::try_from(row.try_get::<i64, _>("poging")?).map_err(|_| wrong("poging"))?,
            bevestigd: row.try_get("bevestigd")?,
            sleutel: row.try_get("sleutel")?,
            inhoud: row.try_get("inhoud")?,
        })
    }

    /// Whether this regel `aanvaard` says what the tables say.
    pub(super) fn accepted_by(&self, regel: &Logregel) -> bool {
        // How long the gateway keeps the content stands in no regel; that it was ended does.
        let Stempel { grondslag, regel: rule, convenant, verwerkingsactiviteit, houdbaar_tot_en_met, bewaar_inhoud: _ } =
            &self.stempel;
        let in_antwoord_op = self.in_antwoord_op.map(|id| id.to_string());
        regel.soort == Soort::Aanvaard
            && regel.in_antwoord_op == in_antwoord_op
            && [
                (&regel.bericht, &self.bericht.to_string()),
                (&regel.gesprek, &self.gesprek.to_string()),
                (&regel.afzender, &self.afzender_adres),
                (&regel.ontvanger, &self.ontvanger_adres),
                (&regel.berichtsoort, &self.soort.to_string()),
                (&regel.grondslag, grondslag),
                (&regel.regel, rule),
                (&regel.convenant, convenant),
                (&regel.verwerkingsactiviteit, verwerkingsactiviteit),
                (&regel.houdbaar_tot_en_met, &houdbaar_tot_en_met.to_string()),
            ]
            .into_iter()
            .all(|(said, kept)| said.as_ref() == Some(kept))
            && regel.tijd == super::tijd(self.micros)
    }
}
