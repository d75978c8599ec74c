//! Seal: content under a fresh key, that key for each ontvanger under the key of its last day, and the regels that say so.

use std::sync::Arc;

use super::{Exchange, unavailable};
use crate::{
    domain::{Adres, BerichtId, Kenmerk, Oin, Persoon, Stempel, Toegelaten, Weigering},
    logboek::{Logregel, Soort, commitment},
    sleutels::{DataKey, Herhaling, WrapContext},
    store::{Accept, Actor, Pseudoniem},
};

/// A bericht sealed for its ontvangers.
pub(super) struct Sealed {
    pub(super) accept: Arc<Accept>,
    pub(super) inhoud_zout: [u8; 32],
}

impl Exchange {
    /// Seals content once and wraps its key for each ontvanger.
    pub(super) async fn seal(
        &self,
        toegelaten: Toegelaten,
        trace: Option<String>,
        wacht_tot: i64,
    ) -> Result<Sealed, Weigering> {
        let rng = self.rng.as_ref();
        let id = self.new_id();
        let gesprek = toegelaten.gesprek().unwrap_or(id);
        let bericht = toegelaten.bericht();
        let herhaling = Herhaling::random(rng);
        let inhoud_zout = herhaling.inhoud_zout;
        let data_key = DataKey::random(rng);
        let van_kracht = self.van_kracht();
        let inhoud = data_key.seal(id, toegelaten.afzender(), &inhoud_zout, &bericht.inhoud, rng);
        let mut sleutels = Vec::with_capacity(toegelaten.stempels().len());
        for (ontvanger, stempel) in toegelaten.stempels() {
            let day_key = self.keys.day_key(stempel.houdbaar_tot_en_met).await.map_err(unavailable)?;
            let context = WrapContext { bericht: id, afzender: toegelaten.afzender(), ontvanger, stempel };
            let oin = van_kracht.partner_at(ontvanger)?.oin().clone();
            sleutels.push((oin, data_key.wrap(&day_key.in_use(), &context, rng)));
        }
        let (regels, zouten) = self.regels(&toegelaten, trace.as_deref(), gesprek, &inhoud_zout, &sleutels);
        let last_day = toegelaten.stempels().iter().map(|(_, stempel)| stempel.houdbaar_tot_en_met).max();
        let last_day = last_day.expect("a bericht has at least one ontvanger");
        let day_key = self.keys.day_key(last_day).await.map_err(unavailable)?;
        let accept = Accept {
            id,
            gesprek,
            actor: Actor { identiteit: toegelaten.identiteit().clone(), trace, medewerker: None, reden: None },
            pseudoniemen: self.pseudoniemen(&bericht.feiten.personen),
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
        Ok(Sealed { accept: Arc::new(accept), inhoud_zout })
    }

    /// The regel `aanvaard` for each ontvanger, and the salts of its commitments.
    fn regels(
        &self,
        toegelaten: &Toegelaten,
        trace: Option<&str>,
        gesprek: BerichtId,
        inhoud_zout: &[u8; 32],
        sleutels: &[(Oin, Vec<u8>)],
    ) -> (Vec<Logregel>, Vec<u8>) {
        let (bericht, identiteit) = (toegelaten.bericht(), toegelaten.identiteit());
        let mut zouten = Vec::with_capacity(32 * (1 + bericht.betrokkenen.len()));
        let mut commit = |value: &[u8]| {
            let mut zout = [0; 32];
            self.rng.fill(&mut zout);
            zouten.extend_from_slice(&zout);
            commitment(&zout, value)
        };
        // The gateway acts by itself, without an employee.
        let medewerker = (!bericht.medewerker.is_empty()).then(|| commit(bericht.medewerker.as_bytes()));
        let betrokkene: Vec<String> = bericht.betrokkenen.iter().map(|betrokkene| commit(betrokkene)).collect();
        let inhoud = commitment(inhoud_zout, &bericht.inhoud);
        let regel = |(ontvanger, stempel): &(Adres, Stempel), oin: &Oin| Logregel {
            gesprek: Some(gesprek.to_string()),
            afzender: Some(format!("{}/{}", identiteit.oin, toegelaten.afzender().loket)),
            ontvanger: Some(format!("{oin}/{}", ontvanger.loket)),
            rol: Some(identiteit.rol.to_string()),
            actor: Some(identiteit.oin.to_string()),
            berichtsoort: Some(bericht.feiten.soort.to_string()),
            grondslag: Some(stempel.grondslag.clone()),
            regel: Some(stempel.regel.clone()),
            verwerkingsactiviteit: Some(stempel.verwerkingsactiviteit.clone()),
            convenant: Some(stempel.convenant.clone()),
            houdbaar_tot_en_met: Some(stempel.houdbaar_tot_en_met.to_string()),
            in_antwoord_op: bericht.in_antwoord_op.map(|id| id.to_string()),
            vervangt: bericht.vervangt.map(|id| id.to_string()),
            trace: trace.map(str::to_owned),
            betrokkene: betrokkene.clone(),
            medewerker: medewerker.clone(),
            inhoud: Some(inhoud.clone()),
            ..Logregel::new(String::new(), Soort::Aanvaard)
        };
        let regels =
            toegelaten.stempels().iter().zip(sleutels).map(|(stempel, (oin, _))| regel(stempel, oin)).collect();
        (regels, zouten)
    }

    /// By what each of these people can be found, and compared.
    fn pseudoniemen(&self, personen: &[Persoon]) -> Vec<Pseudoniem> {
        let of = |(volgnummer, persoon): (usize, &Persoon)| {
            let hoofdpersoon = persoon.hoofdpersoon;
            let marks = self.keyed(persoon.alle_kenmerken());
            marks.into_iter().map(move |(kenmerk, pseudoniem)| Pseudoniem {
                volgnummer,
                hoofdpersoon,
                kenmerk,
                pseudoniem,
            })
        };
        personen.iter().enumerate().flat_map(of).collect()
    }

    /// Marks of a person as the store knows them.
    pub(super) fn keyed(&self, marks: impl IntoIterator<Item = (Kenmerk, String)>) -> Vec<(Kenmerk, [u8; 32])> {
        marks.into_iter().map(|(kenmerk, text)| (kenmerk, self.keys.pseudoniem(kenmerk, &text))).collect()
    }

    fn new_id(&self) -> BerichtId {
        let mut random = [0; 10];
        self.rng.fill(&mut random);
        let millis = u64::try_from(self.klok.now().as_millisecond()).unwrap_or(0);
        BerichtId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}
