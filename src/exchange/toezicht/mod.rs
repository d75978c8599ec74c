//! Toezicht: what FGs and auditors see. Each sees the logregels of the partners in its [`Zicht`](crate::domain::Zicht), never content;
//! and each look is itself a logregel, durable before what was seen leaves.

pub mod afspraken;
pub mod bewijs;
pub mod blik;
pub mod export;
pub mod factsheet;
pub mod nareken;
pub mod oog;
pub mod rapport;
pub mod scherm;
pub mod stand;
pub mod volg;
pub mod zoek;

use jiff::Timestamp;

use super::{Call, Exchange, unavailable};
use crate::{
    domain::{BerichtId, Weigering, houdbaarheid::amsterdam},
    logboek::{Logregel, Soort},
    sleutels::Veld,
    store::{Actor, Alone, Committed, Event, Pool, reading::namen::Namen},
};

/// Who looks, and why.
#[derive(Clone, Debug)]
pub struct Inzage {
    /// Staff reference of who looks.
    pub medewerker: String,
    /// Why, where that was said.
    pub reden: Option<String>,
}

/// What a look was at.
#[derive(Default)]
pub(super) struct Gezien {
    pub(super) bericht: Option<BerichtId>,
    /// Who was searched for.
    pub(super) betrokkene: Option<Committed>,
    pub(super) uitkomst: Option<&'static str>,
    /// The dossier of inzage.
    pub(super) dossier: Option<u64>,
}

/// A regel as it is shown, with the names and the local time that it takes to read it.
pub struct Getoond {
    /// Its index.
    pub log_index: u64,
    /// The regel to the byte.
    pub leaf: Vec<u8>,
    /// When it was written, Europe/Amsterdam, RFC 3339.
    pub tijd_lokaal: String,
    /// Who sent.
    pub afzender: Option<String>,
    /// Who was sent to.
    pub ontvanger: Option<String>,
    /// Who acted.
    pub actor: Option<String>,
}

impl Getoond {
    fn new(log_index: u64, leaf: Vec<u8>, regel: &Logregel, namen: &Namen) -> Self {
        let name_of = |adres: &Option<String>| adres.as_ref().map(|adres| namen.adres(log_index, adres));
        let local = |tijd: Timestamp| amsterdam(tijd).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        // Auditor and beheer are no partner: their role says who they are.
        let by_role = regel.rol.clone().filter(|rol| matches!(rol.as_str(), "auditor" | "beheer"));
        Self {
            log_index,
            tijd_lokaal: regel.tijd.parse().map(local).unwrap_or_default(),
            afzender: name_of(&regel.afzender),
            ontvanger: name_of(&regel.ontvanger),
            actor: by_role.or_else(|| name_of(&regel.actor)),
            leaf,
        }
    }
}

impl Exchange {
    /// The reading side for somebody of toezicht, with the names of all times.
    async fn overseeing(&self, call: &Call) -> Result<(&Pool, Namen), Weigering> {
        let read = self.reading(call)?;
        let namen = Namen::read(read, Some(self.poort.oin.clone())).await.map_err(unavailable)?;
        Ok((read, namen))
    }

    /// Who looks, and why, as the logboek writes it.
    pub(super) fn actor_of(&self, call: &Call, Inzage { medewerker, reden }: &Inzage) -> Actor {
        let reden = reden.as_deref().map(|reden| self.reden(reden));
        Actor { reden, ..self.actor(call, Some(medewerker)) }
    }

    /// Logs a look.
    pub(super) async fn log_look(&self, call: &Call, inzage: &Inzage, gezien: Gezien) -> Result<(), Weigering> {
        let mut alone = Alone::of(&self.actor_of(call, inzage), Soort::Ingezien);
        // Who may not see a bericht or a dossier must not learn by the looks of others that it is there.
        let bericht = gezien.bericht.map(|bericht| bericht.to_string());
        if let Some(what) = bericht.or_else(|| gezien.dossier.map(|nummer| format!("dossier {nummer}"))) {
            let bekeken = self.bekeken(&what);
            alone.regel.bekeken = Some(bekeken.commitment.clone());
            alone.openings.push((Veld::Bekeken, vec![bekeken]));
        }
        alone.regel.uitkomst = gezien.uitkomst.map(str::to_owned);
        if let Some(betrokkene) = gezien.betrokkene {
            alone.regel.betrokkene = vec![betrokkene.commitment.clone()];
            alone.openings.push((Veld::Betrokkene, vec![betrokkene]));
        }
        self.write(|reply| Event::Log(Box::new(alone), reply)).await.map(drop)
    }
}

impl Exchange {
    /// Logs that somebody looked at what is proposed.
    pub(super) async fn look_at_voorstellen(&self, call: &Call, inzage: &Inzage) -> Result<(), Weigering> {
        self.log_look(call, inzage, Gezien::default()).await
    }
}

/// A regel of the logboek, to look at.
pub(super) fn read_regel(leaf: &[u8]) -> Result<Logregel, Weigering> {
    Logregel::from_leaf(leaf).map_err(unavailable)
}
