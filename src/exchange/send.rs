//! Send: admit, seal, write, and give the receipt.

use std::sync::Arc;

use uuid::Uuid;

use super::{Call, Exchange, unavailable};
use crate::{
    domain::{Adres, Bericht, BerichtId, Stempel, Toegelaten, Weigering, admit},
    logboek::{Logregel, Soort, TlogProof, commitment},
    sleutels::{DataKey, Herhaling, WrapContext},
    store::{
        Accept, Accepted, Event, PostvakRij, StoredBericht,
        append::Commit,
        berichten::{find, find_by_request},
        proofs,
    },
};

/// A date turns once, and what is in force changes rarely: more often means that something is wrong.
pub(super) const MOST_TURNS: usize = 4;

/// The receipt of an accepted bericht.
pub struct Receipt {
    /// The bericht.
    pub bericht: BerichtId,
    /// Its thread.
    pub gesprek: BerichtId,
    /// When it was accepted, microseconds.
    pub micros: i64,
    /// One an ontvanger, in the order sent.
    pub aanvaardingen: Vec<Aanvaarding>,
    /// The salt of the commitment to the content.
    pub inhoud_zout: [u8; 32],
}

/// Acceptance for one ontvanger.
pub struct Aanvaarding {
    /// Who gets it.
    pub ontvanger: Adres,
    /// The stamp.
    pub stempel: Stempel,
    /// The proof that it is in the logboek.
    pub bewijs: TlogProof,
}

/// A bericht sealed for its ontvangers.
struct Sealed {
    accept: Accept,
    inhoud_zout: [u8; 32],
}

impl Exchange {
    /// Accepts one bericht, or says why not. `wacht_tot` (microseconds) reserves its answers for a waiting Ask; 0 does not.
    ///
    /// # Errors
    /// The [`Weigering`], not yet logged.
    pub async fn send(&self, call: &Call, bericht: Bericht, wacht_tot: i64) -> Result<Receipt, Weigering> {
        for _ in 0..MOST_TURNS {
            let toegelaten = match self.admit(call, bericht.clone()).await {
                Ok(toegelaten) => toegelaten,
                Err(Weigering::ToegangVervallen) => return Err(Weigering::ToegangVervallen),
                Err(weigering) => return self.repeat_or_refuse(call, &bericht, weigering).await,
            };
            let Sealed { accept, inhoud_zout } = self.seal(call, toegelaten, wacht_tot)?;
            let (id, gesprek, stempels) = (accept.id, accept.gesprek, accept.toegelaten.stempels().to_vec());
            let (accepted, commit) =
                self.store.writer.write(|reply| Event::Accept(Box::new(accept), reply)).await.map_err(unavailable)?;
            match accepted? {
                Accepted::New { micros, regels } => {
                    let commit = commit.ok_or_else(|| unavailable("an acceptance without a commit"))?;
                    let aanvaardingen = aanvaardingen(&commit, stempels, regels);
                    for aanvaarding in &aanvaardingen {
                        self.wakers.ring(&aanvaarding.ontvanger);
                    }
                    return Ok(Receipt { bericht: id, gesprek, micros, aanvaardingen, inhoud_zout });
                }
                Accepted::Repeat(id) => {
                    let stored = find(&self.store.read, id).await.map_err(unavailable)?;
                    let stored = stored.ok_or_else(|| unavailable("a repeated bericht is gone"))?;
                    return self.repeat(stored, &bericht).await;
                }
                // Midnight passed, or what is in force changed, between the admission and the transaction.
                Accepted::Outdated => drop(self.refresh().await.map_err(unavailable)?),
            }
        }
        Err(unavailable(
            "judged again and again: is the clock behind the last regel of the logboek, on an earlier day?",
        ))
    }

    /// A repeated request gets the receipt it got before, whatever the convenanten and the calendar say today.
    async fn repeat_or_refuse(
        &self,
        call: &Call,
        bericht: &Bericht,
        weigering: Weigering,
    ) -> Result<Receipt, Weigering> {
        let stored = find_by_request(&self.store.read, &call.identiteit().partner, bericht.request_id).await;
        match stored.map_err(unavailable)? {
            Some(stored) => self.repeat(stored, bericht).await,
            None => Err(weigering),
        }
    }

