//! What contactpunten, FGs and auditors ask in these tests, and about what.

use ketenpoort::{
    domain::{Clock, houdbaarheid::amsterdam_date},
    proto::{self, Dossier, Grond, RijSoort},
};
use serde_json::json;
use tonic::Status;

use crate::{
    harness::{TestGateway, request, send, weigering},
    scenario::{scenario, search, sent},
    zoeken::{ZVH, asked, page},
};

pub fn inzage() -> proto::Inzage {
    proto::Inzage { medewerker: "contact-7".to_owned(), reden: String::new() }
}

pub fn bram() -> proto::Zoekpersoon {
    search(|_| ()).persoon.unwrap()
}

pub fn opening(gateway: &TestGateway, persoon: proto::Zoekpersoon) -> proto::OpenDossierRequest {
    proto::OpenDossierRequest {
        inzage: Some(inzage()),
        persoon: Some(persoon),
        ontvangen_op: amsterdam_date(gateway.clock.now()).to_string(),
        kenmerk: "inzage-2026-3".to_owned(),
    }
}

pub async fn open(gateway: &TestGateway, who: &str, request: proto::OpenDossierRequest) -> Result<Dossier, Status> {
    Ok(gateway.inzage(who).await.open_dossier(request).await?.into_inner().dossier.unwrap())
}

pub async fn get(gateway: &TestGateway, who: &str, dossier: u64) -> Result<Dossier, Status> {
    let request = proto::GetDossierRequest { inzage: Some(inzage()), dossier };
    Ok(gateway.inzage(who).await.get_dossier(request).await?.into_inner().dossier.unwrap())
}

pub async fn list(gateway: &TestGateway, who: &str, ook_gesloten: bool) -> Vec<u64> {
    let request = proto::ListDossiersRequest { inzage: Some(inzage()), ook_gesloten };
    let listed = gateway.inzage(who).await.list_dossiers(request).await.unwrap().into_inner();
    listed.dossiers.iter().map(|of| of.dossier).collect()
}

pub fn released() -> proto::Oordeel {
    proto::Oordeel { vrijgeven: true, ..proto::Oordeel::default() }
}

pub fn withheld(grond: Grond, toelichting: &str, verzwijgen: bool) -> proto::Oordeel {
    proto::Oordeel { vrijgeven: false, grond: grond.into(), toelichting: toelichting.to_owned(), verzwijgen }
}

pub async fn decide(
    gateway: &TestGateway,
    who: &str,
    dossier: u64,
    (rows, others): (&[(u64, proto::Oordeel)], Option<proto::Oordeel>),
) -> Result<Dossier, Status> {
    let one = |(log_index, oordeel): &(u64, proto::Oordeel)| proto::RijBesluit {
        log_index: *log_index,
        oordeel: Some(oordeel.clone()),
    };
    let besluiten = rows.iter().map(one).collect();
    let request = proto::DecideDossierRequest { inzage: Some(inzage()), dossier, besluiten, overige: others };
    Ok(gateway.inzage(who).await.decide_dossier(request).await?.into_inner().dossier.unwrap())
}

pub async fn extend(gateway: &TestGateway, who: &str, dossier: u64, reden: &str) -> Result<Dossier, Status> {
    let inzage = Some(proto::Inzage { reden: reden.to_owned(), ..inzage() });
    let request = proto::ExtendDossierRequest { inzage, dossier };
    Ok(gateway.inzage(who).await.extend_dossier(request).await?.into_inner().dossier.unwrap())
}

pub async fn close(gateway: &TestGateway, who: &str, dossier: u64) -> Result<Dossier, Status> {
    let request = proto::CloseDossierRequest { inzage: Some(inzage()), dossier };
    Ok(gateway.inzage(who).await.close_dossier(request).await?.into_inner().dossier.unwrap())
}

pub fn rows(of: &Dossier) -> Vec<(u64, RijSoort)> {
    of.rijen.iter().map(|rij| (rij.log_index, rij.soort())).collect()
}

pub fn text(of: &Dossier) -> &str {
    of.overzicht.as_deref().unwrap()
}

/// A scenario about Bram at ZSM, a search that finds it and one that misses, a refusal, and an FG who looked for Bram. And about somebody of
/// the same name and birthday with another SKN, who is not Bram.
pub async fn exchanged(gateway: &TestGateway) -> String {
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let bericht = sent(&mut zvh, scenario()).await;
    zsm.find_scenario(search(|persoon| persoon.skn = Some("7310482".to_owned()))).await.unwrap();
    let mut refused = scenario();
    refused["ontvangers"] = json!([{"partner": "politie"}]);
    assert_eq!(weigering(send(&mut zvh, request(refused)).await), "geen_regel");
    let filter = proto::Zoekfilter { betrokkene: Some(bram()), ..Default::default() };
    page(gateway, "fg-zsm", asked(filter)).await.unwrap();
    let mut namesake = scenario();
    namesake["inhoud"]["betrokkenen"][0]["skn"] = json!("1234567");
    sent(&mut zvh, namesake).await;
    zsm.find_scenario(search(|persoon| persoon.skn = Some("1234567".to_owned()))).await.unwrap();
    bericht
}

pub fn bram_with_skn() -> proto::Zoekpersoon {
    proto::Zoekpersoon { skn: Some("7310482".to_owned()), ..bram() }
}
