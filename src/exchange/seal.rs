//! Seal: content is sealed under a fresh key, and that key is wrapped for each ontvanger under the key of its last day. The regels
//! `aanvaard` that say so are made here too.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Exchange, unavailable};
use crate::{
    domain::{BerichtId, Ontvanger, Toegelaten, Weigering},
    logboek::{Logregel, Soort, commitment},
    sleutels::{DataKey, Herhaling, HerhalingContext, WrapContext},
    store::{Accept, AcceptOntvanger, Actor},
    telemetry::sporen::under_way,
};

/// The regel `aanvaard` of one ontvanger.
fn accepted(regel: &Logregel, ontvanger: &Ontvanger) -> Logregel {
    let stempel = &ontvanger.stempel;
    Logregel {
        ontvanger: Some(ontvanger.in_logboek()),
        grondslag: Some(stempel.grondslag.clone()),
        regel: Some(stempel.regel.clone()),
        verwerkingsactiviteit: Some(stempel.verwerkingsactiviteit.clone()),
        convenant: Some(stempel.convenant.clone()),
        houdbaar_tot_en_met: Some(stempel.houdbaar_tot_en_met.to_string()),
        ..regel.clone()
    }
}

/// What the regels `aanvaard` of a bericht have in common, without commitments.
fn aanvaard(toegelaten: &Toegelaten, gesprek: BerichtId) -> Logregel {
    let (bericht, identiteit) = (toegelaten.bericht(), toegelaten.identiteit());
    Logregel {
        gesprek: Some(gesprek.to_string()),
        afzender: Some(format!("{}/{}", identiteit.oin, toegelaten.afzender().loket)),
        rol: Some(identiteit.rol.to_string()),
        actor: Some(identiteit.oin.to_string()),
        berichtsoort: Some(bericht.feiten.soort.to_string()),
        in_antwoord_op: bericht.in_antwoord_op.map(|id| id.to_string()),
        vervangt: bericht.vervangt.map(|id| id.to_string()),
        doelgroep: toegelaten.doelgroep().map(|doelgroep| doelgroep.as_str().to_owned()),
        ..Logregel::new(String::new(), Soort::Aanvaard)
    }
}

impl Exchange {
    /// Seals content once and wraps its key for each ontvanger.
    pub(super) async fn seal(
        &self,
        toegelaten: Toegelaten,
        trace: Option<String>,
        asked_until: Option<Timestamp>,
    ) -> Result<Arc<Accept>, Weigering> {
        let _step = self.metingen.sporen.step("verzegelen");
        let rng = self.rng.as_ref();
        let id = self.new_id();
        let gesprek = toegelaten.gesprek().unwrap_or(id);
        let bericht = toegelaten.bericht();
        let herhaling = Herhaling::random(rng);
        let inhoud_zout = herhaling.inhoud_zout;
        let data_key = DataKey::random(rng);
        let inhoud = data_key.seal(id, toegelaten.afzender(), &inhoud_zout, &bericht.inhoud, rng);
        // The gateway acts by itself, without an employee.
        let medewerker = Some(&bericht.medewerker).filter(|medewerker| !medewerker.is_empty());
        let medewerker = medewerker.map(|medewerker| self.medewerker(toegelaten.identiteit(), medewerker));
        let (personen, betrokkenen) = self.betrokkenen(bericht);
        let regel = Logregel {
            trace: trace.clone(),
            betrokkene: betrokkenen.iter().map(|of| of.commitment.clone()).collect(),
            medewerker: medewerker.as_ref().map(|of| of.commitment.clone()),
            inhoud: Some(commitment(&inhoud_zout, &bericht.inhoud)),
            ..aanvaard(&toegelaten, gesprek)
        };
        let ontvangers = self.wrapped(id, &toegelaten, &data_key, &regel).await?;
        let last_day = toegelaten.ontvangers().iter().map(|ontvanger| ontvanger.stempel.houdbaar_tot_en_met).max();
        let last_day = last_day.expect("a bericht has at least one ontvanger");
        let day_key = self.keys.day_key(last_day).await.map_err(unavailable)?;
        let vingerafdruk = herhaling.fingerprint(&bericht.vingerafdruk);
        let context = HerhalingContext {
            bericht: id,
            afzender: toegelaten.afzender(),
            request_id: bericht.request_id,
            betwist: bericht.feiten.betwist,
            vingerafdruk: &vingerafdruk,
        };
        let accept = Accept {
            id,
            gesprek,
            actor: Actor { identiteit: toegelaten.identiteit().clone(), trace, medewerker: None, reden: None },
            personen,
            ontvangers,
            medewerker,
            betrokkenen,
            herhaling: herhaling.seal(&day_key.in_use(), &context, rng),
            vingerafdruk,
            inhoud,
            inhoud_zout,
            asked_until,
            spoor: under_way(),
            postvak_limit: self.bounds.postvak,
            toegelaten,
        };
        Ok(Arc::new(accept))
    }

    /// The key of a bericht, wrapped for each ontvanger, with the regel of that ontvanger.
    async fn wrapped(
        &self,
        id: BerichtId,
        toegelaten: &Toegelaten,
        data_key: &DataKey,
        regel: &Logregel,
    ) -> Result<Vec<AcceptOntvanger>, Weigering> {
        let mut ontvangers = Vec::with_capacity(toegelaten.ontvangers().len());
        for ontvanger in toegelaten.ontvangers() {
            let Ontvanger { adres, stempel, .. } = ontvanger;
            let day_key = self.keys.day_key(stempel.houdbaar_tot_en_met).await.map_err(unavailable)?;
            let context = WrapContext { bericht: id, afzender: toegelaten.afzender(), ontvanger: adres, stempel };
            ontvangers.push(AcceptOntvanger {
                ontvanger: ontvanger.clone(),
                sleutel: data_key.wrap(&day_key.in_use(), &context, self.rng.as_ref()),
                regel: accepted(regel, ontvanger),
            });
        }
        Ok(ontvangers)
    }

    fn new_id(&self) -> BerichtId {
        let mut random = [0; 10];
        self.rng.fill(&mut random);
        let millis = u64::try_from(self.klok.now().as_millisecond()).unwrap_or(0);
        BerichtId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}