    async fn admit(&self, call: &Call, bericht: Bericht) -> Result<Toegelaten, Weigering> {
        let verzoek = match bericht.in_antwoord_op {
            Some(id) => find(&self.store.read, id).await.map_err(unavailable)?.map(StoredBericht::into_verzoek),
            None => None,
        };
        let van_kracht = self.van_kracht();
        van_kracht.deelnemers().still(&call.aangemeld)?;
        admit(bericht, call.identiteit(), verzoek, &van_kracht, self.clock.now())
    }

    /// Seals content once and wraps its key for each ontvanger.
    fn seal(&self, call: &Call, toegelaten: Toegelaten, wacht_tot: i64) -> Result<Sealed, Weigering> {
        let rng = self.rng.as_ref();
        let id = self.new_id();
        let gesprek = toegelaten.verzoek().map_or(id, |verzoek| verzoek.gesprek);
        let bericht = toegelaten.bericht();
        let herhaling = Herhaling::random(rng);
        let inhoud_zout = herhaling.inhoud_zout;
        let data_key = DataKey::random(rng);
        let van_kracht = self.van_kracht();
        let inhoud = data_key.seal(id, toegelaten.afzender(), &inhoud_zout, &bericht.inhoud, rng);
        let mut sleutels = Vec::with_capacity(toegelaten.stempels().len());
        for (ontvanger, stempel) in toegelaten.stempels() {
            let day_key = self.keys.day_key(stempel.houdbaar_tot_en_met).map_err(unavailable)?;
            let context = WrapContext { bericht: id, afzender: toegelaten.afzender(), ontvanger, stempel };
            let oin = van_kracht.partner_at(ontvanger)?.oin().clone();
            sleutels.push((oin, data_key.wrap(&day_key.in_use(), &context, rng)));
        }
        let (regels, zouten) = self.regels(call, &toegelaten, gesprek, &inhoud_zout, &sleutels);
        let last_day = toegelaten.stempels().iter().map(|(_, stempel)| stempel.houdbaar_tot_en_met).max();
        let last_day = last_day.expect("a bericht has at least one ontvanger");
        let day_key = self.keys.day_key(last_day).map_err(unavailable)?;
        let accept = Accept {
            id,
            gesprek,
            regels,
            zouten,
            vingerafdruk: herhaling.fingerprint(&bericht.vingerafdruk),
            herhaling: herhaling.seal(&day_key.in_use(), id, toegelaten.afzender(), rng),
            inhoud,
            sleutels,
            wacht_tot,
            postvak_limit: self.bounds.postvak,
            toegelaten,
        };
        Ok(Sealed { accept, inhoud_zout })
    }

    /// The regel `aanvaard` for each ontvanger, and the salts of its commitments.
    fn regels(
        &self,
        call: &Call,
        toegelaten: &Toegelaten,
        gesprek: BerichtId,
        inhoud_zout: &[u8; 32],
        sleutels: &[(crate::domain::Oin, Vec<u8>)],
    ) -> (Vec<Logregel>, Vec<u8>) {
        let bericht = toegelaten.bericht();
        let mut zouten = Vec::with_capacity(32 * (1 + bericht.betrokkenen.len()));
        let mut commit = |value: &[u8]| {
            let mut zout = [0; 32];
            self.rng.fill(&mut zout);
            zouten.extend_from_slice(&zout);
            commitment(&zout, value)
        };
        let medewerker = commit(bericht.medewerker.as_bytes());
        let betrokkene: Vec<String> = bericht.betrokkenen.iter().map(|betrokkene| commit(betrokkene)).collect();
        let inhoud = commitment(inhoud_zout, &bericht.inhoud);
        let regel = |(ontvanger, stempel): &(Adres, Stempel), oin: &crate::domain::Oin| Logregel {
            gesprek: Some(gesprek.to_string()),
            afzender: Some(format!("{}/{}", call.identiteit().oin, toegelaten.afzender().loket)),
            ontvanger: Some(format!("{oin}/{}", ontvanger.loket)),
            rol: Some(call.identiteit().rol.to_string()),
            actor: Some(call.identiteit().oin.to_string()),
            berichtsoort: Some(bericht.soort.to_string()),
            grondslag: Some(stempel.grondslag.clone()),
            regel: Some(stempel.regel.clone()),
            verwerkingsactiviteit: Some(stempel.verwerkingsactiviteit.clone()),
            convenant: Some(stempel.convenant.clone()),
            houdbaar_tot_en_met: Some(stempel.houdbaar_tot_en_met.to_string()),
            in_antwoord_op: bericht.in_antwoord_op.map(|id| id.to_string()),
            trace: Some(call.trace.clone()),
            betrokkene: betrokkene.clone(),
            medewerker: Some(medewerker.clone()),
            inhoud: Some(inhoud.clone()),
            ..Logregel::new(String::new(), Soort::Aanvaard)
        };
        let regels =
            toegelaten.stempels().iter().zip(sleutels).map(|(stempel, (oin, _))| regel(stempel, oin)).collect();
        (regels, zouten)
    }

