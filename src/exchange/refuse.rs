//! Refuse: a refusal of what was decoded is logged before it leaves.
//!
//! What never became a bericht (undecodable, oversized, too much at once) is answered at once, counted, and logged once an identity,
//! reason and minute, so that it cannot fill the logboek.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::{Call, Exchange};
use crate::{
    domain::{Adres, Bericht, BerichtId, Berichtsoort, Identiteit, LoketNaam, PartnerNaam, Weigering, weigering::Aard},
    logboek::{Logregel, Soort},
    sleutels::Veld,
    store::{Alone, Committed, Event, NotDone},
};

/// What is known of what was refused.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The bericht, where one exists.
    pub bericht: Option<BerichtId>,
    /// The loket that was named.
    pub loket: Option<LoketNaam>,
    /// The only ontvanger, if there is one.
    pub ontvanger: Option<Adres>,
    /// The kind of bericht.
    pub soort: Option<Berichtsoort>,
    /// Staff reference of the acting employee.
    pub medewerker: Option<String>,
    /// Whom it is about.
    pub betrokkenen: Vec<Committed>,
}

impl About {
    /// Without the bericht where it is not the caller's: a regel about a bericht belongs to its own parties.
    #[must_use]
    pub fn hiding_unknown(self, weigering: &Weigering) -> Self {
        match weigering {
            Weigering::BerichtOnbekend
            | Weigering::LoketNietVanU
            | Weigering::ToegangVervallen
            | Weigering::OngeldigVeld(_) => Self { bericht: None, ..self },
            _ => self,
        }
    }
}

impl Exchange {
    /// What is known of a bericht.
    #[must_use]
    pub fn known_of(&self, bericht: &Bericht) -> About {
        let (_, betrokkenen) = self.betrokkenen(bericht);
        About {
            bericht: None,
            loket: Some(bericht.loket.clone()),
            ontvanger: <[_; 1]>::try_from(bericht.ontvangers.clone()).ok().map(|[only]| only),
            soort: Some(bericht.feiten.soort),
            medewerker: Some(bericht.medewerker.clone()),
            betrokkenen,
        }
    }

    /// Logs a refusal, and gives it back to be answered. If it cannot be logged the answer is that the gateway is unavailable;
    /// such an answer itself is not logged, because then nothing can be.
    pub async fn refuse(&self, call: &Call, about: About, weigering: Weigering) -> Weigering {
        if weigering.aard() == Aard::Onbeschikbaar {
            return weigering;
        }
        // Only names that exist: what a caller makes up must not get into a logboek that cannot be erased.
        let van_kracht = self.van_kracht();
        let existing = |partner: &PartnerNaam, loket: &LoketNaam| {
            let adres = Adres { partner: partner.clone(), loket: loket.clone() };
            van_kracht.partner_at(&adres).ok().map(|partner| partner.oin().clone())
        };
        let loket = about.loket.filter(|loket| existing(&call.identiteit().partner, loket).is_some());
        let ontvanger = about
            .ontvanger
            .and_then(|adres| existing(&adres.partner, &adres.loket).map(|oin| format!("{oin}/{}", adres.loket)));
        let medewerker = about.medewerker.map(|medewerker| self.medewerker(call.identiteit(), &medewerker));
        let regel = Logregel {
            afzender: loket.map(|loket| format!("{}/{loket}", call.identiteit().oin)),
            ontvanger,
            rol: Some(call.identiteit().rol.to_string()),
            actor: Some(call.identiteit().oin.to_string()),
            berichtsoort: about.soort.map(|soort| soort.to_string()),
            weigering: Some(weigering.code().to_owned()),
            trace: Some(call.trace.clone()),
            betrokkene: about.betrokkenen.iter().map(|of| of.commitment.clone()).collect(),
            medewerker: medewerker.as_ref().map(|of| of.commitment.clone()),
            ..Logregel::new(String::new(), Soort::Geweigerd)
        };
        let openings =
            vec![(Veld::Medewerker, medewerker.into_iter().collect()), (Veld::Betrokkene, about.betrokkenen)];
        let alone = Alone { regel, bericht: about.bericht, openings };
        match self.write(|reply| Event::Log(Box::new(alone), reply)).await {
            Ok(_) => weigering,
            Err(unavailable) => unavailable,
        }
    }

    /// Writes a regel for each identity and reason of a minute that has passed; of every minute with `all`.
    ///
    /// # Errors
    /// [`NotDone`]; what was not written is kept for the next time.
    pub async fn flush_weigeringen(&self, all: bool) -> Result<(), NotDone> {
        let minute = self.minute();
        while let Some((key, aantal)) = self.weigeringen.take(|key| all || key.minute < minute) {
            let regel = Logregel {
                rol: Some(key.rol.to_owned()),
                actor: Some(key.oin.clone()),
                aantal: Some(aantal),
                weigering: Some(key.weigering.to_owned()),
                ..Logregel::new(String::new(), Soort::Geweigerd)
            };
            if let Err(error) = self.log_alone(regel).await {
                self.weigeringen.add(key, aantal);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Logs handshakes that were refused: so many in one minute, for one reason, from one class of address.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn log_handshakes(&self, oorzaak: &str, adres: &str, aantal: u64) -> Result<(), NotDone> {
        let regel = Logregel {
            aantal: Some(aantal),
            oorzaak: Some(oorzaak.to_owned()),
            adres: Some(adres.to_owned()),
            ..Logregel::new(String::new(), Soort::HanddrukGeweigerd)
        };
        self.log_alone(regel).await
    }

    /// Logs that this gateway stops, as the last that it does.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn log_stop(&self) -> Result<(), NotDone> {
        self.log_alone(Logregel::new(String::new(), Soort::Gestopt)).await
    }

    async fn log_alone(&self, regel: Logregel) -> Result<(), NotDone> {
        let alone = Alone::new(regel);
        self.store.writer.write(|reply| Event::Log(Box::new(alone), reply)).await.map(drop)
    }

    /// The present minute, by which refusals are counted.
    #[must_use]
    pub fn minute(&self) -> i64 {
        self.klok.now().as_second().div_euclid(60)
    }

    /// Counts a call that never became a bericht.
    pub fn count_weigering(&self, identiteit: &Identiteit, weigering: &Weigering) {
        let key = Key {
            minute: self.minute(),
            oin: identiteit.oin.to_string(),
            rol: identiteit.rol.as_str(),
            weigering: weigering.code(),
        };
        self.weigeringen.add(key, 1);
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    minute: i64,
    oin: String,
    rol: &'static str,
    weigering: &'static str,
}

/// Weigeringen that were counted and not yet logged.
#[derive(Default)]
pub struct Weigeringen(Mutex<BTreeMap<Key, u64>>);

impl Weigeringen {
    fn add(&self, key: Key, aantal: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += aantal;
    }

    fn take(&self, due: impl Fn(&Key) -> bool) -> Option<(Key, u64)> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, _) = counts.first_key_value()?;
        if due(key) { counts.pop_first() } else { None }
    }
}
