//! The proposals that are open, as the logboek has them, and who agreed with them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::super::{Exchange, Opdracht, unavailable};
use crate::{
    documenten::Bron,
    domain::{DocumentSoort, Instemming, PartnerNaam, Rol, TeWijzigen, Toegang, VanKracht, Weigering},
    logboek::{Logregel, Soort, sha256_hex},
    store::{
        Event, StoreError,
        reading::voorstellen::{Sindsdien, Voorgesteld, sindsdien},
    },
};

/// How often the rows are read again where the logboek says something else: another gateway may be writing.
const MOST_READS: usize = 3;

/// An open proposal, as the logboek has it.
#[derive(Clone)]
pub(super) struct Voorstel {
    /// The index of its first regel.
    pub(super) nummer: u64,
    /// What it would put in force, each with its regel.
    pub(super) documenten: Vec<Voorgesteld>,
    /// By which regels somebody agreed.
    pub(super) besluiten: Vec<Logregel>,
}

/// Which identity this is, as the logboek writes it.
pub(super) fn identiteit(toegang: &Toegang) -> String {
    let Toegang { ca, san, identiteit } = toegang;
    let text = format!("{ca}\n{}\n{}", identiteit.oin, san.as_deref().unwrap_or_default());
    sha256_hex(text.as_bytes())
}

impl Voorstel {
    pub(super) fn te_wijzigen(&self) -> Vec<TeWijzigen> {
        let of = |Voorgesteld { regel, .. }: &Voorgesteld| {
            let (soort, naam) = regel.document.as_deref()?.split_once('/')?;
            let (oud, nieuw) = (regel.convenant_oud.clone(), regel.convenant.clone());
            Some(TeWijzigen { soort: soort.parse().ok()?, naam: naam.to_owned(), oud, nieuw })
        };
        self.documenten.iter().filter_map(of).collect()
    }

    /// What would be asked of beheer to do it at once.
    pub(super) fn opdracht(&self) -> Opdracht {
        let changes = self.te_wijzigen();
        let laden = self.documenten.iter().filter_map(|of| of.tekst.clone());
        let laden = laden.map(|tekst| Bron { herkomst: format!("voorstel {}", self.nummer).into(), tekst }).collect();
        let gone = changes.into_iter().filter(|of| of.nieuw.is_none() && of.soort == DocumentSoort::Convenant);
        let intrekken = gone.map(|of| of.naam).collect();
        Opdracht { laden, intrekken, reden: String::new(), medewerker: String::new(), proef: false }
    }

    pub(super) fn regel(&self) -> &Logregel {
        &self.documenten[0].regel
    }

    pub(super) fn vanaf(&self) -> Timestamp {
        self.regel().vanaf.as_deref().and_then(|vanaf| vanaf.parse().ok()).unwrap_or(Timestamp::MAX)
    }

    /// Whether it is told some days before.
    pub(super) fn waits(&self) -> bool {
        self.regel().tijd.parse::<Timestamp>().is_ok_and(|proposed| proposed < self.vanaf())
    }

    /// Whether this identity agreed with all of these before.
    pub(super) fn is_agreed(&self, identiteit: &str, changes: &[&TeWijzigen]) -> bool {
        let by = |document: &str| {
            let of = |regel: &&Logregel| {
                regel.identiteit.as_deref() == Some(identiteit) && regel.document.as_deref() == Some(document)
            };
            self.besluiten.iter().any(|regel| of(&regel))
        };
        changes.iter().all(|of| by(&of.soort.in_logboek(&of.naam)))
    }

