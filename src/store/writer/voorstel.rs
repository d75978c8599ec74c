//! Proposed changes of what is in force, and what is decided about them.

use jiff::Timestamp;

use super::change::Wijziging;
use crate::{
    logboek::{Logregel, Soort, tijd},
    store::{
        NotDone,
        postvak::{actor::Actor, work::Work},
        values::int,
    },
};

/// Proposes to put documents in force and to withdraw others: all of them together.
pub struct Propose {
    /// The version of what is in force when they were judged.
    pub basis: u64,
    /// Each of them.
    pub wijzigingen: Vec<Wijziging>,
    /// Who proposes it and why.
    pub actor: Actor,
    /// Which identity that is.
    pub identiteit: String,
    /// Not before this moment it comes into force.
    pub vanaf: Timestamp,
}

/// Index and bytes of each regel, in order. The index of the first one is the number of the proposal.
pub type Regels = Vec<(u64, Vec<u8>)>;

/// Decides about a proposal.
pub struct Decide {
    /// The version of what is in force when it was judged: another one leaves nothing to decide.
    pub basis: u64,
    /// The proposal.
    pub voorstel: u64,
    /// Who decides, and why.
    pub actor: Actor,
    /// What is decided.
    pub besluiten: Vec<Besluit>,
}

/// What is decided.
pub enum Besluit {
    /// Agreed with a document.
    Bekrachtigd {
        /// The document, as the logboek names it.
        document: String,
        /// The hash of its text; nothing where it is to be withdrawn.
        hash: Option<String>,
        /// Which identity agrees.
        identiteit: String,
        /// The signature of who signs for a party.
        handtekening: Option<Handtekening>,
    },
    /// Taken back.
    Ingetrokken,
}

/// The signature of who signs for a party.
#[derive(Clone, Debug)]
pub struct Handtekening {
    /// As it was made.
    pub handtekening: Vec<u8>,
    /// SHA-256 of it, lowercase hexadecimal.
    pub hash: String,
    /// The certificate with whose key it was made, DER.
    pub certificaat: Vec<u8>,
}

/// Writes a proposal.
pub(in crate::store) async fn propose(work: &mut Work<'_>, propose: &Propose) -> Result<Regels, NotDone> {
    let mut regels = Regels::new();
    for Wijziging { soort, naam, nieuw, oud } in &propose.wijzigingen {
        let regel = Logregel {
            document: Some(soort.in_logboek(naam)),
            convenant: nieuw.as_ref().map(|(hash, _)| hash.clone()),
            convenant_oud: oud.clone(),
            voorstel: regels.first().map(|(first, _)| *first),
            vanaf: Some(tijd(propose.vanaf)),
            identiteit: Some(propose.identiteit.clone()),
            ..propose.actor.regel(Soort::Voorgesteld)
        };
        let appended = propose.actor.log(&mut work.log, None, regel)?;
        sqlx::query("INSERT INTO voorstellen (log_index, tekst) VALUES ($1, $2)")
            .bind(int(appended.0))
            .bind(nieuw.as_ref().map(|(_, tekst)| tekst))
            .execute(work.database().await?)
            .await?;
        regels.push(appended);
    }
    Ok(regels)
}

/// Writes what was decided.
pub(in crate::store) async fn decide(work: &mut Work<'_>, decide: &Decide) -> Result<Regels, NotDone> {
    let mut regels = Regels::new();
    for besluit in &decide.besluiten {
        let (regel, signed) = match besluit {
            Besluit::Bekrachtigd { document, hash, identiteit, handtekening } => {
                let regel = Logregel {
                    document: Some(document.clone()),
                    convenant: hash.clone(),
                    identiteit: Some(identiteit.clone()),
                    handtekening: handtekening.as_ref().map(|of| of.hash.clone()),
                    ..decide.actor.regel(Soort::Bekrachtigd)
                };
                (regel, handtekening.as_ref())
            }
            Besluit::Ingetrokken => {
                let uitkomst = Some("ingetrokken".to_owned());
                (Logregel { uitkomst, ..decide.actor.regel(Soort::Voorgesteld) }, None)
            }
        };
        let appended = decide.actor.log(&mut work.log, None, Logregel { voorstel: Some(decide.voorstel), ..regel })?;
        sqlx::query("INSERT INTO besluiten (log_index, handtekening, certificaat) VALUES ($1, $2, $3)")
            .bind(int(appended.0))
            .bind(signed.map(|of| of.handtekening.clone()))
            .bind(signed.map(|of| of.certificaat.clone()))
            .execute(work.database().await?)
            .await?;
        regels.push(appended);
    }
    Ok(regels)
}
