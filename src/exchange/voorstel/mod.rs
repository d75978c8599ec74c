//! Voorstel (proposal): a change of what is in force that is told before, and that more than one agrees with.
//!
//! All that is known of a proposal stands in the logboek; only its texts and signatures are rows beside it, and these count only where the
//! head of the logboek knows all of them and no others. It is open as long as nothing came into force since: it was judged, and told, by
//! what was in force then. The gateway carries it out by itself once everybody whose agreement is asked has agreed and its days are over.

mod open;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use open::{Voorstel, identiteit, needs_other};

use super::{
    Call, Exchange, Opdracht,
    beheer::{Plan, next},
    toezicht::Inzage,
    unavailable,
};
use crate::{
    documenten::Bron,
    domain::{Instemming, Rol, TeWijzigen, Weigering, wijzigen::te_tekenen},
    logboek::sha256_hex,
    sleutels::Veld,
    store::{Actor, Besluit, Change, Decide, Event, Handtekening, NotDone, Propose},
};

/// Open proposals, at most: each of them is judged whenever somebody looks at them.
const MOST_OPEN: usize = 16;

/// A proposal, as it is shown.
pub struct Voorgelegd {
    /// Its number: the index of its first regel.
    pub voorstel: u64,
    /// When it was proposed, UTC in the form of `tijd`.
    pub ingediend: String,
    /// Not before this moment it comes into force, UTC in the form of `tijd`.
    pub vanaf: String,
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

/// What is said of a change that allows and forbids nothing.
const NOTHING: &str =
    "Voor wie wat mag uitwisselen verandert er niets; wel verandert de tekst (een titel, id, versie of toelichting).";

impl Exchange {
    /// Proposes a change of what is in force: everything that is asked, or nothing. FGs see it at once.
    ///
    /// # Errors
    /// What [`Exchange::change`] refuses, [`Weigering::OngeldigVeld`] where a party has nobody who can sign, or
    /// [`Weigering::TeVeelVoorstellen`]; not yet logged.
    pub async fn propose(&self, call: &Call, opdracht: &Opdracht) -> Result<Voorgelegd, Weigering> {
        if self.open_voorstellen().await.map_err(unavailable)?.len() >= MOST_OPEN {
            return Err(Weigering::TeVeelVoorstellen);
        }
        let plan = self.plan(Some(call), &Arc::new(opdracht.clone())).await?;
        if !plan.zonder.is_empty() {
            let names: Vec<String> = plan.zonder.iter().map(ToString::to_string).collect();
            let asked = format!(
                "een wijziging waarmee iedereen kan instemmen: zonder identiteit met rol tekent is {}",
                names.join(", ")
            );
            return Err(Weigering::veld("laden", asked));
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
        let shown = self.voorgelegde().await?;
        self.look_at_voorstellen(call, inzage).await?;
        Ok(shown)
    }

    /// The open proposals, for who looks at more than these.
    pub(super) async fn voorgelegde(&self) -> Result<Vec<Voorgelegd>, Weigering> {
        let mut shown = Vec::new();
        for voorstel in self.open_voorstellen().await.map_err(unavailable)? {
            // By its own basis: who came in meanwhile is not of it.
            let plan = self.plan(None, &Arc::new(voorstel.opdracht())).await?;
            shown.push(self.voorgelegd(&voorstel, plan).await?);
        }
        Ok(shown)
    }

    async fn voorgelegd(&self, voorstel: &Voorstel, plan: Plan) -> Result<Voorgelegd, Weigering> {
        let given = voorstel.given(&plan.instemming, &self.van_kracht());
        let (_, opened) = self.who_and_why(voorstel.nummer).await?;
        let reden = opened.into_iter().find(|(veld, _)| *veld == Veld::Reden);
        let regel = voorstel.regel();
        let texts = voorstel.documenten.iter().map(|of| of.tekst.clone());
        Ok(Voorgelegd {
            voorstel: voorstel.nummer,
            ingediend: regel.tijd.clone(),
            vanaf: regel.vanaf.clone().unwrap_or_default(),
            reden: reden.and_then(|(_, opening)| opening.tekst),
            documenten: voorstel.te_wijzigen().into_iter().zip(texts).collect(),
            zinnen: if plan.zinnen.is_empty() { vec![NOTHING.to_owned()] } else { plan.zinnen },
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
        if voorstel.is_agreed(&identiteit, &mine) {
            // Said before: it counts once.
            return self.voorgelegd(&voorstel, plan).await;
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

    /// The open proposals that lapse with a change that is made at once, in sentences. Proposals that cannot be read hold nothing up: a stolen
    /// certificate must go out at once.
    pub(super) async fn which_lapse(&self) -> Vec<String> {
        let open = self.open_voorstellen().await.unwrap_or_default();
        open.iter()
            .map(|of| format!("Voorstel {} vervalt hierdoor; doe het zo nodig daarna opnieuw.", of.nummer))
            .collect()
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

    /// The texts in force once an open proposal holds, and from when that is at the earliest; nothing where it is not open.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub(super) async fn texts_with_voorstel(&self, nummer: u64) -> Result<Option<(Vec<Bron>, Timestamp)>, Weigering> {
        let open = self.open_voorstellen().await.map_err(unavailable)?;
        let Some(voorstel) = open.iter().find(|voorstel| voorstel.nummer == nummer) else { return Ok(None) };
        let texts = self.texts().await.map_err(unavailable)?;
        Ok(Some((next(&texts.in_force, &voorstel.opdracht())?, voorstel.vanaf())))
    }

    /// Carries out the first proposal whose days are over and with which everybody agreed. Gives whether there was one.
    ///
    /// # Errors
    /// [`NotDone`] where it cannot be read, judged or written; it is tried again.
    pub async fn carry_out_voorstel(&self, afwachting: &mut Afwachting) -> Result<bool, NotDone> {
        let now = self.klok.now();
        let open = self.open_voorstellen().await?;
        afwachting.0.retain(|nummer, _| open.iter().any(|voorstel| voorstel.nummer == *nummer));
        // A clock that somebody just confirmed ends no days, as it ends no content.
        let in_time = |voorstel: &&Voorstel| voorstel.vanaf() <= now && (!voorstel.waits() || self.klok.may_lapse());
        for voorstel in open.iter().filter(in_time) {
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
            let actor = Actor { identiteit: self.poort.clone(), trace: None, medewerker: None, reden: None };
            let change = Change {
                basis: plan.basis,
                wijzigingen: plan.wijzigingen,
                actor: Some(actor),
                voorstel: Some(voorstel.nummer),
            };
            return match self.store.writer.write(|reply| Event::Change(Box::new(change), reply)).await {
                // Something came in force in between, perhaps this by another gateway. What is left of it shows at the next look.
                Err(NotDone::Outdated) => Ok(true),
                written => written.map(|_| true),
            };
        }
        Ok(false)
    }
}
