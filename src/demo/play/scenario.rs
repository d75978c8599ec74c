//! The work around a scenario: taking back, finding, and what waits for a terugkoppeling.

use serde_json::json;

use super::{Player, adres, afzender, berichtsoort, unmet};
use crate::{
    cli::Failure,
    clock::SystemClock,
    demo::story::{Intrekking, Openstaand, Zoeken},
    domain::Clock,
    grpc::codec::from_json,
    proto::{self, IntrekkingUitkomst, RedenIntrekking},
};

impl Player<'_> {
    pub(super) async fn withdraw(&mut self, stap: &str, intrekking: &Intrekking) -> Result<(), Failure> {
        let van = self.van(&intrekking.bericht)?;
        let (profile, mut client) = self.client(&van).await?;
        let (bericht, original) = (self.id(&intrekking.bericht)?, self.request(&intrekking.bericht)?);
        let reden = format!("REDEN_INTREKKING_{}", intrekking.reden.to_ascii_uppercase());
        let reden = RedenIntrekking::from_str_name(&reden).ok_or_else(|| unmet(format!("{stap}: geen {reden}")))?;
        let message = proto::WithdrawRequest {
            bericht: bericht.clone(),
            loket: original.loket.clone(),
            reden: reden.into(),
            toelichting: Some(intrekking.toelichting.clone()),
            medewerker: intrekking.medewerker.clone(),
        };
        let withdrawn = client.withdraw(message).await.map_err(|status| profile.failure(&status))?.into_inner();
        for ended in &withdrawn.intrekkingen {
            let ontvanger = adres(ended.ontvanger.as_ref());
            let uitkomst = match ended.uitkomst() {
                IntrekkingUitkomst::Ingetrokken => "ingetrokken",
                IntrekkingUitkomst::VernietigingGevraagd => "vernietiging_gevraagd",
                other => other.as_str_name(),
            };
            if uitkomst != intrekking.uitkomst {
                return Err(unmet(format!("{stap}: {ontvanger} is {uitkomst}")));
            }
            self.report.say(&format!("    {uitkomst} bij {ontvanger}, reden {}", intrekking.reden));
            self.report.line(&json!({
                "stap": stap, "soort": uitkomst, "bericht": bericht, "afzender": afzender(&van, &original),
                "ontvanger": ontvanger, "berichtsoort": berichtsoort(&original), "log_index": ended.log_index,
            }));
        }
        Ok(())
    }

    pub(super) async fn find(&mut self, stap: &str, zoeken: &Zoeken) -> Result<(), Failure> {
        let (profile, mut client) = self.client(&zoeken.als).await?;
        let mut persoon = self.casussen.betrokkene(&zoeken.persoon, SystemClock.now())?;
        if let Some(fields) = persoon.as_object_mut() {
            fields.retain(|field, _| zoeken.met.contains(field));
        }
        let message = proto::FindScenarioRequest {
            persoon: Some(from_json(persoon).map_err(Failure::Usage)?),
            zaaknummer: zoeken.zaaknummer.clone(),
            loket: String::new(),
            medewerker: zoeken.medewerker.clone(),
        };
        let found = client.find_scenario(message).await.map_err(|status| profile.failure(&status))?.into_inner();
        let ids: Vec<&str> = found.scenarios.iter().map(|found| found.bericht.as_str()).collect();
        if ids != self.ids(&zoeken.gevonden)? {
            return Err(unmet(format!("{stap}: {} scenario's gevonden", ids.len())));
        }
        for scenario in &found.scenarios {
            let (afzender, ontvanger) = (adres(scenario.afzender.as_ref()), adres(scenario.ontvanger.as_ref()));
            let until = &scenario.houdbaar_tot_en_met;
            self.report.say(&format!("    een scenario van {afzender} bij {ontvanger}, houdbaar tot en met {until}"));
            self.report.line(&json!({
                "stap": stap, "soort": "geraadpleegd", "bericht": scenario.bericht, "afzender": afzender,
                "ontvanger": ontvanger, "berichtsoort": "scenario", "houdbaar_tot_en_met": until,
            }));
        }
        if ids.is_empty() {
            self.report.say("    niets gevonden");
            self.report.line(&json!({"stap": stap, "soort": "geraadpleegd"}));
        }
        Ok(())
    }

    pub(super) async fn open_terugkoppeling(&mut self, stap: &str, openstaand: &Openstaand) -> Result<(), Failure> {
        let (profile, mut client) = self.client(&openstaand.als).await?;
        let message = proto::ListOpenTerugkoppelingenRequest { loket: openstaand.loket.clone(), langer_dan_dagen: 0 };
        let listed = client.list_open_terugkoppelingen(message).await;
        let open = listed.map_err(|status| profile.failure(&status))?.into_inner().open;
        let ids: Vec<&str> = open.iter().map(|open| open.bericht.as_str()).collect();
        if ids != self.ids(&openstaand.berichten)? {
            return Err(unmet(format!("{stap}: {} scenario's wachten op terugkoppeling", ids.len())));
        }
        for open in &open {
            let ontvanger = adres(open.ontvanger.as_ref());
            self.report.say(&format!("    geraadpleegd door {ontvanger} op {}, nog niets gehoord", open.geraadpleegd));
            self.report.line(&json!({
                "stap": stap, "bericht": open.bericht, "ontvanger": ontvanger, "berichtsoort": "scenario",
            }));
        }
        if open.is_empty() {
            self.report.say("    niets wacht op terugkoppeling");
            self.report.line(&json!({"stap": stap}));
        }
        Ok(())
    }
}