    /// Whose agreement of what is asked was given.
    pub(super) fn given(&self, asked: &BTreeSet<Instemming>, van_kracht: &VanKracht) -> BTreeSet<Instemming> {
        let changes = self.te_wijzigen();
        let agrees = |of: &TeWijzigen, by: &dyn Fn(&Logregel) -> bool| {
            let document = of.soort.in_logboek(&of.naam);
            let about = |regel: &Logregel| regel.document.as_ref() == Some(&document) && regel.convenant == of.nieuw;
            self.besluiten.iter().any(|regel| regel.soort == Soort::Bekrachtigd && about(regel) && by(regel))
        };
        let is_given = |one: &&Instemming| match one {
            Instemming::Ander => {
                let other = |regel: &Logregel| {
                    regel.rol.as_deref() == Some(Rol::Beheer.as_str()) && regel.identiteit != self.regel().identiteit
                };
                needs_other(&changes, asked).iter().all(|of| agrees(of, &other))
            }
            Instemming::Partij(partner, naam) => {
                let signed = |regel: &Logregel| regel.handtekening.is_some() && acts_for(regel, partner, van_kracht);
                let mut named = changes.iter().filter(|of| of.naam == *naam);
                named.all(|of| agrees(of, &signed))
            }
        };
        asked.iter().filter(is_given).cloned().collect()
    }
}

/// The documents with which another operator must agree: all, where no party is asked; else the deelnemers.
pub(super) fn needs_other<'t>(changes: &'t [TeWijzigen], asked: &BTreeSet<Instemming>) -> Vec<&'t TeWijzigen> {
    let parties = asked.iter().any(|of| matches!(of, Instemming::Partij(..)));
    let needed = |of: &&TeWijzigen| !parties || of.soort == DocumentSoort::Deelnemers;
    changes.iter().filter(needed).collect()
}

/// Whether a regel is of somebody who signs for this partner.
fn acts_for(regel: &Logregel, partner: &PartnerNaam, van_kracht: &VanKracht) -> bool {
    let oins = van_kracht.partners().get(partner).map(|partner| partner.oins.as_slice()).unwrap_or_default();
    regel.rol.as_deref() == Some(Rol::Tekent.as_str())
        && oins.iter().any(|oin| regel.actor.as_deref() == Some(oin.as_str()))
}

impl Exchange {
    /// The proposals that are open: those since the newest change of what is in force that were not taken back.
    ///
    /// # Errors
    /// [`StoreError::Unproven`] where the rows say something else than the logboek.
    pub(super) async fn open_voorstellen(&self) -> Result<Vec<Voorstel>, StoreError> {
        let mut open: BTreeMap<u64, Voorstel> = BTreeMap::new();
        let Sindsdien { voorgesteld, besluiten, .. } = self.proposed_since().await?;
        for document in voorgesteld {
            let nummer = document.regel.voorstel.unwrap_or(document.log_index);
            let fresh = || Voorstel { nummer, documenten: Vec::new(), besluiten: Vec::new() };
            open.entry(nummer).or_insert_with(fresh).documenten.push(document);
        }
        for (_, regel) in besluiten {
            let Some(nummer) = regel.voorstel else { continue };
            if regel.soort == Soort::Voorgesteld {
                open.remove(&nummer);
            } else if let Some(voorstel) = open.get_mut(&nummer) {
                voorstel.besluiten.push(regel);
            }
        }
        Ok(open.into_values().collect())
    }

    /// What was proposed and decided since the newest change: what the rows say, if that is what the logboek says.
    async fn proposed_since(&self) -> Result<Sindsdien, StoreError> {
        for _ in 0..MOST_READS {
            let head = self.store.head();
            let found = sindsdien(&self.store.read, head.teksten.versie).await?;
            if found.keten == self.store.head().voorgesteld {
                return Ok(found);
            }
            // Another gateway may have written: the head is followed first.
            drop(self.store.writer.write(Event::Follow).await);
        }
        let why = "bij de voorstellen staat een rij die het logboek niet kent, of er ontbreekt er een";
        Err(StoreError::Unproven { log_index: self.store.head().teksten.versie, why: why.to_owned() })
    }

    pub(super) async fn open_voorstel(&self, nummer: u64) -> Result<Voorstel, Weigering> {
        let open = self.open_voorstellen().await.map_err(unavailable)?;
        open.into_iter().find(|voorstel| voorstel.nummer == nummer).ok_or(Weigering::VoorstelOnbekend)
    }
}
