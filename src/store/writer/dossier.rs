//! Dossiers of inzage: one regel opens one, and one asks each partner for its decision; each later act is one regel more.

use jiff::Timestamp;

use super::{alone::Alone, voorstel::Regels};
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

/// Something that is done in a dossier.
pub struct InDossier {
    /// The dossier.
    pub nummer: u64,
    /// Regels before this index were looked at when it was judged.
    pub gezien_tot: u64,
    /// Its regel.
    pub alone: Alone,
}

/// Writes it, if nothing was done in the dossier since it was judged.
pub(in crate::store) async fn in_dossier(work: &mut Work<'_>, done: &InDossier) -> Result<(u64, Vec<u8>), NotDone> {
    let acts = |regel: &Logregel| {
        let soort = matches!(regel.soort, Soort::InzageGevraagd | Soort::InzageBesloten | Soort::InzageVerstrekt);
        soort && regel.dossier == Some(done.nummer)
    };
    if work.regels_since(done.gezien_tot).await?.iter().any(acts) {
        return Err(NotDone::Outdated);
    }
    Ok(done.alone.append(&mut work.log)?)
}
