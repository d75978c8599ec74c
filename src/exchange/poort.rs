//! What the gateway itself makes: that a scenario lapses soon, that a bericht has lapsed or was damaged, that a copy must be
//! destroyed. The last goes in the name of the partner that withdraws; of the others the gateway is the afzender.
//!
//! Such a bericht follows another one and rests on its stamp. It never causes a further one.

use std::sync::Arc;

use jiff::civil::Date;

use super::Exchange;
use crate::{
    domain::{
        Adres, Bericht, BerichtId, Berichtsoort, Eerder, Eerdere, Feiten, Identiteit, LoketNaam, Weigering, admit,
        weigering::Aard,
    },
    store::{Accept, Actor, PostvakRij, StoreError, reading::berichten::find},
};

/// What such a bericht says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VanDePoort {
    /// What it is: only those of [`Berichtsoort::from_gateway`].
    pub soort: Berichtsoort,
    /// The bericht that it is about.
    pub bericht: BerichtId,
    /// The kind of that bericht.
    pub over: Berichtsoort,
    /// The last day on which that one may, or could, be used.
    pub houdbaar_tot_en_met: Date,
    /// Of which ontvanger, in a schademelding.
    pub ontvanger: Option<Adres>,
    /// Why it was withdrawn, in a vernietigingsverzoek.
    pub reden: Option<RedenIntrekking>,
}

/// Why a bericht is withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedenIntrekking {
    /// The case was closed.
    CasusGesloten,
    /// The content was wrong.
    Onjuist,
    /// It went to the wrong ontvanger: a data leak (AVG art. 33).
    VerkeerdGeadresseerd,
    /// Another reason.
    Anders,
}

impl RedenIntrekking {
    /// The name in the logboek.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CasusGesloten => "casus_gesloten",
            Self::Onjuist => "onjuist",
            Self::VerkeerdGeadresseerd => "verkeerd_geadresseerd",
            Self::Anders => "anders",
        }
    }

    /// What that name says, in Dutch and for behind a colon; nothing for another name.
    #[must_use]
    pub fn what_it_is(naam: &str) -> Option<&'static str> {
        let all = [Self::CasusGesloten, Self::Onjuist, Self::VerkeerdGeadresseerd, Self::Anders];
        let reden = all.into_iter().find(|reden| reden.as_str() == naam)?;
        Some(match reden {
            Self::CasusGesloten => "de casus is gesloten",
            Self::Onjuist => "de inhoud was onjuist",
            Self::VerkeerdGeadresseerd => "het was verkeerd geadresseerd, een datalek",
            Self::Anders => "om een andere reden",
        })
    }
}

/// In whose name the gateway says something.
pub(super) struct Namens<'a> {
    /// The identity.
    pub(super) identiteit: &'a Identiteit,
    /// From which loket.
    pub(super) loket: &'a LoketNaam,
    /// Staff reference of the acting employee; empty where the gateway acts by itself.
    pub(super) medewerker: &'a str,
    /// The trace id of what it follows from.
    pub(super) trace: Option<String>,
}

impl Exchange {
    /// The gateway itself, as the one who acts.
    pub(super) fn gateway_itself(&self) -> Actor {
        let identiteit = self.poort.clone();
        Actor { identiteit, trace: Some(self.new_trace()), medewerker: None, reden: None }
    }

    /// A bericht of the gateway to `naar` about a row. None where `naar` is no deelnemer any more, where the bericht is refused
    /// otherwise, or where another row of the original is damaged.
    pub(super) async fn about(
        &self,
        rij: &PostvakRij,
        soort: Berichtsoort,
        naar: Adres,
    ) -> Result<Option<Arc<Accept>>, StoreError> {
        let original = match find(&self.store.read, rij.bericht).await {
            Ok(original) => original,
            // Another row of it is damaged, which must not keep this one from ending.
            Err(error @ StoreError::Inconsistent { .. }) => {
                self.passed.say(&[error]);
                None
            }
            Err(error) => return Err(error),
        };
        let Some(original) = original else { return Ok(None) };
        let says = VanDePoort {
            soort,
            bericht: rij.bericht,
            over: rij.soort,
            houdbaar_tot_en_met: rij.last_day(),
            ontvanger: Some(rij.ontvanger.adres.clone()),
            reden: None,
        };
        let loket = Adres::gateway().loket;
        let namens = Namens { identiteit: &self.poort, loket: &loket, medewerker: "", trace: Some(self.new_trace()) };
        match self.of_gateway(&says, namens, vec![naar], original.as_earlier()).await {
            Ok(accept) => Ok(Some(accept)),
            Err(weigering) if weigering.aard() == Aard::Onbeschikbaar => Err(StoreError::Unknown),
            Err(_) => Ok(None),
        }
    }

    /// A bericht of the gateway's own about `original`, in the name of `namens`, ready to be written.
    pub(super) async fn of_gateway(
        &self,
        says: &VanDePoort,
        namens: Namens<'_>,
        ontvangers: Vec<Adres>,
        original: Eerder,
    ) -> Result<Arc<Accept>, Weigering> {
        let Namens { identiteit, loket, medewerker, trace } = namens;
        let mut random = [0; 16];
        self.rng.fill(&mut random);
        let bericht = Bericht {
            request_id: uuid::Builder::from_random_bytes(random).into_uuid(),
            // Nobody repeats it.
            vingerafdruk: [0; 32],
            loket: loket.clone(),
            ontvangers,
            in_antwoord_op: Some(original.bericht),
            houdbaar_tot_en_met: None,
            grondslag: None,
            convenant: None,
            vervangt: None,
            feiten: Feiten::new(says.soort),
            betrokkenen: Vec::new(),
            medewerker: medewerker.to_owned(),
            inhoud: (self.encode)(says),
        };
        let eerdere = Eerdere { verzoek: Some(original), vervangt: None };
        let toegelaten = admit(bericht, identiteit, eerdere, &self.van_kracht(), self.klok.now())?;
        self.seal(toegelaten, trace, None).await
    }
}
