//! Opens a dossier of inzage: one regel for it, and one for each partner that is asked for its decision.

use jiff::Timestamp;

use super::voorstel::Regels;
use crate::{
    domain::{Oin, inzage::Termijnen},
    logboek::{Logregel, Soort, tijd},
    sleutels::Veld,
    store::{
        Committed, NotDone,
        postvak::{actor::Actor, work::Work},
    },
};

/// Opens a dossier.
pub struct OpenDossier {
    /// Who opens it.
    pub actor: Actor,
    /// Who asks.
    pub betrokkene: Committed,
    /// Before this moment it is to be answered.
    pub antwoord_voor: Timestamp,
    /// It is about regels before this index.
    pub tot: u64,
    /// The partners that are asked, each by the OIN under which it is addressed.
    pub gevraagd: Vec<Oin>,
}

/// Opens it. The index of the first regel is its number.
pub(in crate::store) fn open(work: &mut Work<'_>, open: &OpenDossier) -> Result<Regels, NotDone> {
    let termijnen = Termijnen::of(open.antwoord_voor, work.now());
    let regel = |antwoord_voor: Timestamp| Logregel {
        antwoord_voor: Some(tijd(antwoord_voor)),
        ..open.actor.regel(Soort::InzageGevraagd)
    };
    let first = Logregel {
        betrokkene: vec![open.betrokkene.commitment.clone()],
        tot: Some(open.tot),
        ..regel(termijnen.antwoord_voor)
    };
    let mut regels = vec![open.actor.log(&mut work.log, None, first)?];
    work.log.keep_openings([(Veld::Betrokkene, std::slice::from_ref(&open.betrokkene))]);
    let nummer = regels[0].0;
    for oin in &open.gevraagd {
        let asked = Logregel {
            // No loket is asked but the partner itself.
            ontvanger: Some(format!("{oin}/")),
            dossier: Some(nummer),
            ..regel(termijnen.besluiten_voor)
        };
        regels.push(open.actor.log(&mut work.log, None, asked)?);
    }
    Ok(regels)
}
