//! Voorstel (proposal): a change of what is in force that is told before, and that more than one agrees with.
//!
//! All that is known of a proposal stands in the logboek; only its texts and signatures are rows beside it. It is open as long as nothing
//! came into force since: it was judged, and told, by what was in force then. The gateway carries it out by itself once everybody whose
//! agreement is asked has agreed and its days are over.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use super::{Call, Exchange, Opdracht, beheer::Plan, toezicht::Inzage, unavailable};
use crate::{
    documenten::Bron,
    domain::{
        DocumentSoort, Instemming, PartnerNaam, Rol, TeWijzigen, Toegang, VanKracht, Weigering, wijzigen::te_tekenen,
    },
    logboek::{Logregel, Soort, sha256_hex},
    sleutels::Veld,
    store::{
        Actor, Besluit, Change, Decide, Event, Handtekening, NotDone, Propose, StoreError,
        ledger::{
            proofs::{Under, prove},
            regels::regels_at,
        },
        reading::{
            openingen::opened,
            voorstellen::{Voorgesteld, besluiten, voorgesteld},
        },
    },
};

/// Open proposals, at most: each of them is judged whenever somebody looks at them.
const MOST_OPEN: usize = 16;

/// An open proposal, as the logboek has it.
#[derive(Clone)]
pub(super) struct Voorstel {
    /// The index of its first regel.
    nummer: u64,
    documenten: Vec<Voorgesteld>,
    besluiten: Vec<(u64, Logregel)>,
}

/// A proposal, as it is shown.
pub struct Voorgelegd {
    /// Its number: the index of its first regel.
    pub voorstel: u64,
    /// When it was proposed, UTC in the form of `tijd`.
    pub ingediend: String,
    /// Not before this moment it comes into force, UTC in the form of `tijd`.
    pub vanaf: String,
    /// Who proposed it: role and name.
    pub door: String,
    /// Why; absent where that was erased.
    pub reden: Option<String>,
    /// The documents, with the texts that are to come in force.
    pub documenten: Vec<(TeWijzigen, Option<String>)>,
    /// What it means, in sentences.
    pub zinnen: Vec<String>,
    /// What deserves a second look.
    pub waarschuwingen: Vec<String>,
    /// Whose agreement is asked, and whether it was given.
    pub instemming: Vec<(Instemming, bool)>,
}

/// What the gateway saw of proposals that it could not carry out yet: by number, how many decisions there were.
#[derive(Default)]
pub struct Afwachting(HashMap<u64, usize>);

/// Which identity this is, as the logboek writes it.
fn identiteit(toegang: &Toegang) -> String {
    let Toegang { ca, san, identiteit } = toegang;
    let text = format!("{ca}\n{}\n{}", identiteit.oin, san.as_deref().unwrap_or_default());
    sha256_hex(text.as_bytes())
}

impl Voorstel {
    fn te_wijzigen(&self) -> Vec<TeWijzigen> {
        let of = |Voorgesteld { regel, .. }: &Voorgesteld| {
            let (soort, naam) = regel.document.as_deref()?.split_once('/')?;
            let (oud, nieuw) = (regel.convenant_oud.clone(), regel.convenant.clone());
            Some(TeWijzigen { soort: soort.parse().ok()?, naam: naam.to_owned(), oud, nieuw })
        };
        self.documenten.iter().filter_map(of).collect()
    }

    /// What would be asked of beheer to do it at once.
    fn opdracht(&self) -> Opdracht {
        let changes = self.te_wijzigen();
        let laden = self.documenten.iter().filter_map(|of| of.tekst.clone());
        let laden = laden.map(|tekst| Bron { herkomst: format!("voorstel {}", self.nummer).into(), tekst }).collect();
        let gone = changes.into_iter().filter(|of| of.nieuw.is_none() && of.soort == DocumentSoort::Convenant);
        let intrekken = gone.map(|of| of.naam).collect();
        Opdracht { laden, intrekken, reden: String::new(), medewerker: String::new(), proef: false }
    }

    fn regel(&self) -> &Logregel {
        &self.documenten[0].regel
    }

    fn vanaf(&self) -> Timestamp {
        self.regel().vanaf.as_deref().and_then(|vanaf| vanaf.parse().ok()).unwrap_or(Timestamp::MAX)
    }

