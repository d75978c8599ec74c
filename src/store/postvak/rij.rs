//! A row of the postvak: one bericht for one ontvanger, read and compared with its regel.
//!
//! A row is changed as a value, and written back as a whole (`changes`). So whoever changes a row has read it in the same
//! transaction.

pub(in crate::store) mod read;
pub(in crate::store) mod sql;

use jiff::{Timestamp, civil::Date};
use sqlx::Row;

use super::actor::Actor;
use crate::{
    domain::{
        Adres, BerichtId, Berichtsoort, EerdereOntvanger, Oin, Ontvanger, Rol, Stempel, Toestand, VanKracht,
        Vernietiging, Weigering, still_allowed,
    },
    logboek::{Logregel, Oorzaak, Soort, tijd},
    store::{
        DbRow, StoreError,
        values::{bericht_id, moment, uint},
    },
};

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
    pub afzender_in_logboek: String,
    /// Who gets it, and its stamp.
    pub ontvanger: Ontvanger,
    /// What it answers.
    pub in_antwoord_op: Option<BerichtId>,
    /// What it replaced.
    pub vervangt: Option<BerichtId>,
    /// When it was accepted.
    pub tijd: Timestamp,
    /// Where it stands.
    pub toestand: Toestand,
    /// Index of the regel that moved it there.
    pub moved_by: u64,
    /// Index of the regel that ended its content.
    pub ended_by: Option<u64>,
    /// How often it was handed out.
    pub poging: u32,
    /// Whether it was read with Fetch.
    pub gelezen: bool,
    /// Until when it is held, for the Ask or the receiver that it is with.
    pub held_until: Timestamp,
    /// Why it was refused at delivery the last time.
    pub refused: Option<Refused>,
    /// Of a scenario: since when it is consulted and waits for a terugkoppeling.
    pub terugkoppeling_open: Option<Timestamp>,
    /// What its ontvanger did with its copy after a vernietigingsverzoek.
    pub vernietiging: Option<Vernietiging>,
    /// When it was confirmed.
    pub bevestigd: Option<Timestamp>,
    /// Where it belongs in the telemetry: `traceparent` of the call that sent it.
    pub spoor: Option<String>,
    /// How many ontvangers of this bericht can still read it.
    pub(in crate::store) readers_left: u64,
}

/// A refusal at delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The code of the weigering.
    pub code: String,
    /// By which version of what is in force.
    pub versie: u64,
    /// On which day, Europe/Amsterdam.
    pub dag: Date,
}

impl PostvakRij {
    /// Whether its stamp still holds, so that it may be handed out.
    ///
    /// # Errors
    /// Why not.
    pub fn may_be_handed(&self, van_kracht: &VanKracht, now: Timestamp) -> Result<(), Weigering> {
        still_allowed(self.soort, &self.afzender, &self.ontvanger, van_kracht, now)
    }

    /// Whether its ontvanger was handed the content.
    #[must_use]
    pub fn was_received(&self) -> bool {
        self.poging > 0 || self.gelezen
    }

    /// Whether a withdrawal has something to end here. What was refused could still be delivered, when a convenant allows it again.
    #[must_use]
    pub fn can_be_withdrawn(&self) -> bool {
        let waits = self.toestand.is_open() || self.toestand == Toestand::Geweigerd;
        waits || (self.was_received() && self.toestand != Toestand::Ingetrokken)
    }

    /// The last day on which it can be read.
    #[must_use]
    pub fn last_day(&self) -> Date {
        self.ontvanger.stempel.houdbaar_tot_en_met
    }

    /// As one ontvanger of what a later bericht can answer, replace or follow.
    #[must_use]
    pub fn as_earlier(&self) -> EerdereOntvanger {
        EerdereOntvanger {
            ontvanger: self.ontvanger.clone(),
            toestand: self.toestand,
            was_received: self.was_received(),
        }
    }