    /// The original receipt, if the content is the same.
    async fn repeat(&self, stored: StoredBericht, bericht: &Bericht) -> Result<Receipt, Weigering> {
        let last_day = stored.rijen.iter().map(|rij| rij.stempel.houdbaar_tot_en_met).max();
        let last_day = last_day.ok_or_else(|| unavailable("a bericht without ontvanger"))?;
        let day_key = self.keys.existing(last_day).map_err(unavailable)?;
        let herhaling = Herhaling::open(&day_key.in_use(), stored.id, &stored.afzender, &stored.herhaling);
        let herhaling = herhaling.map_err(unavailable)?;
        if herhaling.fingerprint(&bericht.vingerafdruk) != stored.vingerafdruk {
            return Err(Weigering::RequestIdHergebruikt);
        }
        let mut aanvaardingen = Vec::with_capacity(stored.rijen.len());
        for rij in &stored.rijen {
            let read = &self.store.read;
            let checkpoint = proofs::original_checkpoint(read, rij.log_index).await.map_err(unavailable)?;
            let checkpoint = checkpoint.ok_or_else(|| unavailable("a regel that no checkpoint covers"))?;
            let bewijs = proofs::prove(read, rij.log_index, checkpoint).await.map_err(unavailable)?;
            let bewijs = bewijs.ok_or_else(|| unavailable("a regel that is gone"))?;
            aanvaardingen.push(Aanvaarding { ontvanger: rij.ontvanger.clone(), stempel: rij.stempel.clone(), bewijs });
        }
        let StoredBericht { id, gesprek, micros, .. } = stored;
        Ok(Receipt { bericht: id, gesprek, micros, aanvaardingen, inhoud_zout: herhaling.inhoud_zout })
    }

    /// The data key of a bericht, unwrapped as one of its ontvangers.
    pub(super) fn data_key(&self, rij: &PostvakRij) -> Result<DataKey, Weigering> {
        let wrapped = rij.sleutel.as_ref().ok_or(Weigering::Vervallen)?;
        let day_key = self.keys.existing(rij.stempel.houdbaar_tot_en_met).map_err(unavailable)?;
        let context = WrapContext {
            bericht: rij.bericht,
            afzender: &rij.afzender,
            ontvanger: &rij.ontvanger,
            stempel: &rij.stempel,
        };
        DataKey::unwrap(&day_key.in_use(), &context, wrapped).map_err(unavailable)
    }

    fn new_id(&self) -> BerichtId {
        let mut random = [0; 10];
        self.rng.fill(&mut random);
        let millis = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        BerichtId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// A new trace id, for a caller that brought none.
    #[must_use]
    pub fn new_trace(&self) -> String {
        let mut random = [0; 16];
        self.rng.fill(&mut random);
        Uuid::from_bytes(random).simple().to_string()
    }
}

fn aanvaardingen(
    commit: &Arc<Commit>,
    stempels: Vec<(Adres, Stempel)>,
    regels: Vec<(u64, Vec<u8>)>,
) -> Vec<Aanvaarding> {
    stempels
        .into_iter()
        .zip(regels)
        .map(|((ontvanger, stempel), (index, regel))| Aanvaarding {
            ontvanger,
            stempel,
            bewijs: commit.proof(index, regel),
        })
        .collect()
}