    /// Whose agreement of what is asked was given.
    fn given(&self, asked: &BTreeSet<Instemming>, van_kracht: &VanKracht) -> BTreeSet<Instemming> {
        let changes = self.te_wijzigen();
        let agrees = |of: &TeWijzigen, by: &dyn Fn(&Logregel) -> bool| {
            let document = of.soort.in_logboek(&of.naam);
            let about = |regel: &Logregel| regel.document.as_ref() == Some(&document) && regel.convenant == of.nieuw;
            self.besluiten.iter().any(|(_, regel)| regel.soort == Soort::Bekrachtigd && about(regel) && by(regel))
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
                let mut named = changes.iter().filter(|of| of.soort == DocumentSoort::Convenant && of.naam == *naam);
                named.all(|of| agrees(of, &signed))
            }
        };
        asked.iter().filter(is_given).cloned().collect()
    }
}

/// The documents with which another operator must agree: all, where no party is asked; else the deelnemers.
fn needs_other<'t>(changes: &'t [TeWijzigen], asked: &BTreeSet<Instemming>) -> Vec<&'t TeWijzigen> {
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
    async fn open_voorstellen(&self) -> Result<Vec<Voorstel>, StoreError> {
        let read = &self.store.read;
        let versie = self.store.head().teksten.versie;
        let mut open: BTreeMap<u64, Voorstel> = BTreeMap::new();
        for document in voorgesteld(read, versie).await? {
            let nummer = document.regel.voorstel.unwrap_or(document.log_index);
            let fresh = || Voorstel { nummer, documenten: Vec::new(), besluiten: Vec::new() };
            open.entry(nummer).or_insert_with(fresh).documenten.push(document);
        }
        for (index, regel) in besluiten(read, versie).await? {
            let Some(nummer) = regel.voorstel else { continue };
            if regel.soort == Soort::Beheerd {
                open.remove(&nummer);
            } else if let Some(voorstel) = open.get_mut(&nummer) {
                voorstel.besluiten.push((index, regel));
            }
        }
        Ok(open.into_values().filter(|voorstel| !voorstel.documenten.is_empty()).collect())
    }

    async fn open_voorstel(&self, nummer: u64) -> Result<Voorstel, Weigering> {
        let open = self.open_voorstellen().await.map_err(unavailable)?;
        open.into_iter().find(|voorstel| voorstel.nummer == nummer).ok_or(Weigering::VoorstelOnbekend)
    }

    /// Proposes a change of what is in force: everything that is asked, or nothing. FGs see it at once.
    ///
    /// # Errors
    /// What [`Exchange::change`] refuses, [`Weigering::NiemandTekent`] or [`Weigering::TeVeelVoorstellen`]; not yet logged.
    pub async fn propose(&self, call: &Call, opdracht: &Opdracht) -> Result<Voorgelegd, Weigering> {
        if self.open_voorstellen().await.map_err(unavailable)?.len() >= MOST_OPEN {
            return Err(Weigering::TeVeelVoorstellen);
        }
        let plan = self.plan(Some(call), &Arc::new(opdracht.clone())).await?;
        if !plan.zonder.is_empty() {
            return Err(Weigering::NiemandTekent);
        }
        if plan.wijzigingen.is_empty() {
            return Err(Weigering::veld("laden", "iets dat verschilt van wat al van kracht is"));
        }
        let days = SignedDuration::from_hours(24 * i64::from(plan.wijzigen.na_dagen));
        let propose = Propose {
            basis: plan.basis,
            wijzigingen: plan.wijzigingen.clone(),
            actor: Actor { reden: Some(self.reden(&opdracht.reden)), ..self.actor(call, Some(&opdracht.medewerker)) },
            identiteit: identiteit(&call.aangemeld.toegang),
            vanaf: self.klok.now().saturating_add(days).unwrap_or(Timestamp::MAX),
        };
        let (regels, _) = self.write(|reply| Event::Propose(Box::new(propose), reply)).await?;
        let nummer =
            regels.first().map(|(first, _)| *first).ok_or_else(|| unavailable("a proposal without a regel"))?;
        let voorstel = self.open_voorstel(nummer).await?;
        self.voorgelegd(&voorstel, plan).await
    }

    /// The open proposals. It opens why each was made, so that somebody looked is a regel.
    ///
    /// # Errors
    /// [`Weigering::ToegangVervallen`], not yet logged.
    pub async fn voorstellen(&self, call: &Call, inzage: &Inzage) -> Result<Vec<Voorgelegd>, Weigering> {
        self.reading(call)?;
        let mut shown = Vec::new();
        for voorstel in self.open_voorstellen().await.map_err(unavailable)? {
            // By its own basis: who came in meanwhile is not of it.
            let plan = self.plan(None, &Arc::new(voorstel.opdracht())).await?;
            shown.push(self.voorgelegd(&voorstel, plan).await?);
        }
        self.look_at_voorstellen(call, inzage).await?;
        Ok(shown)
    }

    async fn voorgelegd(&self, voorstel: &Voorstel, plan: Plan) -> Result<Voorgelegd, Weigering> {
        let given = voorstel.given(&plan.instemming, &self.van_kracht());
        let read = &self.store.read;
        let leaves = regels_at(read, &[voorstel.nummer]).await.map_err(unavailable)?;
        let regel = voorstel.regel();
        let asked: Vec<(u64, &[u8], &Logregel)> =
            leaves.iter().map(|(index, leaf)| (*index, leaf.as_slice(), regel)).collect();
        let keys = self.keys.sealing().openingen(Arc::clone(&self.rng));
        let opened = opened(read, &keys, &asked).await.map_err(unavailable)?;
        let reden = opened.into_values().flatten().find(|(veld, _)| *veld == Veld::Reden);
        let texts = voorstel.documenten.iter().map(|of| of.tekst.clone());
        Ok(Voorgelegd {
            voorstel: voorstel.nummer,
            ingediend: regel.tijd.clone(),
            vanaf: regel.vanaf.clone().unwrap_or_default(),
            door: regel.rol.clone().unwrap_or_default(),
            reden: reden.and_then(|(_, opening)| opening.tekst),
            documenten: voorstel.te_wijzigen().into_iter().zip(texts).collect(),
            zinnen: plan.zinnen,
            waarschuwingen: plan.waarschuwingen,
            instemming: plan.instemming.into_iter().map(|of| (of.clone(), given.contains(&of))).collect(),
        })
    }

    /// The convenanten of a proposal that the caller signs for its partner, each with the text to sign.
    ///
    /// # Errors
    /// [`Weigering::VoorstelOnbekend`] or [`Weigering::InstemmingNietGevraagd`], not yet logged.
    pub async fn te_tekenen(&self, call: &Call, nummer: u64) -> Result<Vec<(String, String)>, Weigering> {
        self.reading(call)?;
        let voorstel = self.open_voorstel(nummer).await?;
        let plan = self.plan(None, &Arc::new(voorstel.opdracht())).await?;
        let partner = &call.identiteit().partner;
        let mine = |of: &TeWijzigen| plan.instemming.contains(&Instemming::Partij(partner.clone(), of.naam.clone()));
        let mine = voorstel.te_wijzigen().into_iter().filter(mine);
        let texts: Vec<(String, String)> = mine.map(|of| (of.naam.clone(), te_tekenen(nummer, &of))).collect();
        if texts.is_empty() { Err(Weigering::InstemmingNietGevraagd) } else { Ok(texts) }
    }

    /// Agrees with a proposal: another operator, or who signs for a party with a signature for each convenant that it is asked for.
    /// Whether these hold was asked before, of the texts that [`Exchange::te_tekenen`] gives.
    ///
    /// # Errors
    /// [`Weigering::VoorstelOnbekend`], [`Weigering::InstemmingNietGevraagd`] or [`Weigering::HandtekeningOnjuist`]; not yet logged.
    pub async fn ratify(
        &self,
        call: &Call,
        nummer: u64,
        medewerker: &str,
        mut signed: BTreeMap<String, Vec<u8>>,
    ) -> Result<Voorgelegd, Weigering> {
        self.reading(call)?;
        let voorstel = self.open_voorstel(nummer).await?;
        let plan = self.plan(None, &Arc::new(voorstel.opdracht())).await?;
        let (who, identiteit) = (call.identiteit(), identiteit(&call.aangemeld.toegang));
        let changes = voorstel.te_wijzigen();
        let mine: Vec<&TeWijzigen> = match who.rol {
            Rol::Tekent => {
                let of_mine = |of: &&TeWijzigen| {
                    plan.instemming.contains(&Instemming::Partij(who.partner.clone(), of.naam.clone()))
                };
                changes.iter().filter(of_mine).collect()
            }
            Rol::Beheer if plan.instemming.contains(&Instemming::Ander) => {
                let proposed = voorstel.regel().identiteit.as_ref() == Some(&identiteit);
                if proposed { Vec::new() } else { needs_other(&changes, &plan.instemming) }
            }
            _ => Vec::new(),
        };
        if mine.is_empty() {
            return Err(Weigering::InstemmingNietGevraagd);
        }
        let mut besluiten = Vec::new();
        for of in mine {
            let handtekening = signed.remove(&of.naam);
            if who.rol == Rol::Tekent && handtekening.is_none() {
                return Err(Weigering::HandtekeningOnjuist);
            }
            let handtekening = handtekening.map(|handtekening| Handtekening {
                hash: sha256_hex(&handtekening),
                handtekening,
                certificaat: call.aangemeld.certificaat.der.to_vec(),
            });
            besluiten.push(Besluit::Bekrachtigd {
                document: of.soort.in_logboek(&of.naam),
                hash: of.nieuw.clone(),
                identiteit: identiteit.clone(),
                handtekening,
            });
        }
        self.decide((plan.basis, nummer), self.actor(call, Some(medewerker)), besluiten).await?;
        let voorstel = self.open_voorstel(nummer).await?;
        self.voorgelegd(&voorstel, plan).await
    }

    /// Takes a proposal back.
    ///
    /// # Errors
    /// [`Weigering::VoorstelOnbekend`], not yet logged.
    pub async fn take_back(&self, call: &Call, nummer: u64, reden: &str, medewerker: &str) -> Result<(), Weigering> {
        self.reading(call)?;
        self.open_voorstel(nummer).await?;
        let basis = self.store.head().teksten.versie;
        let actor = Actor { reden: Some(self.reden(reden)), ..self.actor(call, Some(medewerker)) };
        self.decide((basis, nummer), actor, vec![Besluit::Ingetrokken]).await
    }

    async fn decide(
        &self,
        (basis, voorstel): (u64, u64),
        actor: Actor,
        besluiten: Vec<Besluit>,
    ) -> Result<(), Weigering> {
        let decide = Decide { basis, voorstel, actor, besluiten };
        self.trust_clock()?;
        match self.store.writer.write(|reply| Event::Decide(Box::new(decide), reply)).await {
            // Something came into force meanwhile: the proposal is open no longer.
            Err(NotDone::Outdated) => Err(Weigering::VoorstelOnbekend),
            written => written.map(drop).map_err(|error| self.said(error)),
        }
    }

    /// Carries out the first proposal whose days are over and with which everybody agreed. Gives whether there was one.
    ///
    /// # Errors
    /// [`NotDone`] where it cannot be read, judged or written; it is tried again.
    pub async fn carry_out_voorstel(&self, afwachting: &mut Afwachting) -> Result<bool, NotDone> {
        let now = self.klok.now();
        let open = self.open_voorstellen().await?;
        afwachting.0.retain(|nummer, _| open.iter().any(|voorstel| voorstel.nummer == *nummer));
        for voorstel in open.iter().filter(|voorstel| voorstel.vanaf() <= now) {
            // As long as nobody agreed anew there is nothing to judge.
            let decided = voorstel.besluiten.len();
            if afwachting.0.get(&voorstel.nummer) == Some(&decided) {
                continue;
            }
            let plan = self.plan(None, &Arc::new(voorstel.opdracht())).await.map_err(NotDone::Refused)?;
            let agreed = voorstel.given(&plan.instemming, &self.van_kracht()) == plan.instemming;
            if !agreed || plan.te_wijzigen() != voorstel.te_wijzigen() {
                afwachting.0.insert(voorstel.nummer, decided);
                continue;
            }
            self.prove_voorstel(voorstel).await?;
            let actor = Actor { identiteit: self.poort.clone(), trace: None, medewerker: None, reden: None };
            let change = Change {
                basis: plan.basis,
                wijzigingen: plan.wijzigingen,
                actor: Some(actor),
                voorstel: Some(voorstel.nummer),
            };
            self.store.writer.write(|reply| Event::Change(Box::new(change), reply)).await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Holds each regel of a proposal to the tree that this gateway signed: what stands in the database is not believed.
    async fn prove_voorstel(&self, voorstel: &Voorstel) -> Result<(), StoreError> {
        let proposed = voorstel.documenten.iter().map(|of| (of.log_index, &of.regel));
        for (log_index, regel) in proposed.chain(voorstel.besluiten.iter().map(|(index, regel)| (*index, regel))) {
            let unproven = || StoreError::Unproven { log_index, why: "het logboek bewijst deze regel niet".to_owned() };
            let proof = prove(&self.store.read, log_index, Under::Newest).await?.ok_or_else(unproven)?;
            let key = self.vkey.named(proof.checkpoint.lines().next().unwrap_or_default());
            let verified = key.ok().and_then(|key| proof.verify(&key).ok()).ok_or_else(unproven)?;
            let head = self.store.head();
            let in_place = verified.checkpoint.origin != head.naam || verified.index + head.eerste == log_index;
            if !in_place || Logregel::from_leaf(&verified.leaf).ok().as_ref() != Some(regel) {
                return Err(unproven());
            }
        }
        Ok(())
    }
}
