//! Erasing what opens the logboek about a person: not while anybody can read about them, no leaf changes, and nobody finds them any more.

use ketenpoort::{
    logboek::{Logregel, Soort},
    proto::{self, RedenIntrekking},
};
use tonic::Status;

use crate::{
    harness::{Client, TestGateway, weigering},
    scenario::{scenario, search, sent},
    zoeken::{ZVH, found},
};

fn bram() -> proto::Zoekpersoon {
    search(|_| ()).persoon.unwrap()
}

fn mila() -> proto::Zoekpersoon {
    let (naam, geboortedatum) = ("Mila van Verzonnenhove".to_owned(), "1990-02-03".to_owned());
    proto::Zoekpersoon { naam: Some(naam), geboortedatum: Some(geboortedatum), ..Default::default() }
}

/// The ZVH takes a bericht back, so that nobody can read it any more.
pub async fn withdrawn(zvh: &mut Client, bericht: String) {
    let withdraw = proto::WithdrawRequest {
        bericht,
        loket: String::new(),
        reden: RedenIntrekking::Onjuist.into(),
        toelichting: None,
        medewerker: "bb-regie-03".to_owned(),
    };
    zvh.withdraw(withdraw).await.unwrap();
}

pub async fn erase(
    gateway: &TestGateway,
    persoon: proto::Zoekpersoon,
) -> Result<proto::EraseOpeningenResponse, Status> {
    let request = proto::EraseOpeningenRequest {
        persoon: Some(persoon),
        reden: "verzoek 2026-3".to_owned(),
        medewerker: "beheer-7".to_owned(),
    };
    Ok(gateway.beheer().await.erase_openingen(request).await?.into_inner())
}

async fn about(gateway: &TestGateway, persoon: proto::Zoekpersoon) -> Vec<u64> {
    found(gateway, "auditor", proto::Zoekfilter { betrokkene: Some(persoon), ..Default::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_opens_the_logboek_about_a_person_is_erased_and_the_logboek_stays_whole() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let bericht = sent(&mut zvh, scenario()).await;
    zsm.find_scenario(search(|_| ())).await.unwrap();
    let missed = search(|persoon| *persoon = mila());
    zsm.find_scenario(missed).await.unwrap();
    assert_eq!(weigering(erase(&gateway, bram()).await), "inhoud_actueel");
    withdrawn(&mut zvh, bericht).await;
    let before = about(&gateway, bram()).await;
    assert!(before.len() >= 3, "the scenario, its search, and its end: {before:?}");
    let leaves = gateway.regels().await;

    let erased = erase(&gateway, bram()).await.unwrap();
    assert_eq!(erased.berichten, 1);
    assert_eq!(weigering(erase(&gateway, bram()).await), "niemand_gevonden");
    let regels = gateway.regels().await;
    assert_eq!(regels[..leaves.len()], leaves, "no leaf changes");
    let [said] = erased.logregels[..] else { panic!("{erased:?}") };
    let Logregel { soort, gewist, reden, .. } = &regels[usize::try_from(said).unwrap()];
    assert_eq!((*soort, gewist.len() as u64, reden.is_some()), (Soort::OpeningenGewist, erased.openingen, true));
    assert_eq!(about(&gateway, bram()).await.iter().filter(|index| **index <= said).count(), 0);
    // The sister, in the same bericht, is found as before.
    assert!(about(&gateway, mila()).await.len() >= 3);
    // Whatever is asked of the logboek goes on: a proof of a leaf whose opening is gone, and a report.
    let inzage = proto::Inzage { medewerker: "fg-007".to_owned(), reden: String::new() };
    let proof = proto::GetProofRequest { inzage: Some(inzage), log_index: before[0] };
    let proof = gateway.toezicht("auditor").await.get_proof(proof).await.unwrap().into_inner().bewijs;
    assert_eq!(gateway.verify_proof(&proof), regels[usize::try_from(before[0]).unwrap()]);
    for (persoon, reden) in [(proto::Zoekpersoon::default(), "waarom"), (mila(), "")] {
        let request = proto::EraseOpeningenRequest {
            persoon: Some(persoon),
            reden: reden.to_owned(),
            medewerker: "beheer-7".to_owned(),
        };
        assert_eq!(weigering(gateway.beheer().await.erase_openingen(request).await), "ongeldig_veld");
    }
}