    fn decode(row: &DbRow) -> Result<Self, StoreError> {
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
        let optional_id = |column| {
            let bytes = row.try_get::<Option<Vec<u8>>, _>(column)?;
            bytes.map(|bytes| bericht_id(&bytes, "postvak")).transpose()
        };
        let optional_moment = |column| Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?.map(moment));
        let afzender = adres("afzender_partner", "afzender_loket")?;
        let oin: Oin = row.try_get::<&str, _>("oin")?.parse().map_err(|_| wrong("oin"))?;
        // The postvak has a copy of this column, by which the answers to an Ask are found.
        let in_antwoord_op = optional_id("in_antwoord_op")?;
        if in_antwoord_op != optional_id("volgt")? {
            return Err(wrong("in_antwoord_op"));
        }
        let vernietiging = row.try_get::<Option<&str>, _>("vernietiging")?.map(str::parse).transpose();
        Ok(Self {
            log_index,
            bericht: bericht_id(row.try_get("bericht")?, "postvak")?,
            gesprek: bericht_id(row.try_get("gesprek")?, "berichten")?,
            soort: row.try_get::<&str, _>("berichtsoort")?.parse().map_err(|()| wrong("berichtsoort"))?,
            afzender_in_logboek: format!("{}/{}", row.try_get::<&str, _>("afzender_oin")?, afzender.loket),
            afzender,
            ontvanger: Ontvanger { adres: adres("partner", "loket")?, oin, stempel: stempel(row, log_index)? },
            in_antwoord_op,
            vervangt: optional_id("vervangt")?,
            tijd: moment(row.try_get("tijd")?),
            toestand: row.try_get::<&str, _>("toestand")?.parse().map_err(|()| wrong("toestand"))?,
            moved_by: uint(row.try_get("verplaatst_door")?),
            ended_by: row.try_get::<Option<i64>, _>("beeindigd_door")?.map(uint),
            poging: u32::try_from(row.try_get::<i64, _>("poging")?).map_err(|_| wrong("poging"))?,
            gelezen: match row.try_get::<i64, _>("gelezen")? {
                0 => false,
                1 => true,
                _ => return Err(wrong("gelezen")),
            },
            held_until: moment(row.try_get("lease_tot")?),
            refused: refused(row, log_index)?,
            terugkoppeling_open: optional_moment("terugkoppeling_open")?,
            vernietiging: vernietiging.map_err(|()| wrong("vernietiging"))?,
            bevestigd: optional_moment("bevestigd")?,
            spoor: row.try_get("spoor")?,
            readers_left: uint(row.try_get("sleutels")?),
        })
    }

    /// A regel about this bericht and ontvanger.
    pub(in crate::store) fn regel(&self, soort: Soort, actor: &Actor) -> Logregel {
        let Stempel { grondslag, regel, convenant, verwerkingsactiviteit, houdbaar_tot_en_met, bewaar_inhoud: _ } =
            &self.ontvanger.stempel;
        Logregel {
            gesprek: Some(self.gesprek.to_string()),
            afzender: Some(self.afzender_in_logboek.clone()),
            ontvanger: Some(self.ontvanger.in_logboek()),
            berichtsoort: Some(self.soort.to_string()),
            grondslag: Some(grondslag.clone()),
            regel: Some(regel.clone()),
            verwerkingsactiviteit: Some(verwerkingsactiviteit.clone()),
            convenant: Some(convenant.clone()),
            houdbaar_tot_en_met: Some(houdbaar_tot_en_met.to_string()),
            in_antwoord_op: self.in_antwoord_op.map(|id| id.to_string()),
            ..actor.regel(soort)
        }
    }

    /// A regel that ends the content for this ontvanger.
    pub(in crate::store) fn end(&self, soort: Soort, oorzaak: Oorzaak, actor: &Actor) -> Logregel {
        Logregel { oorzaak: Some(oorzaak.as_str().to_owned()), ..self.regel(soort, actor) }
    }

    /// Whether this regel `aanvaard` says what the tables say.
    pub(in crate::store) fn accepted_by(&self, regel: &Logregel) -> bool {
        // How long the gateway keeps the content stands in no regel; that it was ended does.
        let Stempel { grondslag, regel: rule, convenant, verwerkingsactiviteit, houdbaar_tot_en_met, bewaar_inhoud: _ } =
            &self.ontvanger.stempel;
        let text = |id: Option<BerichtId>| id.map(|id| id.to_string());
        regel.soort == Soort::Aanvaard
            && regel.in_antwoord_op == text(self.in_antwoord_op)
            && regel.vervangt == text(self.vervangt)
            // Only the gateway sends as the gateway.
            && self.afzender.is_gateway() == (regel.rol.as_deref() == Some(Rol::Poort.as_str()))
            && [
                (&regel.bericht, &self.bericht.to_string()),
                (&regel.gesprek, &self.gesprek.to_string()),
                (&regel.afzender, &self.afzender_in_logboek),
                (&regel.ontvanger, &self.ontvanger.in_logboek()),
                (&regel.berichtsoort, &self.soort.to_string()),
                (&regel.grondslag, grondslag),
                (&regel.regel, rule),
                (&regel.convenant, convenant),
                (&regel.verwerkingsactiviteit, verwerkingsactiviteit),
                (&regel.houdbaar_tot_en_met, &houdbaar_tot_en_met.to_string()),
            ]
            .into_iter()
            .all(|(said, kept)| said.as_ref() == Some(kept))
            && regel.tijd == tijd(self.tijd)
    }
}

/// The stamp in a row.
fn stempel(row: &DbRow, log_index: u64) -> Result<Stempel, StoreError> {
    let wrong = |column| StoreError::inconsistent("postvak", column, log_index);
    Ok(Stempel {
        grondslag: row.try_get("grondslag")?,
        regel: row.try_get("regel")?,
        convenant: row.try_get("convenant")?,
        verwerkingsactiviteit: row.try_get("verwerkingsactiviteit")?,
        houdbaar_tot_en_met: row
            .try_get::<&str, _>("houdbaar_tot_en_met")?
            .parse::<Date>()
            .map_err(|_| wrong("houdbaar_tot_en_met"))?,
        bewaar_inhoud: row.try_get::<&str, _>("bewaar_inhoud")?.parse().map_err(|()| wrong("bewaar_inhoud"))?,
    })
}

/// The last refusal at delivery in a row.
fn refused(row: &DbRow, log_index: u64) -> Result<Option<Refused>, StoreError> {
    let Some(code) = row.try_get("weigering")? else { return Ok(None) };
    let dag = row.try_get::<&str, _>("beoordeeld_dag")?.parse();
    let dag = dag.map_err(|_| StoreError::inconsistent("postvak", "beoordeeld_dag", log_index))?;
    Ok(Some(Refused { code, versie: uint(row.try_get("beoordeeld_versie")?), dag }))
}
